/** Why this exists: the time of a simulated world. It stands still until the world moves it. */
import type { Cancel, Host } from "../kernel/host.ts";

/** What the wall clocks of a world show when it begins. */
export const EPOCH_MS = 1_700_000_000_000;

interface Timer {
  readonly dueMs: number;
  fire: (() => void) | null;
}

export class Clock {
  /** Milliseconds since the world began. */
  nowMs = 0;
  /** The soonest last; among equals the one that was set first comes first. */
  readonly #timers: Timer[] = [];

  set(ms: number, fire: () => void): Cancel {
    // As in Node, what is no number is no delay.
    const timer: Timer = { dueMs: this.nowMs + (ms > 0 ? ms : 0), fire };
    this.#timers.splice(this.#indexFor(timer.dueMs), 0, timer);
    return () => {
      timer.fire = null;
    };
  }

  /** When the next timer is due; null: none is set. */
  get nextMs(): number | null {
    const timers = this.#timers;
    while (timers.length > 0 && timers.at(-1)?.fire === null) timers.pop();
    return timers.at(-1)?.dueMs ?? null;
  }

  /** Moves the time to the next timer and takes it. */
  take(): (() => void) | null {
    const nextMs = this.nextMs;
    if (nextMs === null) return null;
    this.nowMs = Math.max(this.nowMs, nextMs);
    const timer = this.#timers.pop();
    const fire = timer?.fire ?? null;
    if (timer !== undefined) timer.fire = null;
    return fire;
  }

  /** The first index whose timer is due at `dueMs` or sooner: a new one runs after its equals. */
  #indexFor(dueMs: number): number {
    let low = 0;
    let high = this.#timers.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#timers[middle]?.dueMs ?? 0) > dueMs) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** A host that is never wrong about the time: the broker's. */
export const hostOf = (clock: Clock, choose: (bound: number) => number): Host => ({
  now: () => clock.nowMs,
  wallNow: () => EPOCH_MS + clock.nowMs,
  wake: (run) => void clock.set(0, run),
  timer: (ms, fire) => clock.set(ms, fire),
  choose,
});
