/** Why this exists: how others reach a process, typed by its actor's definition. */
import type { Actor } from "./actor.ts";

declare const refProtocol: unique symbol;

type ArgsOf<F> = F extends (...args: infer A) => unknown ? A : never;
type ReplyOf<F> = F extends (...args: never[]) => infer R ? R : never;

/** A handle to one incarnation of a process. It stays valid, and useless, after the process's end. */
export interface Ref<Calls = object, Casts = object> {
  /** Unique within the system, never used again. */
  readonly id: number;
  readonly label: string;
  /** Only in the type: what makes a `Ref` of another protocol another type. */
  readonly [refProtocol]?: { readonly calls: Calls; readonly casts: Casts };
  readonly alive: boolean;
  /** Sends a message; never throws and never waits. */
  cast<N extends keyof Casts & string>(name: N, ...args: ArgsOf<Casts[N]>): void;
  /**
   * Asks and waits at most 5 s. Rejects with a `CallError`: `noproc`, `exit` (at once when the
   * callee ends), `timeout`, `overloaded`, `unknown_message` or `refused`.
   */
  call<N extends keyof Calls & string>(
    name: N,
    ...args: ArgsOf<Calls[N]>
  ): Promise<ReplyOf<Calls[N]>>;
  /**
   * As `call`, waiting at most `timeoutMs` milliseconds; `Infinity` is allowed, and anything else that
   * is no time is an `OptionError`, thrown at once. They count from the
   * call at the earliest, and from the end of the runtime's next two turns at the latest: where the caller
   * keeps the thread after it, that may be later.
   */
  callWithin<N extends keyof Calls & string>(
    timeoutMs: number,
    name: N,
    ...args: ArgsOf<Calls[N]>
  ): Promise<ReplyOf<Calls[N]>>;
  /** A plain message, for the actor's `info`. */
  send(message: unknown): void;
}

export type RefOf<D> =
  D extends Actor<infer _S, infer Calls, infer Casts> ? Ref<Calls, Casts> : never;
