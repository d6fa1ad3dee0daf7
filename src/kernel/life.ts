/**
 * Why this exists: the life of one process, from its first message to its last. It handles one
 * message at a time, to the end; it ends exactly once; and whatever comes for it afterwards finds
 * nobody.
 */
import { type AnyActor, ignore } from "./actor.ts";
import { BoundedMailbox } from "./bounded-mailbox.ts";
import { type Call, DeferredReply } from "./call.ts";
import { dispatch } from "./dispatch.ts";
import type { ExitReason } from "./exit.ts";
import type { Kernel } from "./kernel.ts";
import { CALL, EXIT, INIT, KIND_NAMES, type Kind, RUN } from "./letter.ts";
import type { Process } from "./process.ts";
import { Relations } from "./relations.ts";
import type { SpawnOptions } from "./self.ts";
import { isThenable } from "./thenable.ts";

/** Where a process is in its life. */
const IDLE = 0;
const READY = 1;
const RUNNING = 2;
/** In an async handler: messages wait, exit signals do not. */
const AWAITING = 3;
/** In `terminate`: only `kill` is heard. */
const TERMINATING = 4;
const DEAD = 5;
const STATUS_NAMES = ["idle", "ready", "running", "awaiting", "terminating", "dead"] as const;

/** Every `Life` there is is a `Process`: that adds what it can do, and how others reach it. */
export abstract class Life extends BoundedMailbox {
  readonly id: number;
  readonly label: string;
  readonly definition: AnyActor;
  /** Until `init`, what that is called with. */
  state: unknown = undefined;
  /** @internal the scheduler's queue */
  nextReady: Process | null = null;
  /** @internal the kernel's list of all that live */
  older: Process | null = null;
  younger: Process | null = null;
  /** @internal */
  readonly kernel: Kernel;
  /** @internal When it was born, in whole monotonic milliseconds of the host. */
  readonly bornAt: number;
  /** @internal Messages that were handled, `init` among them. */
  handled = 0;
  #status = IDLE;
  #started = false;
  #stopping: ExitReason | null = null;
  /** The call whose handler runs or is suspended. */
  protected current: Call | null = null;
  /** @internal Null for what was spawned without a link, a name or a listener, and has asked for nothing. */
  relations: Relations | null = null;
  /** The same, once there may be something in it to be heeded with every message. */
  #heeded: Relations | null = null;

  constructor(
    kernel: Kernel,
    id: number,
    definition: AnyActor,
    parent: Process | null,
    options: SpawnOptions,
  ) {
    super();
    this.kernel = kernel;
    this.id = id;
    this.definition = definition;
    const { name, label, onStart } = options;
    this.label = label ?? name ?? definition.name;
    if (parent !== null || name !== undefined || onStart !== undefined) {
      this.relations = new Relations(parent, options);
    }
    // A whole number lies in its field, for the first 24 days of a host; any other is an object.
    this.bornAt = kernel.scheduler.roughly;
  }

  /** @internal Its first turn is `init`'s. A place in the mailbox would push what follows into a chunk. */
  begin(this: Process, args: unknown[]): void {
    this.state = args;
    if (this.kernel.traced) this.kernel.message("sent", this, KIND_NAMES[INIT], "init");
    this.wake();
  }

  get alive(): boolean {
    return this.#status !== DEAD;
  }

  get parent(): Process | null {
    return this.relations?.parent ?? null;
  }

  get status(): string {
    if (!this.#started && this.#status !== DEAD) return "starting";
    if (this.#heeded?.held === true && this.#status !== DEAD) return "suspended";
    return STATUS_NAMES[this.#status] ?? "";
  }

  stop(reason: ExitReason): void {
    this.#stopping ??= reason;
    // Not in a handler, but in some callback: now.
    this.wake();
  }

  continue(step: () => unknown): void {
    const heeded = this.heed();
    heeded.next ??= [];
    heeded.next.push(step);
    this.wake();
  }

  /** @internal Handles up to `quantum` messages; returns how many. */
  run(this: Process, quantum: number): number {
    if (this.#status !== READY) return 0;
    this.#status = RUNNING;
    let handled = 0;
    while (handled < quantum && this.handleNext()) {
      handled++;
      this.handled++;
      if (this.#status !== RUNNING) return handled;
      // As most do, it had one message, and there is nothing else to look for: who was told to stop is
      // not running any more.
      if (this.waiting === 0 && this.#heeded === null) {
        this.#status = IDLE;
        return handled;
      }
    }
    if (this.#status === RUNNING) this.rest();
    return handled;
  }

  /** A message, or what comes before any; false when there is none, or none may be handled. */
  private handleNext(this: Process): boolean {
    const heeded = this.#heeded;
    if (heeded?.held && this.#stopping === null) return false;
    if (!this.#started) {
      // Until now its state was what `init` is called with.
      const args = this.state;
      this.state = undefined;
      this.receive(INIT, "init", args, null);
      return true;
    }
    if (this.#stopping !== null) {
      this.terminate(this.#stopping);
      return false;
    }
    const next = heeded?.takeNext();
    if (next === undefined) return this.deliver();
    this.receive(RUN, "continue", next, null);
    return true;
  }

  /** @internal An exit signal of a linked process, or one sent by `exit`. */
  exitSignal(this: Process, from: Process | null, reason: ExitReason): void {
    if (this.#status === DEAD || this.#status === TERMINATING) return;
    const { trapExit, relations } = this;
    if (trapExit && relations !== null && (from === null || from === this.parent)) {
      relations.toldToStop = reason;
      // Its messages wait, and this one must not.
      if (relations.held) this.stop(reason);
    }
    if (trapExit) this.put(EXIT, "EXIT", reason, from);
    else if (reason !== "normal" || from === this) this.die(reason);
  }

  /** @internal Cannot be trapped. */
  kill(this: Process): void {
    this.die("killed");
  }

  protected put(this: Process, kind: Kind, name: string, body: unknown, extra: unknown): void {
    const { limit } = this.definition.handlers.mailbox;
    if (this.waiting >= limit && this.isFull(kind, name, extra)) return;
    // Asked after that: whoever hears of a message that was dropped may end it.
    if (this.#status === DEAD) {
      if (kind === CALL) (extra as Call).exit("noproc", "noproc");
      else this.kernel.deadLetter(this, kind, name, "dead");
      return;
    }
    this.#heeded?.stopIdling();
    this.push(kind, name, body, extra);
    if (this.kernel.traced) this.kernel.message("sent", this, KIND_NAMES[kind], name);
    if (this.#status === IDLE) this.wake();
  }

  protected lost(this: Process, kind: Kind, name: string): void {
    this.kernel.deadLetter(this, kind, name, "overflow");
  }

  protected receive(this: Process, kind: Kind, name: string, body: unknown, extra: unknown): void {
    let result: unknown;
    const { handlerWatch } = this.kernel;
    const began = handlerWatch === null ? 0 : handlerWatch.began();
    const call = kind === CALL ? (extra as Call) : null;
    if (call !== null) this.current = call;
    try {
      // What is told to stop before its first message has failed to start: a name was taken.
      const started = kind !== INIT || this.#stopping === null;
      result = started ? dispatch(this, kind, name, body, extra) : undefined;
      handlerWatch?.returned(this, kind, name, began);
      if (isThenable(result)) this.await(result, kind, name, call);
      else this.finish(kind, name, result, call);
    } catch (error) {
      handlerWatch?.returned(this, kind, name, began);
      this.crash(error);
    }
  }

  private await(
    this: Process,
    pending: PromiseLike<unknown>,
    kind: Kind,
    name: string,
    call: Call | null,
  ): void {
    // Its own code may have ended it before the first await.
    if (this.#status !== DEAD) this.#status = AWAITING;
    const over = this.kernel.handlerWatch?.awaits(this, kind, name);
    // A thenable of the user's own may call back twice; the promise that takes it up does not.
    Promise.resolve(pending).then(
      (value) => {
        over?.();
        if (this.#status !== AWAITING) return;
        this.#status = RUNNING;
        try {
          this.finish(kind, name, value, call);
        } catch (error) {
          this.crash(error);
        }
        if (this.#status === RUNNING) this.rest();
      },
      (error: unknown) => {
        over?.();
        if (this.#status === AWAITING) this.crash(error);
      },
    );
  }

  /** After a handler: reply, note the start, stop if asked to. */
  private finish(this: Process, kind: Kind, name: string, value: unknown, call: Call | null): void {
    if (this.#status === DEAD) return;
    if (this.kernel.traced) this.kernel.message("handled", this, KIND_NAMES[kind], name);
    if (call !== null) this.answer(call, value);
    else if (kind === INIT) this.started(value);
    if (this.#stopping !== null && this.#status === RUNNING) this.terminate(this.#stopping);
  }

  private answer(this: Process, call: Call, result: unknown): void {
    const deferred = DeferredReply.callOf(result);
    if (deferred === null) {
      // It is settled even so, if what is replied ends this process when it is looked at.
      call.reply(result);
      this.kernel.scheduler.yields = true;
    } else if (deferred === call) call.owe(this.relate());
    else call.notMine();
    this.current = null;
  }

  /** `init` is over. */
  private started(this: Process, state: unknown): void {
    if (this.#stopping !== null) {
      this.die(this.#stopping);
      return;
    }
    this.#started = true;
    const { id: pid, label, kernel, relations } = this;
    if (state === ignore) {
      relations?.tellStart(kernel, { status: "ignored" });
      this.die("normal");
      return;
    }
    this.state = state;
    if (kernel.livesTraced) kernel.emit({ type: "started", pid, label });
    relations?.tellStart(kernel, { status: "started" });
  }

  private rest(this: Process): void {
    this.#status = IDLE;
    this.#heeded?.takeTurns();
    this.wake();
  }

  /** A turn for it, if there is anything to do and nothing keeps it from that. */
  private wake(): void {
    const heeded = this.#heeded;
    if (this.#status !== IDLE || (heeded?.held && this.#stopping === null)) return;
    const hasWork = this.waiting > 0 || this.#stopping !== null || !this.#started;
    if (!hasWork && (heeded === null || heeded.next === null)) return;
    this.#status = READY;
    this.kernel.scheduler.enqueue(this as unknown as Process);
  }

  /** @internal Runs `step` when no message is being handled: at once, if it began and that is so. */
  between(step: () => void): void {
    if (this.#started && (this.#status === IDLE || this.#status === READY)) step();
    else this.heed().addTurn(step);
  }

  /** @internal Messages wait from now on, until they need not. Exit signals do not wait. */
  hold(this: Process, on: boolean): void {
    const heeded = this.heed();
    heeded.held = on;
    if (on && heeded.toldToStop !== null) this.stop(heeded.toldToStop);
    this.wake();
  }

  private crash(this: Process, error: unknown): void {
    if (this.#status === DEAD) return;
    if (this.#started) this.terminate({ error });
    else this.die({ error });
  }

  private terminate(this: Process, reason: ExitReason): void {
    this.#status = TERMINATING;
    const { terminate } = this.definition.handlers;
    if (terminate === null) {
      this.die(reason);
      return;
    }
    const fail = (error: unknown): void => this.die({ error });
    try {
      const result = terminate(this, reason);
      if (isThenable(result)) result.then(() => this.die(reason), fail);
      else this.die(reason);
    } catch (error) {
      fail(error);
    }
  }

  /** The one end of every process. The order matters: free the name, then tell. */
  private die(this: Process, reason: ExitReason): void {
    if (this.#status === DEAD) return;
    const { id: pid, label, kernel, relations } = this;
    this.#status = DEAD;
    kernel.forget(this);
    relations?.end();
    if (kernel.livesTraced) kernel.emit({ type: "exited", pid, label, reason });
    relations?.tellStart(kernel, { status: "failed", reason });
    this.current?.exit(reason);
    if (relations !== null) kernel.spread(() => relations.tell(this, reason));
    for (let letter = this.nextLeft(); letter !== null; letter = this.nextLeft()) {
      if (letter.kind === CALL) (letter.extra as Call).exit(reason);
    }
    this.waiting = 0;
    this.state = undefined;
    this.#heeded = null;
  }

  /** @internal To note what is to be heeded with every message. */
  heed(): Relations {
    this.#heeded = this.relate();
    return this.#heeded;
  }

  /** @internal */
  relate(): Relations {
    this.relations ??= new Relations(null, {});
    return this.relations;
  }
}
