/**
 * Why this exists: the runtime asks the outside world for exactly these things, so that a test or
 * a simulator can stand in for all of it. Nothing else in the kernel, the ports, the actors or the
 * supervisors reads a clock, rolls a die or sets a timer.
 */

/** Takes back what was asked for. Calling it twice, or too late, does nothing. */
export type Cancel = () => void;

export interface Host {
  /** Monotonic milliseconds since an arbitrary start: for windows, ages and deadlines. */
  now(): number;
  /** Milliseconds since the Unix epoch, for display only: it may jump. */
  wallNow(): number;
  /**
   * Runs `run` soon, after the current synchronous code. `"micro"` asks for the cheapest way there
   * is (a microtask); `"macro"` lets timers and I/O go first. A host may ignore the difference.
   * One that has a promise of what `run` returns hands it out: it need not have one.
   */
  wake(run: () => unknown, turn: "micro" | "macro"): Promise<unknown> | undefined;
  /** Runs `fire` once, after `ms` milliseconds; Node's own may be early by less than one. */
  timer(ms: number, fire: () => void): Cancel;
  /** A whole number from 0 to `bound - 1`, by chance: jitter and nothing else. */
  choose(bound: number): number;
  /**
   * Which of `ready` waiting processes runs next, 0 being the one that waits longest. A host that
   * has this is in charge of the schedule: the kernel then asks before every single message.
   * `pidAt` tells whose turn an answer would mean. Absent on the real host: first come, first
   * served, many messages a turn.
   */
  readonly pick?: (ready: number, pidAt: (index: number) => number) => number;
}
