/**
 * Why this exists: one process as others reach it and as its own handlers see it. How it lives and
 * ends stands in `life.ts`.
 */
import type { AnyActor, Deferred, StartArgs } from "./actor.ts";
import { NONE, packAll } from "./args.ts";
import { Call, DeferredReply } from "./call.ts";
import { CallError, isMs, isRecord, needFunction, needOption, needReason } from "./errors.ts";
import { type EventType, LOG_LEVELS, type LogLevel, type NewEvent } from "./events.ts";
import type { ExitReason } from "./exit.ts";
import type { Cancel, Host } from "./host.ts";
import type { Kernel } from "./kernel.ts";
import { Life } from "./life.ts";
import { CALL, CAST, CAST_TWO, emptyPool, INFO, RUN } from "./mailbox.ts";
import type { Ref, RefOf } from "./ref.ts";
import { endWatch, including, link, unlink, type Watch } from "./relations.ts";
import {
  checkSpawn,
  type Monitor,
  NO_OPTIONS,
  type Outcome,
  type Self,
  type SpawnOptions,
} from "./self.ts";
import { isThenable } from "./thenable.ts";

export class Process extends Life implements Self<unknown>, Ref {
  // As others see it

  // Named parameters and not `...args`: see `args.ts`.

  cast(name: string, ...args: unknown[]): void;
  cast(name: string, first?: unknown, second?: unknown): void {
    // biome-ignore lint/complexity/noArguments: the one way to tell no argument from undefined
    const count = arguments.length - 1;
    if (count === 1) this.put(CAST, name, first, null);
    else if (count === 2) this.put(CAST_TWO, name, first, second);
    // biome-ignore lint/complexity/noArguments: read here only, where they are more than two
    else this.put(CAST, name, count === 0 ? NONE : rest(arguments, 1), null);
  }

  send(message: unknown): void {
    this.put(INFO, "info", message, null);
  }

  call(name: string, ...args: unknown[]): Promise<never>;
  call(name: string, first?: unknown): Promise<never> {
    // biome-ignore lint/complexity/noArguments: as above
    const count = arguments.length - 1;
    if (count === 1) return this.#ask(this.kernel.deadlines, name, first);
    // biome-ignore lint/complexity/noArguments: as above
    const body = count === 0 ? NONE : rest(arguments, 1);
    return this.#ask(this.kernel.deadlines, name, body);
  }

  callWithin(timeoutMs: number, name: string, ...args: unknown[]): Promise<never> {
    return this.#ask(this.kernel.deadlinesOf(timeoutMs, this.label), name, packAll(args));
  }

  /** What `console.log` shows: never the state, which may hold anything. */
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return `Ref<${this.label} #${this.id}>`;
  }

  // As its handlers see it

  get ref(): Ref {
    return this;
  }

  get host(): Host {
    return this.kernel.host;
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
    super.continue(step);
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
    const fire = (): void => this.put(RUN, label, run, null);
    // What was due before now is due now.
    const cancel: Cancel = this.kernel.host.timer(Math.max(0, ms), fire);
    relations.timers = including(relations.timers, cancel);
    return () => {
      if (relations.timers.delete(cancel)) cancel();
    };
  }

  timeout(ms: number): void {
    needOption(isMs(ms), "timeout.ms", ms, "milliseconds of 0 or more", this.label);
    const relations = this.relate();
    relations.stopIdling();
    // What waits already comes first.
    if (!this.alive || this.waiting > 0) return;
    relations.idle = this.kernel.host.timer(ms, () => {
      relations.idle = null;
      this.put(INFO, "timeout", TIMEOUT, null);
    });
  }

  hibernate(): void {
    this.continue(() => {
      if (this.waiting > 0) return;
      if (this.relations?.isEmpty === true) this.relations = null;
      emptyPool();
    });
  }

  task<T>(label: string, work: () => T | Promise<T>, done: (outcome: Outcome<T>) => unknown): void {
    needOption(typeof label === "string", "task.label", label, "a text", this.label);
    needFunction(work, "task.work", this.label);
    needFunction(done, "task.done", this.label);
    if (!this.alive) return;
    const arrive = (outcome: Outcome<T>): void => {
      if (this.alive) this.put(RUN, label, () => done(outcome), null);
    };
    let result: T | Promise<T>;
    try {
      result = work();
    } catch (error) {
      arrive({ ok: false, error });
      return;
    }
    if (!isThenable(result)) arrive({ ok: true, value: result as T });
    else
      result.then(
        (value) => arrive({ ok: true, value: value as T }),
        (error: unknown) => arrive({ ok: false, error }),
      );
  }

  defer<T>(): Deferred<T> {
    const allowed = "within a call's handler, which returns it";
    needOption(this.answers, "defer", "outside a call", allowed, this.label);
    return new DeferredReply<T>();
  }

  spawn<D extends AnyActor>(
    definition: D,
    args: StartArgs<D>,
    options: SpawnOptions = NO_OPTIONS,
  ): RefOf<D> {
    checkSpawn(definition, args, options, this.label);
    return this.kernel.spawn(definition, args, null, options) as Ref as RefOf<D>;
  }

  spawnLink<D extends AnyActor>(
    definition: D,
    args: StartArgs<D>,
    options: SpawnOptions = NO_OPTIONS,
  ): RefOf<D> {
    checkSpawn(definition, args, options, this.label);
    const child = this.kernel.spawn(definition, args, this, options);
    this.link(child);
    return child as Ref as RefOf<D>;
  }

  link(ref: Ref): void {
    const other = this.#need(ref, "link.ref");
    if (other === this || !this.alive) return;
    if (other.alive) link(this, other);
    else this.exitSignal(other, "noproc");
  }

  unlink(ref: Ref): void {
    unlink(this, this.#need(ref, "unlink.ref"));
  }

  monitor(ref: Ref): Monitor {
    return this.kernel.watch(this.#need(ref, "monitor.ref"), this, (watch, reason) => {
      this.put(INFO, "DOWN", { type: "DOWN", monitor: watch, ref: watch.ref, reason }, watch);
    });
  }

  demonitor(monitor: Monitor): void {
    const isOwn = (monitor as Watch | undefined)?.watcher === this;
    needOption(isOwn, "demonitor.monitor", monitor, "a monitor of its own", this.label);
    endWatch(monitor as Watch);
  }

  exit(ref: Ref, reason: ExitReason): void {
    needReason(reason, "exit.reason", this.label);
    this.kernel.exit(this.#need(ref, "exit.ref"), reason, this);
  }

  exited(ref: Ref): Promise<ExitReason> {
    return this.kernel.exited(this.#need(ref, "exited.ref"));
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

  /** A ref is looked at where a relation begins or ends, and not with every message. */
  #need(ref: Ref, option: string): Process {
    return needRef(ref, option, this.kernel, this.label);
  }

  #ask(queue: Parameters<typeof makeCall>[3], name: string, body: unknown): Promise<never> {
    return new Promise((resolve, reject) => {
      const told = this.kernel.callsTraced
        ? this.kernel.traceCall(this, name, queue?.timeoutMs ?? Number.POSITIVE_INFINITY)
        : null;
      const call = makeCall(
        this.label,
        name,
        !this.alive,
        queue,
        told === null ? resolve : telling(resolve, told),
        told === null ? reject : telling(reject, told),
      );
      if (!call.settled) this.put(CALL, name, body, call);
    });
  }
}

const LEVELS = LOG_LEVELS.join(", ");
const TIMEOUT = Object.freeze({ type: "timeout" });

const rest = (all: IArguments, from: number): unknown =>
  packAll(Array.prototype.slice.call(all, from));

/** Every `Ref` there is was made here. */
export const asProcess = (ref: Ref): Process => ref as Process;

/** Of what may be none, or one of another system: see `Process`. */
export function needRef(ref: Ref, option: string, kernel?: Kernel, actor?: string): Process {
  const good = ref instanceof Process && (kernel === undefined || ref.kernel === kernel);
  needOption(good, option, ref, kernel === undefined ? "a ref" : "a ref of this system", actor);
  return asProcess(ref);
}

/** Settles a call, and tells how. */
const telling =
  <T>(settle: (value: T) => void, told: (how: string) => void) =>
  (value: T): void => {
    told(value instanceof CallError ? value.code : "reply");
    settle(value);
  };

function makeCall(
  callee: string,
  name: string,
  dead: boolean,
  queue: ConstructorParameters<typeof Call>[2],
  resolve: (value: never) => void,
  reject: (error: unknown) => void,
): Call {
  const call = new Call(
    callee,
    name,
    dead ? null : queue,
    resolve as (value: unknown) => void,
    reject,
  );
  if (dead) call.exit("noproc");
  return call;
}
