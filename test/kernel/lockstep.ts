/**
 * Why this exists: one program, run by the kernel and by the reference model at once. After every
 * step all that can be seen of the two is compared.
 */
import { KernelWorld } from "./kernel-world.ts";
import type { Program, Step } from "./program.ts";
import { ReferenceModel } from "./reference-model.ts";

/** More than the longest chain of promises there is between a door and a caller. */
const MICROTASKS = 8;
/** Longer than any call waits that does not wait for ever. */
const LONG_MS = 100;

export class Lockstep {
  readonly #model = new ReferenceModel();
  readonly #world: KernelWorld;
  readonly #program: Program;
  /** Every fact that both agree on. */
  readonly facts: string[] = [];
  #nth = 0;
  #picked = 0;

  constructor(program: Program) {
    this.#program = program;
    this.#world = new KernelWorld((ready, pidAt) => {
      const pids = Array.from({ length: ready }, (_, i) => pidAt(i));
      const alive = pids.filter((pid) => this.#world.members[pid - 1]?.alive);
      same("ready", alive.join(), this.#model.ready().join());
      const index = this.#nth % ready;
      this.#picked = pids[index] ?? 0;
      return index;
    });
  }

  async run(): Promise<void> {
    for (const birth of this.#program.births) {
      this.#world.spawn(birth, null, false);
      this.#model.spawn(birth, null);
    }
    for (const step of this.#program.steps) await this.#step(step);
    await this.#end();
    for (const [call, times] of this.#world.settled.entries())
      same(`call ${call} is settled`, `${times ?? 0} times`, "1 times");
  }

  /** Until nothing is left but calls that wait for ever; then all die. */
  async #end(): Promise<void> {
    do {
      while (this.#world.wakes.length > 0) await this.#step({ do: "turn", nth: 0 });
      await this.#step({ do: "pass", ms: LONG_MS });
      if (this.#world.wakes.length > 0) continue;
      await this.#step({ do: "open", nth: 0, ok: true });
    } while (this.#world.wakes.length > 0 || this.#model.doors() > 0);
    same("at rest", this.#model.ready().join(), "");
    while (this.#world.members.some(({ alive }) => alive))
      await this.#step({ do: "signal", who: 0, reason: "kill" });
  }

  async #step(step: Step): Promise<void> {
    // A call that finds a drain due counts its time from then on. On a host the two are one tick
    // apart, unless the sender keeps the thread: see `call.test.ts`.
    const { asked, wakes } = this.#world;
    if (step.do === "pass" && asked && wakes.length > 0) await this.#step({ do: "turn", nth: 0 });
    if (step.do !== "turn") {
      this.#world.step(step);
      this.#model.step(step);
    } else {
      this.#nth = step.nth;
      this.#picked = 0;
      this.#world.asked = false;
      this.#world.wakes.shift()?.();
      if (this.#picked > 0) this.#model.turn(this.#picked);
      else same("nobody's turn", "", this.#model.ready().join());
    }
    for (let i = 0; i < MICROTASKS; i++) await undefined;
    const facts = this.#world.facts.splice(0).sort().join("\n");
    same("seen", facts, this.#model.facts.splice(0).sort().join("\n"));
    same("awaited", `${this.#world.doors.length}`, `${this.#model.doors()}`);
    same("state", this.#world.look(), this.#model.look());
    if (facts !== "") this.facts.push(facts);
  }
}

function same(what: string, kernel: string, model: string): void {
  if (kernel !== model) throw new Error(`${what}\nkernel:\n${kernel}\nmodel:\n${model}`);
}
