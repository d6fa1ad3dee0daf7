/** Why this exists: the one place where the runtime meets Node's clock, chance and timers. */
import type { Host } from "./host.ts";
import type { Logger } from "./logger.ts";

/** More than this Node cannot count, and fires at once. */
const LONGEST_MS = 2 ** 31 - 1;

// What an AsyncLocalStorage holds belongs to whoever sends, and must not be found by whoever is
// woken. A reaction runs in the context in which it was attached: so the next one is attached
// beforehand, here and in every reaction, where nobody's store is. `queueMicrotask`, or a bare
// `then` at the wake-up itself, would carry the store along; an AsyncResource costs three times this.
let wakeUp: (value?: undefined) => void = () => {};
let woken: (() => void)[] = [];
function attach(): void {
  void new Promise<undefined>((resolve) => {
    wakeUp = resolve;
  }).then(runWoken);
}
function runWoken(): void {
  const runs = woken;
  woken = [];
  attach();
  for (const run of runs) {
    try {
      run();
    } catch (error) {
      // Whoever woke with a fault must not keep the others asleep; it is Node's to report.
      setImmediate(() => {
        throw error;
      });
    }
  }
}
attach();

function wakeSoon(run: () => void): void {
  if (woken.push(run) === 1) wakeUp();
}

/** The host of every system that was given no other. */
export const nodeHost: Host = {
  now: () => performance.now(),
  wallNow: () => Date.now(),
  wake(run, turn) {
    if (turn === "micro") wakeSoon(run);
    else setImmediate(wakeSoon, run);
  },
  timer(ms, fire) {
    if (ms > LONGEST_MS) {
      let cancel = nodeHost.timer(LONGEST_MS, () => {
        cancel = nodeHost.timer(ms - LONGEST_MS, fire);
      });
      return () => cancel();
    }
    const timeout = setTimeout(fire, ms);
    return () => clearTimeout(timeout);
  },
  choose: (bound) => Math.floor(Math.random() * bound),
};

/** The default logger: what went wrong, a line each, on stderr. */
export const stderrLogger: Logger = {
  debug() {},
  info() {},
  warn: (_data, message) => console.error(`holdfast warning: ${message}`),
  error: (data, message) => {
    const { err } = data as { err?: Error };
    console.error(`holdfast error: ${message}${err?.stack === undefined ? "" : `\n${err.stack}`}`);
  },
};
