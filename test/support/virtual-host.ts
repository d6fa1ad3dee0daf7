/**
 * Why this exists: a host whose time stands still until a test moves it, so that minutes of
 * heartbeats and back-offs take no time and go the same way every time.
 */
import type { Host } from "../../src/kernel/host.ts";
import { chance } from "../../src/sim/chance.ts";

export interface VirtualHostOptions {
  /** Where `choose` begins. Default 1. */
  readonly seed?: number;
  /** Becomes `Host.pick`: the test is in charge of the schedule. */
  readonly pick?: (ready: number) => number;
}

export interface VirtualHost {
  readonly host: Host;
  /** Milliseconds since this host began. */
  now(): number;
  /** Runs all that is due within `ms` from now, in the order of time; then it is `ms` later. */
  advance(ms: number): Promise<void>;
  /** Runs until `condition` holds, looking after every step. Throws when `limitMs` have passed. */
  until(condition: () => boolean, limitMs?: number): Promise<void>;
  /** Runs until nothing is left to run. Throws when `limitMs` have passed. */
  idle(limitMs?: number): Promise<void>;
}

interface Timer {
  readonly dueMs: number;
  fire: (() => void) | null;
}

const DEFAULT_LIMIT_MS = 600_000;
const EPOCH_MS = 1_700_000_000_000;

/** Lets every promise that can settle do so: microtasks all run before the loop's next turn. */
const drain = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export function virtualHost(options: VirtualHostOptions = {}): VirtualHost {
  const clock = createClock();
  const choose = chance(options.seed ?? 1);
  const { pick } = options;
  const host: Host = {
    now: () => clock.nowMs,
    wallNow: () => EPOCH_MS + clock.nowMs,
    wake: (run) => void clock.wakes.push(run),
    timer: (ms, fire) => clock.set(ms, fire),
    choose,
    ...(pick === undefined ? {} : { pick }),
  };

  /** Runs one timer that is due by `endMs`, and all that it wakes. False: none is due. */
  async function step(endMs: number): Promise<boolean> {
    const timer = clock.next(endMs);
    if (timer === undefined) return false;
    const { fire } = timer;
    timer.fire = null;
    fire?.();
    await runWakes();
    return true;
  }

  async function runWakes(): Promise<void> {
    await drain();
    while (clock.wakes.length > 0) {
      const batch = clock.wakes.splice(0);
      for (const run of batch) run();
      await drain();
    }
  }

  return {
    host,
    now: () => clock.nowMs,
    async advance(ms) {
      const endMs = clock.nowMs + ms;
      await runWakes();
      while (await step(endMs));
      clock.nowMs = endMs;
    },
    async until(condition, limitMs = DEFAULT_LIMIT_MS) {
      const endMs = clock.nowMs + limitMs;
      await runWakes();
      while (!condition()) {
        if (!(await step(endMs))) throw new Error(`not within ${limitMs} virtual ms`);
      }
    },
    async idle(limitMs = DEFAULT_LIMIT_MS) {
      const endMs = clock.nowMs + limitMs;
      await runWakes();
      while (await step(endMs));
      if (clock.next(Number.POSITIVE_INFINITY) === undefined) return;
      throw new Error(`not idle within ${limitMs} virtual ms`);
    },
  };
}

interface Clock {
  nowMs: number;
  readonly wakes: (() => void)[];
  set(ms: number, fire: () => void): () => void;
  /** Takes the next live timer that is due by `endMs`, and moves the time there. */
  next(endMs: number): Timer | undefined;
}

function createClock(): Clock {
  /** The soonest last; among equals the one that was set first. */
  const timers: Timer[] = [];
  const clock: Clock = {
    nowMs: 0,
    wakes: [],
    set(ms, fire) {
      const timer: Timer = { dueMs: clock.nowMs + Math.max(0, ms), fire };
      timers.splice(indexFor(timers, timer.dueMs), 0, timer);
      return () => {
        timer.fire = null;
      };
    },
    next(endMs) {
      while (timers.at(-1)?.fire === null) timers.pop();
      const last = timers.at(-1);
      if (last === undefined || last.dueMs > endMs) return undefined;
      clock.nowMs = Math.max(clock.nowMs, last.dueMs);
      return timers.pop();
    },
  };
  return clock;
}

/** The first index whose timer is due at `dueMs` or sooner: a new one runs after its equals. */
function indexFor(timers: readonly Timer[], dueMs: number): number {
  let low = 0;
  let high = timers.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((timers[middle]?.dueMs ?? 0) > dueMs) low = middle + 1;
    else high = middle;
  }
  return low;
}
