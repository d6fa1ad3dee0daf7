/**
 * Why this exists: one process as others reach it. How it lives and ends stands in `life.ts`, and
 * what its handlers may do in `self.ts`.
 */
import { NONE, packAll } from "./args.ts";
import { Call, type Deadlines } from "./call.ts";
import { CALL, CAST, CAST_TWO, INFO } from "./letter.ts";
import type { Ref } from "./ref.ts";
import { Own } from "./self.ts";

export class Process extends Own implements Ref {
  // Named parameters and not `...args`: see `args.ts`.

  cast(name: string, ...args: unknown[]): void;
  cast(name: string, first?: unknown, second?: unknown): void {
    // biome-ignore lint/complexity/noArguments: the one way to tell no argument from undefined
    const count = arguments.length - 1;
    if (count === 1) this.put(CAST, name, first, null);
    else if (count === 2) this.put(CAST_TWO, name, first, second);
    // biome-ignore lint/complexity/noArguments: read here only, where they are more than two
    else this.put(CAST, name, count === 0 ? NONE : packRest(arguments), null);
  }

  send(message: unknown): void {
    this.put(INFO, "info", message, null);
  }

  call(name: string, ...args: unknown[]): Promise<never>;
  call(name: string, first?: unknown): Promise<never> {
    // biome-ignore lint/complexity/noArguments: as above
    const count = arguments.length - 1;
    if (count === 1) return this.putCall(this.kernel.deadlines, name, first);
    // biome-ignore lint/complexity/noArguments: as above
    const body = count === 0 ? NONE : packRest(arguments);
    return this.putCall(this.kernel.deadlines, name, body);
  }

  callWithin(timeoutMs: number, name: string, ...args: unknown[]): Promise<never> {
    return this.putCall(this.kernel.deadlinesOf(timeoutMs, this.label), name, packAll(args));
  }

  /** What `console.log` shows, and a logger: never the state, which may hold anything. */
  toJSON(): string {
    return `Ref<${this.label} #${this.id}>`;
  }

  private putCall(queue: Deadlines | null, name: string, body: unknown): Promise<never> {
    const { kernel, label } = this;
    const call = new Call(label, name, queue);
    if (kernel.callsTraced) call.told = kernel.traceCall(this, name, queue?.timeoutMs);
    kernel.scheduler.asking = call;
    this.put(CALL, name, body, call);
    return kernel.scheduler.promise(call) as Promise<never>;
  }
}

for (const shown of [Symbol.for("nodejs.util.inspect.custom"), "toString"]) {
  Object.defineProperty(Process.prototype, shown, { value: Process.prototype.toJSON });
}

/** All but the name. */
const packRest = (all: IArguments): unknown => packAll(Array.prototype.slice.call(all, 1));

/** Every `Ref` there is was made here. */
export const asProcess = (ref: Ref): Process => ref as Process;
