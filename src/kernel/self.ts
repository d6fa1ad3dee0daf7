/** Why this exists: what a process can do, as its handlers see it. */
import { type AnyActor, type Deferred, needDefinition, type StartArgs } from "./actor.ts";
import { DeferredReply } from "./call.ts";
import { emptyPool } from "./chunk.ts";
import {
  isMs,
  isName,
  isRecord,
  needFields,
  needFunction,
  needOption,
  needReason,
} from "./errors.ts";
import { type EventType, LOG_LEVELS, type LogLevel, type NewEvent } from "./events.ts";
import type { ExitReason } from "./exit.ts";
import type { Cancel, Host } from "./host.ts";
import type { Kernel } from "./kernel.ts";
import { INFO, RUN } from "./letter.ts";
import { Life } from "./life.ts";
import type { Process } from "./process.ts";
import type { Ref, RefOf } from "./ref.ts";
import { endWatch, including, link, unlink, type Watch } from "./relations.ts";
import { isThenable } from "./thenable.ts";

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
  /** Gives back, after the current handler and if nothing waits, what past bursts of messages took. */
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

/** A `Process` as its own code sees it. */
export abstract class Own extends Life implements Self<unknown> {
  get ref(): Ref {
    return me(this);
  }

  get host(): Host {
    return this.kernel.host;
  }

  get trapExit(): boolean {
    return this.relations?.trapsExit ?? false;
  }

  set trapExit(on: boolean) {
    this.relate().trapsExit = on;
  }

  get signal(): AbortSignal {
    return this.relate().signal(!this.alive);
  }

  override stop(reason: ExitReason): void {
    needReason(reason, "stop.reason", this.label);
    super.stop(reason);
  }

  override continue(step: () => unknown): void {
    needFunction(step, "continue.step", this.label);
    if (this.alive) super.continue(step);
  }

  after(ms: number, label: string, step: () => unknown): Cancel {
    const isTime = typeof ms === "number" && !Number.isNaN(ms);
    needOption(isTime, "after.ms", ms, "milliseconds", this.label);
    needOption(typeof label === "string", "after.label", label, "a text", this.label);
    needFunction(step, "after.step", this.label);
    if (!this.alive) return () => {};
    const relations = this.relate();
    // It counts as set until its step runs, so that it can be taken back while its message waits.
    const run = (): unknown => (relations.timers.delete(cancel) ? step() : undefined);
    // What was due before now is due now.
    const due = Math.max(0, ms);
    const cancel: Cancel = this.kernel.host.timer(due, () => this.post(label, run));
    return this.keepTimer(cancel);
  }

  /** @internal Runs `step` as a message. */
  post(label: string, step: () => unknown): void {
    me(this).put(RUN, label, step, null);
  }

  /** @internal Cancels it at the process's end; the answer cancels it before. */
  keepTimer(cancel: Cancel): Cancel {
    const relations = this.relate();
    relations.timers = including(relations.timers, cancel);
    return () => {
      if (relations.timers.delete(cancel)) cancel();
    };
  }

  timeout(ms: number): void {
    needOption(isMs(ms), "timeout.ms", ms, "milliseconds of 0 or more", this.label);
    const relations = this.heed();
    relations.stopIdling();
    // What waits already comes first.
    if (!this.alive || this.waiting > 0) return;
    relations.idle = this.kernel.host.timer(ms, () => {
      relations.idle = null;
      // As an extra, too: what has one finds room in any mailbox.
      me(this).put(INFO, "timeout", TIMEOUT, TIMEOUT);
    });
  }

  hibernate(): void {
    this.continue(() => (this.waiting > 0 ? undefined : emptyPool()));
  }

  task<T>(label: string, work: () => T | Promise<T>, done: (outcome: Outcome<T>) => unknown): void {
    needOption(typeof label === "string", "task.label", label, "a text", this.label);
    needFunction(work, "task.work", this.label);
    needFunction(done, "task.done", this.label);
    if (!this.alive) return;
    const arrive = (outcome: Outcome<T>): void => {
      if (this.alive) this.post(label, () => done(outcome));
    };
    const fail = (error: unknown): void => arrive({ ok: false, error });
    const succeed = (value: T): void => arrive({ ok: true, value });
    try {
      const result = work();
      if (isThenable(result)) Promise.resolve(result).then(succeed, fail);
      else succeed(result as T);
    } catch (error) {
      fail(error);
    }
  }

  defer<T>(): Deferred<T> {
    const { current } = this;
    const allowed = "within a call's handler, which returns it";
    needOption(current !== null, "defer", "outside a call", allowed, this.label);
    return new DeferredReply<T>(current);
  }

  spawn<D extends AnyActor>(
    definition: D,
    args: StartArgs<D>,
    options: SpawnOptions = NO_OPTIONS,
  ): RefOf<D> {
    checkSpawn(definition, args, options, this.label);
    // What has ended starts nobody: a parent that has is what the kernel refuses.
    const parent = this.alive ? null : me(this);
    return this.kernel.spawn(definition, args, parent, options) as Ref as RefOf<D>;
  }

  spawnLink<D extends AnyActor>(
    definition: D,
    args: StartArgs<D>,
    options: SpawnOptions = NO_OPTIONS,
  ): RefOf<D> {
    checkSpawn(definition, args, options, this.label);
    return this.kernel.spawn(definition, args, me(this), options) as Ref as RefOf<D>;
  }

  link(ref: Ref): void {
    const other = near(this, ref, "link.ref");
    if (other === me(this) || !this.alive) return;
    if (other.alive) link(me(this), other);
    else me(this).exitSignal(other, "noproc");
  }

  unlink(ref: Ref): void {
    unlink(me(this), near(this, ref, "unlink.ref"));
  }

  monitor(ref: Ref): Monitor {
    return this.kernel.watch(near(this, ref, "monitor.ref"), me(this), (watch, reason) => {
      me(this).put(INFO, "DOWN", { type: "DOWN", monitor: watch, ref: watch.ref, reason }, watch);
    });
  }

  demonitor(monitor: Monitor): void {
    const isOwn = (monitor as Watch | undefined)?.watcher === me(this);
    needOption(isOwn, "demonitor.monitor", monitor, "a monitor of its own", this.label);
    endWatch(monitor as Watch);
  }

  exit(ref: Ref, reason: ExitReason): void {
    needReason(reason, "exit.reason", this.label);
    this.kernel.exit(near(this, ref, "exit.ref"), reason, me(this));
  }

  exited(ref: Ref): Promise<ExitReason> {
    return this.kernel.exited(near(this, ref, "exited.ref"));
  }

  whereis<D extends AnyActor>(name: string, definition: D): RefOf<D> | undefined {
    return this.kernel.whereis(name, definition, this.label);
  }

  listens(type: EventType): boolean {
    return this.kernel.listens(type);
  }

  emit(event: NewEvent): void {
    const isEvent = isRecord(event) && typeof event.type === "string";
    needOption(isEvent, "emit.event", event, "an object with a type", this.label);
    this.kernel.emit(event);
  }

  log(level: LogLevel, message: string, data: Readonly<Record<string, unknown>> = {}): void {
    needOption(LOG_LEVELS.includes(level), "log.level", level, LEVELS, this.label);
    needOption(typeof message === "string", "log.message", message, "a text", this.label);
    this.emit({ type: "logged", pid: this.id, label: this.label, level, message, data });
  }
}

/** Every `Own` there is is a `Process`. */
const me = (own: Own): Process => own as unknown as Process;

/** A ref is looked at where a relation begins or ends, and not with every message. */
const near = (own: Own, ref: Ref, option: string): Process =>
  needRef(ref, option, own.kernel, own.label);

/** Throws an `OptionError` for what is no ref, or one of another system than `kernel`'s. */
export function needRef(ref: Ref, option: string, kernel?: Kernel, actor?: string): Process {
  const good = ref instanceof Own && (kernel === undefined || ref.kernel === kernel);
  needOption(good, option, ref, kernel === undefined ? "a ref" : "a ref of this system", actor);
  return ref as Ref as Process;
}

const LEVELS = LOG_LEVELS.join(", ");
const TIMEOUT = Object.freeze({ type: "timeout" });

const SPAWN_NAMES: Record<keyof SpawnOptions, true> = { name: true, label: true, onStart: true };

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
