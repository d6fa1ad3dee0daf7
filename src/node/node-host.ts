/** Why this exists: the one place where the runtime meets Node's clock, chance and timers. */
import type { Host } from "../kernel/host.ts";
import type { Logger } from "../ports/logger.ts";
import { wakeSoon } from "./wake-up.ts";

const { hrtime } = process;
/** More than this Node cannot count, and fires at once. */
const LONGEST_MS = 2 ** 31 - 1;

/** The host of every system that was given no other. */
export const nodeHost: Host = {
  now() {
    // Half of what `performance.now()` costs, which every call and every wake-up would pay.
    const time = hrtime();
    return time[0] * 1e3 + time[1] / 1e6;
  },
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
