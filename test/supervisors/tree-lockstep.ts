/**
 * Why this exists: one random tree, built of real supervisors and of the model's. After each thing
 * that befalls it the two are compared: what each supervisor's children did, and what is left.
 */
import { actor } from "../../src/kernel/actor.ts";
import type { ExitReason } from "../../src/kernel/exit.ts";
import type { Ref, RefOf } from "../../src/kernel/ref.ts";
import type { ChildSpec } from "../../src/ports/child-spec.ts";
import { type SupervisorOptions, supervisor } from "../../supervisors/supervisor.ts";
import { createSystem } from "../../supervisors/system.ts";
import { virtualHost } from "../support/virtual-host.ts";
import type { Supervisor } from "./harness.ts";
import {
  type Act,
  type Fate,
  isSupervisor,
  PASS_MS,
  PAUSE_MS,
  PERIOD_MS,
  type Plan,
  type WorkerPlan,
} from "./random-tree.ts";
import { certain, type Sup, TreeModel } from "./tree-model.ts";

type Starts = Map<string, number>;

const worker = actor({
  name: "worker",
  init: (self, plan: WorkerPlan, starts: Starts) => {
    self.trapExit = plan.trap;
    const count = (starts.get(plan.id) ?? 0) + 1;
    starts.set(plan.id, count);
    const up = (): WorkerPlan => {
      if (count === plan.fails) throw new Error("asked to");
      return plan;
    };
    if (plan.startMs === 0) return up();
    return new Promise<void>((resolve) => self.host.timer(plan.startMs, resolve)).then(up);
  },
  casts: {
    crash: () => {
      throw new Error("asked to");
    },
    stop: (self, reason: ExitReason) => self.stop(reason),
  },
  terminate: ({ state, host }): unknown =>
    state.trap && state.stopMs > 0
      ? new Promise<void>((resolve) => host.timer(state.stopMs, resolve))
      : undefined,
});

/** `starts`: how often each worker was started so far. */
export function specOf(plan: Plan, starts: Starts): ChildSpec {
  const { id, restart, significant, shutdownMs } = plan;
  const common = { id, restart, significant, shutdownMs };
  if (!isSupervisor(plan)) {
    const { waitMs } = plan;
    const backoff = waitMs === 0 ? {} : { backoff: { minMs: waitMs, maxMs: waitMs } };
    return { ...common, ...backoff, start: worker, args: [plan, starts] };
  }
  const { strategy, intensity, autoShutdown } = plan;
  const children = plan.children.map((child) => specOf(child, starts));
  const options = { strategy, intensity, autoShutdown, periodMs: PERIOD_MS, children };
  return { ...common, start: supervisor, args: [options satisfies SupervisorOptions] };
}

export class TreeLockstep {
  readonly model = new TreeModel();
  readonly #virtual = virtualHost();
  readonly #system = createSystem({ host: this.#virtual.host, logger: false });
  readonly #fate: Fate;
  readonly #starts: Starts = new Map();
  /** Of each supervisor, by its pid, in the order of their starts. */
  readonly #diaries = new Map<number, string[]>();
  readonly #parents = new Map<number, number>();
  #asked: { name: string; answer: string; expected: string } | null = null;
  #stopped = false;

  constructor(fate: Fate) {
    this.#fate = fate;
    this.#system.observe(
      (event) => {
        if (event.type === "spawned") {
          this.#parents.set(event.pid, event.parent ?? 0);
          if (/^(root|s\d)/.test(event.label)) this.#diaries.set(event.pid, []);
        } else if (event.type === "started") this.#note(event, "up");
        else if (event.type === "exited") this.#note(event, `down ${text(event.reason)}`);
      },
      ["spawned", "started", "exited"],
    );
  }

  #note({ at, pid, label }: { at: number; pid: number; label: string }, what: string): void {
    this.#diaries.get(this.#parents.get(pid) ?? 0)?.push(`${at} ${label} ${what}`);
  }

  async run(): Promise<void> {
    const { root, acts, end } = this.#fate;
    this.#system.start(specOf(root, this.#starts)).catch(() => {});
    this.model.begin(root);
    await this.#compare();
    for (const act of acts) {
      await this.#act(act);
      await this.#compare();
    }
    this.model.now = this.#virtual.now();
    if (end === "kill" && this.model.root.alive) {
      this.#system.exit(this.#process(this.#pid(this.model.root)) as Ref, "kill");
      this.model.killRoot();
    } else {
      void this.#system.stop();
      this.#stopped = true;
      this.model.stop();
    }
    await this.#compare();
    // Nobody is left behind.
    same(
      "left",
      `${this.#system.processes().map(({ label }) => label)}`,
      this.#stopped ? "" : "system",
    );
  }

  async #act(act: Act): Promise<void> {
    if (act.do === "pass") await this.#virtual.advance(PASS_MS);
    this.model.now = this.#virtual.now();
    const living = this.model.living();
    const sup = act.do === "pass" ? undefined : living[act.sup % living.length];
    if (act.do === "pass" || sup === undefined) return;
    if (act.do === "startChild") {
      const plan = { ...act.plan, significant: false };
      this.#ask(sup, "startChild", specOf(plan, this.#starts), this.model.startChild(sup, plan));
      return;
    }
    const { kids } = sup;
    if (kids.length === 0) return;
    const kidAt = (index: number) => kids[index % kids.length] as (typeof kids)[number];
    if (act.do === "kill") {
      const victims = [...new Set(certain(sup, act).map(kidAt))];
      const refs = victims.map(({ plan }) => this.#child(sup, plan.id));
      for (const ref of refs) if (ref !== undefined) this.#system.exit(ref, "kill");
      this.model.kill(sup, victims);
    } else if (act.do.endsWith("Child")) {
      const kid = kidAt(act.who);
      const name = act.do as "terminateChild" | "restartChild" | "deleteChild";
      this.#ask(sup, name, kid.plan.id, this.model[name](sup, kid));
    } else this.#end(sup, kidAt(act.who), act.do);
  }

  #end(sup: Sup, kid: Sup["kids"][number], how: string): void {
    const ref = this.#child(sup, kid.plan.id) as RefOf<typeof worker> | undefined;
    if (kid.sup === null && how === "crash") ref?.cast("crash");
    else if (kid.sup === null) ref?.cast("stop", how);
    else if (how === "crash") return;
    else if (ref !== undefined) this.#system.exit(ref, how);
    this.model.end(sup, kid, how);
  }

  /** What it answers is compared with what it should once all is over. */
  #ask(sup: Sup, name: string, what: unknown, expected: string): void {
    const ref = this.#process(this.#pid(sup)) as unknown as Ref<Record<string, Ask>>;
    const asked = { name, answer: "none", expected };
    this.#asked = asked;
    void ref.call(name, what).then((answer) => {
      asked.answer = (answer as { status?: string }).status ?? `${answer}`;
    });
  }

  #pid(sup: Sup): number {
    return [...this.#diaries.keys()][this.model.sups.indexOf(sup)] as number;
  }

  #process(pid: number): Ref | undefined {
    return this.#system.processes().find(({ id }) => id === pid);
  }

  #child(sup: Sup, id: string): Ref | undefined {
    const pid = this.#pid(sup);
    const isIt = (ref: Ref): boolean => ref.label === id && this.#parents.get(ref.id) === pid;
    return this.#system.processes().find(isIt);
  }

  async #compare(): Promise<void> {
    const { model } = this;
    const { advance, now } = this.#virtual;
    await advance(Math.max(0, model.now - now(), model.until - now()) + PAUSE_MS);
    const asked = this.#asked;
    this.#asked = null;
    if (asked !== null) same(asked.name, asked.answer, asked.expected);
    same("supervisors", `${this.#diaries.size}`, `${model.sups.length}`);
    for (const [i, diary] of [...this.#diaries.values()].entries()) {
      const { plan, diary: expected, killed } = model.sups[i] as Sup;
      if (killed) for (const each of [diary, expected]) each.sort();
      same(`diary of ${plan.id}`, diary.join("\n"), expected.join("\n"));
    }
    const processes = model.living().flatMap(({ kids }) => kids.filter(isRunning));
    const count = model.root.alive ? processes.length + 2 : 1;
    if (!this.#stopped) same("processes", `${this.#system.processes().length}`, `${count}`);
    for (const sup of model.living()) await this.#compareChildren(sup);
  }

  async #compareChildren(sup: Sup): Promise<void> {
    const ref = this.#process(this.#pid(sup)) as Supervisor;
    const asked = ref.call("whichChildren");
    await this.#virtual.advance(0);
    const children = (await asked).map(({ id, status, ref }) => `${id} ${status} ${ref?.alive}`);
    const expected = sup.kids.map(({ plan: { id }, status }) =>
      status === "running" ? `${id} running true` : `${id} stopped undefined`,
    );
    same(`children of ${sup.plan.id}`, children.join("\n"), expected.join("\n"));
  }
}

type Ask = (what: unknown) => unknown;
const isRunning = ({ status }: { status: string }): boolean => status === "running";

function text(reason: ExitReason): string {
  if (typeof reason === "string") return reason;
  return "shutdown" in reason ? "shutdown" : "error";
}

function same(what: string, supervisors: string, model: string): void {
  if (supervisors !== model)
    throw new Error(`${what}\nsupervisors:\n${supervisors}\nmodel:\n${model}`);
}
