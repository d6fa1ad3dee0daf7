/** Why this exists: what a process can do, as its handlers see it. */
import { type AnyActor, type Deferred, needDefinition, type StartArgs } from "./actor.ts";
import { isName, needFields, needFunction, needOption } from "./errors.ts";
import type { EventType, LogLevel, NewEvent } from "./events.ts";
import type { ExitReason } from "./exit.ts";
import type { Cancel, Host } from "./host.ts";
import type { Ref, RefOf } from "./ref.ts";

/** How a start ended. */
export type StartOutcome =
  | { readonly status: "started" }
  | { readonly status: "ignored" }
  | { readonly status: "failed"; readonly reason: ExitReason };

export interface SpawnOptions {
  /** Registers the process; the start fails with `already_started` when the name is taken. */
  readonly name?: string;
  /** What trees and logs show; default the name, or the definition's. */
  readonly label?: string;
  /** Told once, within the new process's turn, when `init` is over: cast yourself a message. */
  readonly onStart?: (outcome: StartOutcome) => void;
}

/** One watch over one process; ended by its one `DOWN`, or by `demonitor`. */
export interface Monitor {
  readonly ref: Ref;
}

/** Arrives at `info` once per monitor; reason `noproc` when the process had ended before. */
export interface Down {
  readonly type: "DOWN";
  readonly monitor: Monitor;
  readonly ref: Ref;
  readonly reason: ExitReason;
}

/** Arrives at `info` of a process that traps exits, when a linked process ends. */
export interface Exit {
  readonly type: "EXIT";
  readonly ref: Ref;
  readonly reason: ExitReason;
}

export type Outcome<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: unknown };

export interface Self<S> {
  state: S;
  readonly id: number;
  readonly label: string;
  /** This process as others see it. Its own messages are sent like anybody's. */
  readonly ref: Ref;
  readonly host: Host;
  /** Whether exits of linked processes arrive as `EXIT` messages instead of ending this process. */
  trapExit: boolean;
  /** Fires when the process has ended, for whatever reason. */
  readonly signal: AbortSignal;
  /** Ends the process after the current handler. In `init` the start fails with that reason. */
  stop(reason: ExitReason): void;
  /** Runs `step` right after the current handler, before any message. */
  continue(step: () => unknown): void;
  /** Runs `step` as a message once `ms` milliseconds are over; forgotten when the process ends. */
  after(ms: number, label: string, step: () => unknown): Cancel;
  /**
   * `{ type: "timeout" }` arrives at `info` after `ms` milliseconds, unless any message comes first:
   * one that waits already, too. The last one counts.
   */
  timeout(ms: number): void;
  /** Gives back, after the current handler, memory that is not needed until the next message. */
  hibernate(): void;
  /**
   * Starts `work` now and runs `done` with its outcome as a message, so that the process goes on
   * meanwhile. When the process ends first the outcome is dropped.
   */
  task<T>(label: string, work: () => T | Promise<T>, done: (outcome: Outcome<T>) => unknown): void;
  /** In a call's handler: return it, and settle it later. */
  defer<T>(): Deferred<T>;
  spawn<D extends AnyActor>(definition: D, args: StartArgs<D>, options?: SpawnOptions): RefOf<D>;
  /** Spawns and links at once: the new process's parent is this one. */
  spawnLink<D extends AnyActor>(
    definition: D,
    args: StartArgs<D>,
    options?: SpawnOptions,
  ): RefOf<D>;
  link(ref: Ref): void;
  unlink(ref: Ref): void;
  monitor(ref: Ref): Monitor;
  demonitor(monitor: Monitor): void;
  /** Sends an exit signal. `"kill"` cannot be trapped. */
  exit(ref: Ref, reason: ExitReason): void;
  /** Resolves with the exit reason of `ref`; `noproc` when it had ended before. */
  exited(ref: Ref): Promise<ExitReason>;
  /** The process registered under `name`, if it runs that definition. */
  whereis<D extends AnyActor>(name: string, definition: D): RefOf<D> | undefined;
  emit(event: NewEvent): void;
  /** Whether anybody would hear an event of this type: to be asked before making one per record. */
  listens(type: EventType): boolean;
  log(level: LogLevel, message: string, data?: Readonly<Record<string, unknown>>): void;
}

const SPAWN_NAMES: Readonly<Record<keyof SpawnOptions, true>> = {
  name: true,
  label: true,
  onStart: true,
};

export const NO_OPTIONS: SpawnOptions = {};

/** Throws an `OptionError` for the first that cannot be meant. */
export function checkSpawn(
  definition: AnyActor,
  args: unknown,
  options: SpawnOptions,
  actor: string,
): void {
  needDefinition(definition, "spawn.definition", actor);
  needOption(Array.isArray(args), "spawn.args", args, "an array of start arguments", actor);
  if (options === NO_OPTIONS) return;
  needFields(options, SPAWN_NAMES, "spawn", actor);
  const { name, label, onStart } = options;
  needOption(name === undefined || isName(name), "spawn.name", name, "a name", actor);
  needOption(label === undefined || isName(label), "spawn.label", label, "a name", actor);
  if (onStart !== undefined) needFunction(onStart, "spawn.onStart", actor);
}
