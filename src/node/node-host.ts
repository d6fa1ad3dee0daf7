/** Why this exists: the one place where the runtime meets Node's clock, chance and timers. */
import { inspect } from "node:util";
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
    if (turn === "micro") return wakeSoon(run);
    setImmediate(wakeSoon, run);
    return undefined;
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

/** The default logger: what went wrong, a line each, on stderr; of an error the stack as well. */
export const stderrLogger: Logger = {
  debug() {},
  info() {},
  warn: (data, message) => tell("warning", data, message),
  error: (data, message) => tell("error", data, message),
};

function tell(level: string, data: object, message: string): void {
  const { err, ...rest } = data as { readonly err?: Error };
  const more = err?.stack === undefined ? ` ${inspect(rest, ON_ONE_LINE)}` : `\n${err.stack}`;
  console.error(`holdfast ${level}: ${message}${more}`);
}

const ON_ONE_LINE = { breakLength: Number.POSITIVE_INFINITY, compact: true, depth: 2 } as const;
