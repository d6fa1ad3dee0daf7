/**
 * Why this exists: one process, from its first message to its last. It handles one message at a
 * time, to the end; it ends exactly once; and whatever comes for it afterwards finds nobody.
 */
import { type AnyActor, type Deferred, type Handler, ignore, type StartArgs } from "./actor.ts";
import { Call, DeferredReply } from "./call.ts";
import type { EventType, LogLevel, NewEvent } from "./events.ts";
import type { ExitReason } from "./exit.ts";
import type { Cancel, Host } from "./host.ts";
import type { Kernel } from "./kernel.ts";
import {
  CALL,
  CAST,
  EXIT,
  INFO,
  INIT,
  KIND_NAMES,
  type Kind,
  type Letter,
  Mailbox,
  RUN,
} from "./mailbox.ts";
import type { Ref, RefOf } from "./ref.ts";
import { endWatch, link, Relations, unlink, type Watch } from "./relations.ts";
import type { Monitor, Outcome, Self, SpawnOptions, StartOutcome } from "./self.ts";

/** Where a process is in its life. */
const IDLE = 0;
const READY = 1;
const RUNNING = 2;
/** In an async handler: messages wait, exit signals do not. */
const SUSPENDED = 3;
/** In `terminate`: only `kill` is heard. */
const TERMINATING = 4;
const DEAD = 5;
const STATUS_NAMES = ["idle", "ready", "running", "suspended", "terminating", "dead"] as const;

export class Process extends Mailbox implements Self<unknown>, Ref {
  readonly id: number;
  readonly label: string;
  readonly name: string | null;
  readonly definition: AnyActor;
  readonly parent: Process | null;
  state: unknown = undefined;
  trapExit = false;
  /** @internal the scheduler's queue */
  nextReady: Process | null = null;
  readonly #kernel: Kernel;
  #status = IDLE;
  #started = false;
  #next: (() => unknown) | null = null;
  #stopping: ExitReason | null = null;
  /** The call whose handler runs or is suspended. */
  #current: Call | null = null;
  #onStart: ((outcome: StartOutcome) => void) | null;
  /** @internal Null for most processes, most of the time. */
  relations: Relations | null = null;

  constructor(
    kernel: Kernel,
    id: number,
    definition: AnyActor,
    args: unknown[],
    parent: Process | null,
    options: SpawnOptions,
  ) {
    super();
    this.#kernel = kernel;
    this.id = id;
    this.definition = definition;
    this.parent = parent;
    this.name = options.name ?? null;
    this.label = options.label ?? options.name ?? definition.name;
    this.#onStart = options.onStart ?? null;
    this.#put(INIT, "init", args, null);
  }

  // As others see it

  get alive(): boolean {
    return this.#status !== DEAD;
  }

  get status(): string {
    if (!this.#started && this.#status !== DEAD) return "starting";
    return STATUS_NAMES[this.#status] ?? "";
  }

  cast(name: string, ...args: unknown[]): void {
    this.#put(CAST, name, args, null);
  }

  send(message: unknown): void {
    this.#put(INFO, "info", message, null);
  }

  call(name: string, ...args: unknown[]): Promise<never> {
    return this.#ask(this.#kernel.deadlines, name, args);
  }

  callWithin(timeoutMs: number, name: string, ...args: unknown[]): Promise<never> {
    return this.#ask(this.#kernel.deadlinesOf(timeoutMs), name, args);
  }

  // As its handlers see it

  get ref(): Ref {
    return this;
  }

  get host(): Host {
    return this.#kernel.host;
  }

  get signal(): AbortSignal {
    return this.relate().signal(this.#status === DEAD);
  }

  stop(reason: ExitReason): void {
    this.#stopping ??= reason;
  }

  continue(step: () => unknown): void {
    const first = this.#next;
    const next = (): unknown => (this.#status === DEAD ? undefined : step());
    this.#next = first === null ? step : () => then(first(), next);
  }

  after(ms: number, label: string, step: () => unknown): Cancel {
    if (this.#status === DEAD) return () => {};
    const { timers } = this.relate();
    // It counts as set until its step runs, so that it can be taken back while its message waits.
    const run = (): unknown => (timers.delete(cancel) ? step() : undefined);
    const cancel: Cancel = this.#kernel.host.timer(ms, () => this.#put(RUN, label, run, null));
    timers.add(cancel);
    return () => {
      if (timers.delete(cancel)) cancel();
    };
  }

  task<T>(label: string, work: () => T | Promise<T>, done: (outcome: Outcome<T>) => unknown): void {
    if (this.#status === DEAD) return;
    const arrive = (outcome: Outcome<T>): void => {
      if (this.#status !== DEAD) this.#put(RUN, label, () => done(outcome), null);
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
    return new DeferredReply<T>();
  }

  spawn<D extends AnyActor>(
    definition: D,
    args: StartArgs<D>,
    options: SpawnOptions = {},
  ): RefOf<D> {
    return this.#kernel.spawn(definition, args, null, options) as Ref as RefOf<D>;
  }

  spawnLink<D extends AnyActor>(
    definition: D,
    args: StartArgs<D>,
    options: SpawnOptions = {},
  ): RefOf<D> {
    const child = this.#kernel.spawn(definition, args, this, options);
    this.link(child);
    return child as Ref as RefOf<D>;
  }

  link(ref: Ref): void {
    const other = asProcess(ref);
    if (other === this || this.#status === DEAD) return;
    if (other.alive) link(this, other);
    else this.exitSignal(other, "noproc");
  }

  unlink(ref: Ref): void {
    unlink(this, asProcess(ref));
  }

  monitor(ref: Ref): Monitor {
    return this.#kernel.watch(asProcess(ref), this, (watch, reason) => {
      this.#put(INFO, "DOWN", { type: "DOWN", monitor: watch, ref: watch.ref, reason }, watch);
    });
  }

  demonitor(monitor: Monitor): void {
    endWatch(monitor as Watch);
  }

  exit(ref: Ref, reason: ExitReason): void {
    this.#kernel.exit(asProcess(ref), reason, this);
  }

  exited(ref: Ref): Promise<ExitReason> {
    return this.#kernel.exited(asProcess(ref));
  }

  whereis<D extends AnyActor>(name: string, definition: D): RefOf<D> | undefined {
    return this.#kernel.whereis(name, definition);
  }

  listens(type: EventType): boolean {
    return this.#kernel.listens(type);
  }

  emit(event: NewEvent): void {
    this.#kernel.emit(event);
  }

  log(level: LogLevel, message: string, data: Readonly<Record<string, unknown>> = {}): void {
    this.emit({ type: "logged", pid: this.id, label: this.label, level, message, data });
  }

  // As the kernel sees it

  /** @internal Handles up to `quantum` messages; returns how many. */
  run(quantum: number): number {
    if (this.#status !== READY) return 0;
    this.#status = RUNNING;
    const letter: Letter = this.#kernel.letter;
    let handled = 0;
    while (handled < quantum) {
      const next = this.#next;
      if (next !== null) {
        this.#next = null;
        this.#handle(RUN, "continue", next, null);
      } else if (this.shift(letter)) {
        this.#handle(letter.kind, letter.name, letter.body, letter.extra as Call | null);
      } else break;
      handled++;
      if (this.#status !== RUNNING) return handled;
    }
    this.#rest();
    return handled;
  }

  /** @internal An exit signal of a linked process, or one sent by `exit`. */
  exitSignal(from: Process | null, reason: ExitReason): void {
    if (this.#status === DEAD || this.#status === TERMINATING) return;
    if (this.trapExit) this.#put(EXIT, "EXIT", reason, from);
    else if (reason !== "normal") this.#die(reason);
  }

  /** @internal Cannot be trapped. */
  kill(): void {
    this.#die("killed");
  }

  #put(kind: Kind, name: string, body: unknown, extra: unknown): void {
    const kernel = this.#kernel;
    if (this.#status === DEAD) {
      kernel.deadLetter(this, kind, name);
      return;
    }
    if (kernel.traced) kernel.message("sent", this, KIND_NAMES[kind], name);
    this.push(kind, name, body, extra);
    if (this.#status === IDLE) {
      this.#status = READY;
      kernel.scheduler.enqueue(this);
    }
  }

  #ask(queue: Parameters<typeof makeCall>[3], name: string, args: unknown[]): Promise<never> {
    return new Promise((resolve, reject) => {
      const call = makeCall(this.label, name, this.#status === DEAD, queue, resolve, reject);
      if (!call.settled) this.#put(CALL, name, args, call);
    });
  }

  #handle(kind: Kind, name: string, body: unknown, call: Call | null): void {
    let result: unknown;
    if (kind === CALL) this.#current = call;
    try {
      result = this.#dispatch(kind, name, body, call);
      if (isThenable(result)) {
        this.#suspend(result, kind, name, call);
        return;
      }
    } catch (error) {
      this.#crash(error);
      return;
    }
    this.#finish(kind, name, result, call);
  }

  #dispatch(kind: Kind, name: string, body: unknown, extra: unknown): unknown {
    const { handlers } = this.definition;
    switch (kind) {
      case CAST:
      case CALL: {
        const table = kind === CAST ? handlers.casts : handlers.calls;
        const handler: Handler | undefined = Object.hasOwn(table, name) ? table[name] : undefined;
        if (handler !== undefined) return handler(this, ...(body as unknown[]));
        (extra as Call | null)?.unknown();
        return this.#kernel.deadLetter(this, kind, name);
      }
      case INFO:
        // A DOWN that waited when its monitor was given up.
        if ((extra as Watch | null)?.ended === true) return undefined;
        return handlers.info?.(this, body);
      case EXIT: {
        const from = extra as unknown as Process | null;
        // The application, which is nobody's child, stands in for the parent.
        if (from === null || from === this.parent) return this.stop(body as ExitReason);
        return handlers.info?.(this, { type: "EXIT", ref: from, reason: body });
      }
      case RUN:
        return (body as () => unknown)();
      default:
        return this.#stopping === null ? handlers.init(this, ...(body as unknown[])) : undefined;
    }
  }

  #suspend(pending: PromiseLike<unknown>, kind: Kind, name: string, call: Call | null): void {
    // Its own code may have ended it before the first await.
    if (this.#status !== DEAD) this.#status = SUSPENDED;
    pending.then(
      (value) => {
        if (this.#status !== SUSPENDED) return;
        this.#status = RUNNING;
        this.#finish(kind, name, value, call);
        if (this.#status === RUNNING) this.#rest();
      },
      (error: unknown) => {
        if (this.#status === SUSPENDED) this.#crash(error);
      },
    );
  }

  /** After a handler: reply, note the start, stop if asked to. */
  #finish(kind: Kind, name: string, result: unknown, call: Call | null): void {
    if (this.#status === DEAD) return;
    const kernel = this.#kernel;
    if (kernel.traced) kernel.message("handled", this, KIND_NAMES[kind], name);
    if (kind === CALL && call !== null) this.#answer(call, result);
    else if (kind === INIT) this.#init(result);
    if (this.#stopping !== null && this.#status === RUNNING) this.#terminate(this.#stopping);
  }

  #answer(call: Call, result: unknown): void {
    this.#current = null;
    if (result instanceof DeferredReply) {
      call.owe(this.relate().owed);
      result.bind(call);
    } else {
      call.reply(result);
      this.#kernel.scheduler.yieldSoon();
    }
  }

  #init(state: unknown): void {
    if (this.#stopping !== null) {
      this.#die(this.#stopping);
      return;
    }
    this.#started = true;
    if (state === ignore) {
      this.#tellStart({ status: "ignored" });
      this.#die("normal");
      return;
    }
    this.state = state;
    this.#kernel.emit({ type: "started", pid: this.id, label: this.label });
    this.#tellStart({ status: "started" });
  }

  #tellStart(outcome: StartOutcome): void {
    const tell = this.#onStart;
    this.#onStart = null;
    if (tell !== null) this.#kernel.shield(() => tell(outcome));
  }

  #rest(): void {
    if (this.waiting > 0 || this.#next !== null) {
      this.#status = READY;
      this.#kernel.scheduler.enqueue(this);
    } else this.#status = IDLE;
  }

  #crash(error: unknown): void {
    if (this.#status === DEAD) return;
    if (this.#started) this.#terminate({ error });
    else this.#die({ error });
  }

  #terminate(reason: ExitReason): void {
    this.#status = TERMINATING;
    const { terminate } = this.definition.handlers;
    if (terminate === null) {
      this.#die(reason);
      return;
    }
    try {
      const result = terminate(this, reason);
      if (!isThenable(result)) this.#die(reason);
      else
        result.then(
          () => this.#die(reason),
          (error: unknown) => this.#die({ error }),
        );
    } catch (error) {
      this.#die({ error });
    }
  }

  /** The one end of every process. The order matters: free the name, then tell. */
  #die(reason: ExitReason): void {
    if (this.#status === DEAD) return;
    const kernel = this.#kernel;
    this.#status = DEAD;
    kernel.forget(this);
    const { relations } = this;
    relations?.rest();
    kernel.emit({ type: "exited", pid: this.id, label: this.label, reason });
    this.#tellStart({ status: "failed", reason });
    this.#current?.exit(reason);
    if (relations !== null) kernel.spread(() => relations.tell(this, reason));
    this.#discard(reason);
    this.relations = null;
    this.state = undefined;
    this.#next = null;
  }

  #discard(reason: ExitReason): void {
    const letter: Letter = { kind: CAST, name: "", body: undefined, extra: null };
    while (this.shift(letter)) if (letter.kind === CALL) (letter.extra as Call).exit(reason);
  }

  /** @internal */
  relate(): Relations {
    this.relations ??= new Relations();
    return this.relations;
  }
}

/** Every `Ref` there is was made here. */
export const asProcess = (ref: Ref): Process => ref as Process;

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

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === "object" &&
    value !== null &&
    typeof (value as { then?: unknown }).then === "function"
  );
}

function then(result: unknown, step: () => unknown): unknown {
  return isThenable(result) ? result.then(step) : step();
}
