/**
 * Why this exists: how a supervisor is told what to start, and what can be asked of it: so that an
 * actor can ask its supervisor for a child without knowing it.
 */
import type { AnyActor, StartArgs } from "../kernel/actor.ts";
import type { ExitReason } from "../kernel/exit.ts";
import type { Ref } from "../kernel/ref.ts";

export interface ChildSpec<D extends AnyActor = AnyActor> {
  /** Unique within its supervisor. */
  readonly id: string;
  readonly start: D;
  readonly args: readonly unknown[];
  /** Name to register it under; default none. */
  readonly name?: string;
  /**
   * `permanent` (default): always started again. `transient`: only after an abnormal end, that is
   * any reason but `normal`, `shutdown` and `{ shutdown }`. `temporary`: never.
   */
  readonly restart?: "permanent" | "transient" | "temporary";
  /**
   * How long it may take to stop before it is killed, in milliseconds; default 5,000, and
   * `"infinity"` for supervisors. `"brutal_kill"` asks nothing.
   */
  readonly shutdownMs?: number | "brutal_kill" | "infinity";
  /** Default `"worker"`. */
  readonly type?: "worker" | "supervisor";
  /** Whether its end may be its supervisor's: see `autoShutdown`. Not of a permanent child. */
  readonly significant?: boolean;
  /** Waits between restarts; default none. */
  readonly backoff?: Backoff;
  /** Limits its restarts by itself; default: they count against the supervisor's intensity. */
  readonly budget?: Budget;
}

/**
 * The first restart is at once, the next after `minMs`, then twice as long each time, up to `maxMs`;
 * each give or take a fifth, so that what fell together does not rise together. A `periodMs` of life,
 * or progress where the child has a budget of it, begins anew. A sibling's fall that takes this child
 * along ends the wait.
 */
export interface Backoff {
  /** Milliseconds of 0 or more. */
  readonly minMs: number;
  /** Milliseconds, no less than `minMs`. */
  readonly maxMs: number;
}

/** Restarts *without progress* that are allowed. One more, and the supervisor escalates. */
export interface Budget {
  /** 0 or more; `Infinity` is allowed. */
  readonly restarts: number;
  /**
   * Asked after each crash: any change of the answer since the last crash is progress and clears
   * the count. Without it nothing is progress. A rejection is no answer, nor is what takes longer than
   * 5 s; the child waits for it until then.
   */
  readonly progress?: () => Promise<unknown>;
}

export type StartChildResult =
  | { readonly status: "started"; readonly ref: Ref }
  | { readonly status: "ignored" }
  | { readonly status: "failed"; readonly reason: ExitReason }
  /** The id is taken, by a running child or one that waits for its restart. */
  | { readonly status: "already_started" }
  /** The id is taken by a child that is stopped: `restartChild` or `deleteChild` it. */
  | { readonly status: "already_present" };

export type RestartChildResult = StartChildResult | { readonly status: "not_found" };

export interface ChildCounts {
  /** All there are, running or not. */
  readonly specs: number;
  /** Those with a process. */
  readonly active: number;
  readonly supervisors: number;
  readonly workers: number;
}

export interface ChildInfo {
  readonly id: string;
  readonly ref: Ref | null;
  readonly status: ChildStatus;
  readonly type: "worker" | "supervisor";
  /** How often it was started again. */
  readonly restarts: number;
}

export type ChildStatus = "starting" | "running" | "restarting" | "stopping" | "stopped";

/** What every supervisor answers. */
export type SupervisorCalls = {
  /**
   * Adds a child, after those there are, and starts it. What fails to start is forgotten; what
   * ignores its start is kept, save by a dynamic supervisor, as is what was stopped.
   */
  startChild: (spec: ChildSpec) => StartChildResult;
  /** Stops a child within its `shutdownMs` and answers when it has ended. */
  terminateChild: (id: string) => "ok" | "not_found";
  /** Starts a child that is stopped. */
  restartChild: (id: string) => RestartChildResult;
  /** Forgets a child that is stopped. */
  deleteChild: (id: string) => "ok" | "not_found" | "running";
  whichChildren: () => ChildInfo[];
  countChildren: () => ChildCounts;
};

/** A child specification with its start arguments checked against the definition. */
export function child<D extends AnyActor>(
  spec: Omit<ChildSpec, "start" | "args"> & { start: D; args: StartArgs<D> },
): ChildSpec<D> {
  return spec;
}
