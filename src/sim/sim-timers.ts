/** Why this exists: user code's timers in a simulated world, with all that Node's own offer. */
import { AsyncResource } from "node:async_hooks";
import type { Cancel, Host } from "../kernel/host.ts";

type Run = (...args: unknown[]) => void;

/** Not there on every Node 20. */
const DISPOSE: typeof Symbol.dispose = Symbol.dispose ?? Symbol.for("nodejs.dispose");

/** What `setTimeout` returns: as Node's `Timeout`, though nothing here keeps a process open. */
class SimTimeout {
  readonly #id: number;
  readonly #arm: () => Cancel;
  #cancel: Cancel;

  constructor(id: number, arm: () => Cancel) {
    this.#id = id;
    this.#arm = arm;
    this.#cancel = arm();
  }

  close(): this {
    this.#cancel();
    return this;
  }

  refresh(): this {
    this.#cancel();
    this.#cancel = this.#arm();
    return this;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  hasRef(): boolean {
    return true;
  }

  [DISPOSE](): void {
    this.#cancel();
  }

  [Symbol.toPrimitive](): number {
    return this.#id;
  }
}

/** Node's rule: what is no delay, or too long a one, is 1 ms. */
const delayOf = (ms: unknown): number => {
  const delay = Number(ms);
  return delay >= 1 && delay <= 2 ** 31 - 1 ? delay : 1;
};

export class SimTimers {
  readonly #host: () => Host;
  readonly #byId = new Map<number, SimTimeout>();
  #lastId = 0;

  constructor(host: () => Host) {
    this.#host = host;
  }

  setter(again: boolean): (run: Run, ms?: unknown, ...args: unknown[]) => SimTimeout {
    return (run, ms, ...args) => {
      if (typeof run !== "function") {
        const what = `The "callback" argument must be of type function. Received ${typeof run}`;
        throw Object.assign(new TypeError(what), { code: "ERR_INVALID_ARG_TYPE" });
      }
      // What an AsyncLocalStorage holds goes with the timer, as with Node's own.
      const context = new AsyncResource("Timeout");
      const id = ++this.#lastId;
      const fire = (): void => {
        if (again) timeout.refresh();
        else this.#byId.delete(id);
        context.runInAsyncScope(run, timeout, ...args);
      };
      // Its life's own clock: it dies with whoever set it.
      const host = this.#host();
      const timeout = new SimTimeout(id, () => host.timer(delayOf(ms), fire));
      this.#byId.set(id, timeout);
      return timeout;
    };
  }

  clear(handle: unknown): void {
    const timeout = handle instanceof SimTimeout ? handle : this.#byId.get(Number(handle));
    if (timeout === undefined) return;
    timeout.close();
    this.#byId.delete(Number(timeout));
  }
}
