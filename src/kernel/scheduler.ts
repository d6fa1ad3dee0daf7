/**
 * Why this exists: which process runs next, and when everybody else gets the thread back.
 *
 * On the real host a microtask is the cheapest wake-up, but microtasks alone starve timers and
 * I/O. So a drain goes on in microtasks only while it has credit left and less than a slice has
 * passed since our last macrotask; after that it asks for one. After a rest the first look at the
 * clock always finds the slice spent.
 */
import { type Handlers, SLOWEST } from "./actor.ts";
import type { Call, Deadlines } from "./call.ts";
import type { Host } from "./host.ts";
import type { Process } from "./process.ts";

/** How long the loop may be kept from timers and I/O. */
const SLICE_MS = 4;
/**
 * Messages between two looks at the clock, in one drain or in many, and the most that one process may
 * handle before the next one's turn. Those of an actor that is new, or has been slow, count for more:
 * for as many as make every one of the slowest due for a look.
 */
const LOOK_EVERY = 1 << SLOWEST;
/** What so many messages may take without being slow. */
const FAST_MS = 1;
/** Messages and wake-ups before a macrotask is due whatever the clock says. */
const CREDIT = 4096;

/**
 * Looks that found the loop slow. Of several who ran nobody knows which was: so all are taken for
 * slow after each, and those that are not are soon known again.
 */
let slowLooks = 0;

export class Scheduler {
  readonly #host: Host;
  #first: Process | null = null;
  #last: Process | null = null;
  #armed = false;
  #draining = false;
  #credit = CREDIT;
  #lastMacro: number;
  /** The last look at the clock, and what the messages since then count for. */
  #lookedAt = 0;
  #unseen = 0;
  /**
   * Set when a handler's return answered a call, by whoever does that: app code that asked should see
   * it before the next process runs. Deferred replies come whenever they come.
   */
  yields = false;
  #roughly = 0;
  /** Has calls that do not know yet when they expire. */
  #undated: Deadlines | null = null;
  /** The call that is being put, whose message may bring a drain about: see `promise`. */
  asking: Call | null = null;
  /** The call that has brought about the drain that is due, and a promise of what comes of that. */
  #asker: Call | null = null;
  #due: Promise<unknown> | undefined;
  readonly #micro = (): unknown => this.#drain(this.#credit);
  readonly #macro = (): unknown => {
    this.#credit = CREDIT;
    this.#lastMacro = this.#host.now();
    this.#lookedAt = this.#lastMacro;
    this.#unseen = 0;
    return this.#drain(Number.MAX_SAFE_INTEGER);
  };

  constructor(host: Host) {
    this.#host = host;
    this.#lastMacro = host.now();
  }

  /** A process that has something to do and is not in the queue yet. */
  enqueue(process: Process): void {
    if (this.#last === null) this.#first = process;
    else this.#last.nextReady = process;
    this.#last = process;
    if (!this.#armed) this.#arm();
  }

  /**
   * Whole milliseconds, of now or since the end of the last drain: a look at the clock for each birth
   * would be a twentieth of a spawn.
   */
  get roughly(): number {
    if (this.#roughly === 0) this.#roughly = Math.trunc(this.#host.now());
    return this.#roughly;
  }

  /** Whether a drain is due, after which it will be told to date its calls. */
  dateLater(queue: Deadlines): boolean {
    if (!this.#armed || (this.#undated !== null && this.#undated !== queue)) return false;
    this.#undated = queue;
    return true;
  }

  /**
   * A promise of what comes of a call that was just put. If it brought the next drain about, that drain's
   * own will do, and saves a fifth of a call; the drain then handles one message, its own: so that its
   * answer neither waits for those of others nor comes after them.
   */
  promise(call: Call): unknown {
    this.asking = null;
    if (this.#asker === call) return this.#due;
    return new Promise((resolve, reject) => call.then(resolve, reject));
  }

  #arm(): void {
    this.#armed = true;
    if (this.#draining) return;
    if (this.#credit > 0) this.#due = this.#host.wake(this.#micro, "micro");
    else this.#due = this.#host.wake(this.#macro, "macro");
    if (this.#due !== undefined) this.#asker = this.asking;
  }

  #drain(credit: number): unknown {
    const asker = this.#asker;
    this.#asker = null;
    this.#due = undefined;
    this.#draining = true;
    try {
      if (this.#host.pick !== undefined) this.#step(this.#host.pick);
      else this.#credit -= 1 + this.#run(asker === null ? credit : 1);
    } finally {
      this.#draining = false;
      this.#roughly = 0;
      this.#undated?.date();
      this.#undated = null;
      this.#armed = this.#first !== null;
      if (this.#armed && asker !== null && asker.outcome() === asker) {
        // Its promise takes it up a microtask from now: nobody else is to be answered before that.
        void Promise.resolve().then(() => this.#arm());
      } else if (this.#armed) this.#arm();
    }
    return asker?.outcome();
  }

  /** Until nobody is ready, app code has an answer, or the slice or the credit is spent. */
  #run(credit: number): number {
    let handled = 0;
    this.yields = false;
    for (let process = this.#first; process !== null; process = this.#first) {
      const next = process.nextReady;
      this.#first = next;
      if (next === null) this.#last = null;
      else process.nextReady = null;
      const { handlers } = process.definition;
      if (handlers.slowLooks !== slowLooks) {
        handlers.slowLooks = slowLooks;
        handlers.slowness = SLOWEST;
      }
      const { slowness } = handlers;
      const many = process.run(Math.min(credit, LOOK_EVERY >> slowness));
      handled += many;
      this.#unseen += many << slowness;
      // All of it: a macrotask is next.
      if (this.#unseen >= LOOK_EVERY && this.#isLate(handlers)) return CREDIT;
      if (this.yields || handled >= credit) break;
    }
    return handled;
  }

  /** A look at the clock: whether the loop has been kept for a slice. `last`: who ran until now. */
  #isLate(last: Handlers): boolean {
    const now = this.#host.now();
    if (now - this.#lookedAt < FAST_MS) last.slowness = Math.max(0, last.slowness - 1);
    else slowLooks++;
    this.#lookedAt = now;
    this.#unseen = 0;
    return now - this.#lastMacro > SLICE_MS;
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
