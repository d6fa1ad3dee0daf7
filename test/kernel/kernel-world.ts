/**
 * Why this exists: the kernel's side of the lockstep: a random program done by real processes, and
 * what can be seen of them from outside, in the words of the reference model.
 */
import { actor, type Deferred, ignore } from "../../src/kernel/actor.ts";
import type { ExitReason } from "../../src/kernel/exit.ts";
import type { Host } from "../../src/kernel/host.ts";
import { Kernel } from "../../src/kernel/kernel.ts";
import { asProcess, type Process } from "../../src/kernel/process.ts";
import type { Ref } from "../../src/kernel/ref.ts";
import { linksOf } from "../../src/kernel/relations.ts";
import type { Down, Exit, Monitor, Self, SpawnOptions } from "../../src/kernel/self.ts";
import {
  type Action,
  type Birth,
  type Body,
  chosen,
  MEMBERS_MAX,
  NAMES,
  type Step,
} from "./program.ts";

export class KernelWorld {
  readonly kernel: Kernel;
  readonly members: Process[] = [];
  readonly doors: { resolve: () => void; reject: (error: Error) => void }[] = [];
  readonly #deferred: { reply: Deferred<unknown>; call: number }[] = [];
  readonly wakes: (() => void)[] = [];
  /** Whether anything was called since the last turn. */
  asked = false;
  /** How often each call was settled: the kernel says so each time, a promise only once. */
  readonly settled: number[] = [];
  readonly #monitors: { of: Self<unknown>; monitor: Monitor | null }[] = [];
  readonly #cancels: { of: Self<unknown>; cancel: () => void }[] = [];
  readonly #timers = new Set<{ at: number; fire: () => void }>();
  #calls = 0;
  #deadLetters = 0;
  #now = 0;
  #tags = 0;
  facts: string[] = [];

  constructor(pick: Host["pick"] & {}) {
    this.kernel = new Kernel({
      now: () => this.#now,
      wallNow: () => 0,
      wake: (run) => void this.wakes.push(run),
      timer: (ms, fire) => {
        const timer = { at: this.#now + ms, fire };
        this.#timers.add(timer);
        return () => this.#timers.delete(timer);
      },
      choose: () => 0,
      pick,
    });
    this.kernel.observe(
      (event) => {
        if (event.type === "exited") this.see(event.pid, `exited ${text(event.reason)}`);
        else if (event.type === "settled")
          this.settled[event.call - 1] = (this.settled[event.call - 1] ?? 0) + 1;
        else if (event.type === "dead_letter") this.#deadLetters++;
      },
      ["exited", "settled", "dead_letter"],
    );
  }

  see(id: number, what: string): void {
    this.facts.push(`${id} ${what}`);
  }

  look(): string {
    const living = this.kernel.processes().map(({ id }) => id);
    const lines = this.members.map((each) => {
      const { id, status, waiting, relations } = each;
      const { watchers, watching, owed, timers } = relations ?? NOTHING;
      const ids = [...linksOf(each)].map((other) => other.id).sort();
      const counts = `${watchers.size} ${watching.size} ${owed.size} ${timers.size}`;
      return `${id} ${status}: ${waiting} wait, links ${ids}, holds ${counts}`;
    });
    const named = NAMES.map((name) => {
      const ref = this.kernel.whereis(name, member) ?? this.kernel.whereis(name, careful);
      return `${name} ${ref?.id}`;
    });
    return `${lines.join("\n")}\n${named}\nliving ${living}, dead letters ${this.#deadLetters}`;
  }

  spawn(birth: Birth, parent: Self<unknown> | null, link: boolean): void {
    const id = this.members.length + 1;
    const definition = birth.end === "none" ? member : careful;
    const options: SpawnOptions = {
      ...(birth.name === null ? {} : { name: birth.name }),
      onStart: (outcome) => {
        const why = outcome.status === "failed" ? ` ${text(outcome.reason)}` : "";
        this.see(id, `start ${outcome.status}${why}`);
      },
    };
    const args: [KernelWorld, Birth] = [this, birth];
    const child =
      parent === null
        ? this.kernel.spawn(definition, args, null, options)
        : parent[link ? "spawnLink" : "spawn"](definition, args, options);
    this.members.push(asProcess(child));
  }

  step(step: Exclude<Step, { do: "turn" }>): unknown {
    switch (step.do) {
      case "run":
        return this.#at(step.who).cast("run", step.script);
      case "signal":
        return this.kernel.exit(this.#at(step.who), step.reason, null);
      case "watch": {
        const of = this.#at(step.who);
        this.#monitors.push({ of: null as never, monitor: null });
        return this.kernel
          .exited(of)
          .then((reason) => this.see(of.id, `was watched: ${text(reason)}`));
      }
      case "spawn":
        return this.members.length < MEMBERS_MAX && this.spawn(step.birth, null, false);
      case "open": {
        const door = this.doors.splice(step.nth % this.doors.length, 1)[0];
        return step.ok ? door?.resolve() : door?.reject(new Error("door"));
      }
      case "settle": {
        const owed = this.#deferred[step.nth % this.#deferred.length];
        return step.ok ? owed?.reply.resolve(owed.call) : owed?.reply.reject("no");
      }
      default:
        return this.#pass(this.#now + step.ms);
    }
  }

  #pass(until: number): void {
    for (;;) {
      const due = [...this.#timers].filter(({ at }) => at <= until);
      const soonest = Math.min(...due.map(({ at }) => at));
      const next = due.find(({ at }) => at === soonest);
      if (next === undefined) break;
      this.#timers.delete(next);
      this.#now = soonest;
      next.fire();
    }
    this.#now = until;
  }

  #at(index: number): Process {
    return chosen(index, this.members, ({ alive }) => alive);
  }

  door(): Promise<void> {
    return new Promise((resolve, reject) => this.doors.push({ resolve, reject }));
  }

  perform(self: Self<unknown>, script: Action[], body: Body | null, call: number): unknown {
    for (const [i, action] of script.entries()) {
      if (action.do === "crash") throw new Error("crash");
      if (action.do === "await")
        return this.door().then(() => this.perform(self, script.slice(i + 1), body, call));
      this.#act(self, action);
    }
    if (body === null) return undefined;
    if (body.answer === "value") return call;
    const reply = self.defer<unknown>();
    if (body.answer === "early") reply.resolve(call);
    else this.#deferred.push({ reply, call });
    return reply;
  }

  #act(self: Self<unknown>, action: Action): unknown {
    switch (action.do) {
      case "note":
        return this.#at(action.to).cast("note", self.id, ++this.#tags);
      case "link":
      case "unlink":
        return self[action.do](this.#at(action.to));
      case "monitor":
        return this.#monitors.push({ of: self, monitor: self.monitor(this.#at(action.to)) });
      case "demonitor": {
        const own = this.#monitors.filter(({ of }) => of === self);
        const monitor = own[action.nth % own.length]?.monitor;
        return monitor && self.demonitor(monitor);
      }
      case "call":
        return this.#call(this.#at(action.to), action.within, action.body);
      case "spawn":
        if (this.members.length >= MEMBERS_MAX) return;
        return this.spawn(action.birth, self, action.link);
      case "exit":
        return self.exit(this.#at(action.to), action.reason);
      case "stop":
        return self.stop(action.reason);
      case "trap":
        self.trapExit = action.on;
        return;
      case "continue": {
        const tag = ++this.#tags;
        return self.continue(() => this.see(self.id, `continue ${tag}`));
      }
      case "task": {
        const tag = ++this.#tags;
        return self.task(
          "task",
          () => this.door(),
          ({ ok }) => this.see(self.id, `task ${tag} ${ok}`),
        );
      }
      case "after": {
        const id = this.#cancels.length;
        const cancel = self.after(action.ms, "timer", () => this.see(self.id, `timer ${id}`));
        return this.#cancels.push({ of: self, cancel });
      }
      case "cancel": {
        const own = this.#cancels.filter(({ of }) => of === self);
        return own[action.nth % own.length]?.cancel();
      }
    }
  }

  #call(to: Process, within: number, body: Body): void {
    const id = this.#calls++;
    this.asked = true;
    (to as Ref as Ref<{ ask: (body: Body, id: number) => unknown }>)
      .callWithin(within, "ask", body, id)
      .then(
        (value) => this.facts.push(`call ${id} reply ${value}`),
        ({ code, reason }) => {
          const why = code === "exit" ? ` ${text(reason)}` : "";
          this.facts.push(`call ${id} ${code}${why}`);
        },
      );
  }

  monitorId(monitor: Monitor): number {
    return this.#monitors.findIndex((each) => each.monitor === monitor);
  }
}

const none = new Set<never>();
const NOTHING = { watchers: none, watching: none, owed: none, timers: none };

const text = (reason: ExitReason): string =>
  typeof reason === "object" && "error" in reason
    ? `error: ${(reason.error as Error).message}`
    : `${reason}`;

interface State {
  readonly world: KernelWorld;
  readonly birth: Birth;
}

const plain = {
  init: (self: Self<unknown>, world: KernelWorld, birth: Birth): State | Promise<State> => {
    const { trap, init } = birth;
    world.see(self.id, "init");
    self.trapExit = trap;
    if (init === "throw") throw new Error("init");
    if (init === "stop") self.stop("bad");
    if (init === "ignore") return ignore as never;
    const state = { world, birth };
    return init === "slow" ? world.door().then(() => state) : state;
  },
  calls: {
    ask: (self: Self<State>, body: Body, id: number): unknown => {
      self.state.world.see(self.id, `call ${id}`);
      return self.state.world.perform(self, body.script, body, id);
    },
  },
  casts: {
    run: (self: Self<State>, script: Action[]): unknown => {
      self.state.world.see(self.id, "run");
      return self.state.world.perform(self, script, null, 0);
    },
    note: (self: Self<State>, from: number, tag: number): void =>
      self.state.world.see(self.id, `note ${tag} from ${from}`),
  },
  info: ({ id, state: { world } }: Self<State>, message: unknown): void => {
    const { type, ref, reason } = message as Down | Exit;
    const which = type === "DOWN" ? `${world.monitorId((message as Down).monitor)} ` : "";
    world.see(id, `${type} ${which}of ${ref.id} ${text(reason)}`);
  },
};
const member = actor(plain);
const careful = actor({
  ...plain,
  terminate: (self: Self<State>, reason: ExitReason): unknown => {
    const { world, birth } = self.state;
    world.see(self.id, `terminate ${text(reason)}`);
    if (birth.end === "throw") throw new Error("terminate");
    return birth.end === "slow" ? world.door() : undefined;
  },
});
