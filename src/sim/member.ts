/**
 * Why this exists: one operating system process of a simulated world: a kernel on a host of its
 * own, that can be killed with all it holds, stopped in good order, paused as by SIGSTOP, and whose
 * clocks may be wrong.
 */
import { checkChildSpec } from "../../supervisors/check-child.ts";
import { type ExitReason, isOrderly } from "../kernel/exit.ts";
import type { Cancel, Host } from "../kernel/host.ts";
import { Kernel } from "../kernel/kernel.ts";
import type { Process } from "../kernel/process.ts";
import type { ChildSpec } from "../ports/child-spec.ts";
import { EPOCH_MS } from "./clock.ts";
import type { Ending, Given } from "./facts.ts";

/** What a member needs of its world. */
export interface Surroundings {
  now(): number;
  /** Queues a step of a member; it runs when its turn comes. */
  ready(member: Member, run: () => void): void;
  timer(ms: number, fire: () => void): Cancel;
  /** Which of a member's waiting processes goes on. */
  pick(member: Member, bound: number, pidAt: (index: number) => number): number;
  jitter(bound: number): number;
  /** Runs `code` as this member's own. */
  enter(member: Member, code: () => void): void;
  /** A life begins: what it runs, with everything that is watched in place. */
  furnish(member: Member): ChildSpec;
  observe(member: Member, kernel: Kernel): void;
  started(member: Member): void;
  ended(member: Member, how: Ending): void;
}

export class Member {
  readonly name: string;
  /** From 1, over all members of a world. */
  readonly number: number;
  /** There for a while only: whoever ends it, nobody starts it again. */
  readonly temporary: boolean;
  state: "up" | "paused" | "stopping" | "down" = "down";
  /** Counts its lives. */
  incarnation = 0;
  kernel: Kernel | null = null;
  root: Process | null = null;
  host: Host;
  /** The records its worker was given last, as the actors tell it. */
  handling: Given | null = null;
  /** When its last pause ended, in the world's milliseconds. */
  resumedAtMs = 0;
  /** Handlers that were told never to end: nothing but the end of the process ends them. */
  hung = 0;
  readonly #world: Surroundings;
  /** What waits for the end of a pause. */
  #held: (() => void)[] = [];
  /** Host milliseconds per world millisecond, since when, and what the host's clock showed then. */
  #rate = 1;
  #since = 0;
  #shown = 0;
  #wallSkewMs = 0;

  constructor(number: number, temporary: boolean, world: Surroundings) {
    this.name = `${temporary ? "n" : "m"}${number}`;
    this.number = number;
    this.temporary = temporary;
    this.#world = world;
    this.host = this.#newHost();
  }

  boot(): void {
    this.incarnation++;
    this.state = "up";
    this.hung = 0;
    this.handling = null;
    this.#held = [];
    this.host = this.#newHost();
    const { host } = this;
    this.#world.enter(this, () => {
      const kernel = new Kernel(host);
      this.kernel = kernel;
      this.#world.observe(this, kernel);
      this.#world.started(this);
      const spec = this.#world.furnish(this);
      checkChildSpec(spec, "tree");
      const name = spec.name === undefined ? {} : { name: spec.name };
      const { start, args, id: label } = spec;
      const root = kernel.spawn(start, args as never, null, { label, ...name });
      this.root = root;
      kernel.watch(root, null, (_watch, reason) => this.#ended(host, reason));
    });
  }

  /** SIGKILL: nothing of it runs any more; what it sent is on its way. */
  kill(): void {
    if (this.state === "down") return;
    this.#down("killed");
  }

  /** SIGTERM. */
  stop(): void {
    const { root, kernel } = this;
    if (this.state !== "up" || root === null || kernel === null) return;
    this.state = "stopping";
    this.#world.enter(this, () => kernel.exit(root, "shutdown", null));
  }

  /** SIGSTOP: time goes on without it. */
  pause(): void {
    if (this.state === "up") this.state = "paused";
  }

  resume(): void {
    if (this.state !== "paused") return;
    this.state = "up";
    this.resumedAtMs = this.#world.now();
    for (const run of this.#held.splice(0)) this.#world.ready(this, run);
  }

  /** Runs a step of this life, if it may: holds it back in a pause, forgets it after the end. */
  step(run: () => void): void {
    if (this.state === "down") return;
    if (this.state === "paused") this.#held.push(run);
    else this.#world.enter(this, run);
  }

  /** Its monotonic clock runs `rate` times as fast from now on. */
  drift(rate: number): void {
    this.#shown = this.host.now();
    this.#since = this.#world.now();
    this.#rate = rate;
  }

  get drifts(): boolean {
    return this.#rate !== 1;
  }

  /** Its wall clock is set. */
  jump(ms: number): void {
    this.#wallSkewMs += ms;
  }

  /** One number for a process of any member. */
  nameOf(pid: number): number {
    return this.number * 1_000_000 + pid;
  }

  /** The process that a stop still waits for, in words: the youngest, since the others wait for it. */
  get goingOn(): string {
    const last = this.state === "stopping" ? this.processes().at(-1) : undefined;
    return last === undefined || last === this.root ? "" : `: ${last.label} goes on`;
  }

  /** One that lives in it. */
  process(pid: number | null): Process | undefined {
    return this.processes().find(({ id }) => id === pid);
  }

  /** Every process that lives in it, oldest first. */
  processes(): Process[] {
    return this.state === "down" ? [] : [...(this.kernel?.processes() ?? [])];
  }

  #newHost(): Host {
    const world = this.#world;
    const now = (): number => this.#shown + (world.now() - this.#since) * this.#rate;
    const host: Host = {
      now,
      wallNow: () => EPOCH_MS + now() + this.#wallSkewMs,
      wake: (run) => void world.ready(this, () => this.#alive(host) && run()),
      timer: (ms, fire) => {
        let live = true;
        const cancel = world.timer(ms / this.#rate, () => {
          this.step(() => live && this.#alive(host) && fire());
        });
        return () => {
          live = false;
          cancel();
        };
      },
      choose: (bound) => world.jitter(bound),
      pick: (ready, pidAt) => world.pick(this, ready, pidAt),
    };
    return host;
  }

  /** Whether the life with this host goes on. */
  #alive(host: Host): boolean {
    return this.host === host && this.state !== "down";
  }

  #ended(host: Host, reason: ExitReason): void {
    if (!this.#alive(host)) return;
    this.#down(isOrderly(reason) && this.state === "stopping" ? "stopped" : "failed");
  }

  #down(how: Ending): void {
    this.state = "down";
    this.#held = [];
    this.#world.ended(this, how);
  }
}
