/** Why this exists: the virtual host, with its faults, its timers and its chance in the test's hands. */
import type { Host } from "../../src/kernel/host.ts";
import { virtualHost } from "../support/virtual-host.ts";

export interface ManualHostOptions {
  readonly pick?: (ready: number) => number;
  readonly choose?: (bound: number) => number;
}

export interface ManualHost {
  readonly host: Host;
  /** What was thrown into a wake-up: on the real host it would reach Node. */
  readonly faults: unknown[];
  /** How many timers are set. */
  timers(): number;
  /** Lets time pass, firing what falls due in order, each with all that follows from it. */
  advance(ms: number): Promise<void>;
  /** Lets everything that needs no time come to rest. */
  settle(): Promise<void>;
}

export function manualHost(options: ManualHostOptions = {}): ManualHost {
  const { pick, choose = () => 0 } = options;
  const virtual = virtualHost(pick === undefined ? {} : { pick });
  const faults: unknown[] = [];
  const timers = new Set<object>();
  const host: Host = {
    ...virtual.host,
    choose,
    // By itself, as on the real host: a test may simply await a call.
    wake(run) {
      return Promise.resolve().then(() => {
        try {
          return run();
        } catch (fault) {
          faults.push(fault);
          return undefined;
        }
      });
    },
    timer(ms, fire) {
      const timer = {};
      timers.add(timer);
      const cancel = virtual.host.timer(ms, () => {
        timers.delete(timer);
        fire();
      });
      return () => {
        timers.delete(timer);
        cancel();
      };
    },
  };
  const { advance } = virtual;
  return { host, faults, timers: () => timers.size, advance, settle: () => advance(0) };
}
