/**
 * Why this exists: which process runs next, and when everybody else gets the thread back.
 *
 * On the real host a microtask is the cheapest wake-up, but microtasks alone starve timers and
 * I/O. So a drain goes on in microtasks only while it has credit left and less than a slice has
 * passed since Node's loop last turned; after that it asks for a macrotask.
 */
import type { Host } from "./host.ts";
import type { Process } from "./process.ts";

/** How long the loop may be kept from timers and I/O. */
const SLICE_MS = 4;
/** Messages between two looks at the clock, in one drain or in many. */
const LOOK_EVERY = 32;
/** Messages and wake-ups before a macrotask is due whatever the clock says. */
const CREDIT = 4096;
/** The most messages that one process may handle before the next one's turn. */
const QUANTUM = 256;

export class Scheduler {
  readonly #host: Host;
  #first: Process | null = null;
  #last: Process | null = null;
  #armed = false;
  #draining = false;
  #credit = CREDIT;
  #lastMacro: number;
  /** How many messages one process may handle before the next one's turn: a millisecond's worth. */
  #quantum = QUANTUM;
  /** The last look at the clock, and the messages handled since. */
  #lookedAt: number;
  #unseen = 0;
  #look = LOOK_EVERY;
  /** Set when app code got an answer: it should see it before the next process runs. */
  #yield = false;
  readonly #micro = (): void => this.#drain(true);
  readonly #macro = (): void => {
    this.#credit = CREDIT;
    this.#lastMacro = this.#host.now();
    this.#lookedAt = this.#lastMacro;
    this.#unseen = 0;
    this.#drain(false);
  };

  constructor(host: Host) {
    this.#host = host;
    this.#lastMacro = host.now();
    this.#lookedAt = this.#lastMacro;
  }

  /** A process that has something to do and is not in the queue yet. */
  enqueue(process: Process): void {
    if (this.#last === null) this.#first = process;
    else this.#last.nextReady = process;
    this.#last = process;
    if (!this.#armed) this.#arm();
  }

  yieldSoon(): void {
    this.#yield = true;
  }

  #arm(): void {
    this.#armed = true;
    if (this.#draining) return;
    if (this.#credit > 0) this.#host.wake(this.#micro, "micro");
    else this.#host.wake(this.#macro, "macro");
  }

  #drain(micro: boolean): void {
    const { pick } = this.#host;
    this.#draining = true;
    if (pick !== undefined) this.#step(pick);
    else this.#credit -= 1 + this.#run(micro ? this.#credit : Number.MAX_SAFE_INTEGER);
    this.#draining = false;
    this.#armed = false;
    if (this.#first !== null) this.#arm();
  }

  /** Until nobody is ready, app code has an answer, or the slice or the credit is spent. */
  #run(credit: number): number {
    let handled = 0;
    this.#yield = false;
    for (let process = this.#first; process !== null; process = this.#first) {
      const next = process.nextReady;
      this.#first = next;
      if (next === null) this.#last = null;
      else process.nextReady = null;
      const many = process.run(this.#quantum);
      handled += many;
      this.#unseen += many;
      if (this.#unseen >= this.#look && this.#isLate()) return CREDIT;
      if (this.#yield || handled >= credit) break;
    }
    return handled;
  }

  /** A look at the clock: whether the loop has been kept for a slice. */
  #isLate(): boolean {
    const now = this.#host.now();
    this.#learn(this.#unseen, now - this.#lookedAt);
    this.#lookedAt = now;
    this.#unseen = 0;
    return now - this.#lastMacro > SLICE_MS;
  }

  /** Slow handlers get fewer messages a turn at once, fast ones more by and by. */
  #learn(handled: number, spentMs: number): void {
    const perMs = spentMs > 0 ? Math.ceil(handled / spentMs) : QUANTUM;
    this.#quantum = Math.min(QUANTUM, 2 * this.#quantum, perMs);
    this.#look = Math.min(LOOK_EVERY, this.#quantum);
  }

  /** One message of one process, both of the host's choosing. */
  #step(pick: NonNullable<Host["pick"]>): void {
    let ready = 0;
    for (let each = this.#first; each !== null; each = each.nextReady) ready++;
    let before: Process | null = null;
    let process = this.#first;
    for (let i = pick(ready, this.#pidAt); i > 0 && process !== null; i--) {
      before = process;
      process = process.nextReady;
    }
    if (process === null) return;
    if (before === null) this.#first = process.nextReady;
    else before.nextReady = process.nextReady;
    if (this.#last === process) this.#last = before;
    process.nextReady = null;
    process.run(1);
  }

  readonly #pidAt = (index: number): number => {
    let process = this.#first;
    for (let i = index; i > 0 && process !== null; i--) process = process.nextReady;
    return process?.id ?? 0;
  };
}
