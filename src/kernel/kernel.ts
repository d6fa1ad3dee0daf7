/** Why this exists: what the processes of one system share: the list of all, the names, the events. */
import { type AnyActor, needDefinition, type StartArgs } from "./actor.ts";
import { Deadlines } from "./call.ts";
import { isMs, needOption } from "./errors.ts";
import type { DeadReason, EventType, NewEvent, Observer, SystemEvent } from "./events.ts";
import type { ExitReason } from "./exit.ts";
import type { Cancel, Host } from "./host.ts";
import { KIND_NAMES, type Kind } from "./letter.ts";
import { Process } from "./process.ts";
import type { Ref, RefOf } from "./ref.ts";
import { beginWatch, link, type Watch } from "./relations.ts";
import { Scheduler } from "./scheduler.ts";
import type { SpawnOptions } from "./self.ts";

export const CALL_TIMEOUT_MS = 5_000;

/** Looks at how long handlers take: `inspect/long-handlers.ts`. */
export interface HandlerWatch {
  began(): number;
  /** The synchronous part of a handler is over. */
  returned(process: Process, kind: Kind, name: string, began: number): void;
  /** It goes on; the answer is called when that is over. */
  awaits(process: Process, kind: Kind, name: string): Cancel;
}

export class Kernel {
  readonly host: Host;
  readonly scheduler: Scheduler;
  readonly deadlines: Deadlines;
  /** Null: nobody asked how long handlers take. */
  handlerWatch: HandlerWatch | null = null;
  /** Whether anybody listens to single messages: asked before such an event is made. */
  traced = false;
  /** Likewise for calls, and for births and ends. */
  callsTraced = false;
  livesTraced = false;
  /** Those that live, linked to each other, the oldest first: a table would cost more than a spawn. */
  #oldest: Process | null = null;
  #youngest: Process | null = null;
  readonly #names = new Map<string, Process>();
  /** Who listens, to which types; null: to all. A listener may be there twice. */
  #observers: readonly { tell: Observer; types: ReadonlySet<EventType> | null }[] = [];
  /** Whether anybody hears a type, once that was asked: it is asked for every record. */
  readonly #heard = new Map<EventType, boolean>();
  readonly #deadlines = new Map<number, Deadlines>();
  /** Those whose links and monitors are still to be told. */
  #deaths: (() => void)[] = [];
  #spreading = false;
  #lastId = 0;
  #lastCall = 0;

  constructor(host: Host) {
    this.host = host;
    this.scheduler = new Scheduler(host);
    this.deadlines = new Deadlines(host, this.scheduler, CALL_TIMEOUT_MS);
  }

  /** Linked to its parent, if it has one. */
  spawn<D extends AnyActor>(
    definition: D,
    args: StartArgs<D>,
    parent: Process | null,
    options: SpawnOptions,
  ): Process {
    this.#lastId++;
    const process = new Process(this, this.#lastId, definition, parent, options);
    process.older = this.#youngest;
    if (this.#youngest === null) this.#oldest = process;
    else this.#youngest.younger = process;
    this.#youngest = process;
    const { id: pid, label } = process;
    const { name } = options;
    // Code of a dead process may go on after an await: what it starts would belong to nobody.
    if (parent?.alive === false) process.stop("noproc");
    else {
      if (parent !== null) link(parent, process);
      // The start fails in the new process's own turn, as every other failing start does.
      if (name !== undefined && this.#names.has(name)) process.stop(`already_started: ${name}`);
      else if (name !== undefined) this.#names.set(name, process);
    }
    // Not before: whoever hears of it may end it, or its parent.
    if (this.livesTraced) this.emit({ type: "spawned", pid, label, parent: parent?.id ?? null });
    if (process.alive) process.begin(args as unknown[]);
    return process;
  }

  /** Every process that lives, oldest first. */
  processes(): Process[] {
    const processes: Process[] = [];
    for (let each = this.#oldest; each !== null; each = each.younger) processes.push(each);
    return processes;
  }

  /** `actor`: who asks. */
  whereis<D extends AnyActor>(name: string, definition: D, actor?: string): RefOf<D> | undefined {
    const process = this.#names.get(name);
    if (process !== undefined && process.definition === definition)
      return process as Ref as RefOf<D>;
    // Only now, for it is asked with every message by some: nothing would ever be found so.
    needOption(typeof name === "string", "whereis.name", name, "a name", actor);
    needDefinition(definition, "whereis.definition", actor);
    return undefined;
  }

  exit(process: Process, reason: ExitReason, from: Process | null): void {
    const { id: pid, label } = process;
    if (process.alive) this.emit({ type: "signalled", pid, label, from: from?.id ?? null, reason });
    if (reason === "kill") process.kill();
    else process.exitSignal(from, reason);
  }

  /** Tells once when `process` ends, at once with `noproc` if it has. */
  watch(process: Process, watcher: Process | null, tell: Watch["tell"]): Watch {
    const watch: Watch = { ref: process, watcher, tell, ended: false };
    // Code of a dead process may go on after an await: nobody will be there to be told.
    if (watcher?.alive === false) watch.ended = true;
    else if (process.alive) beginWatch(watch);
    else tell(watch, "noproc");
    return watch;
  }

  exited(process: Process): Promise<ExitReason> {
    return new Promise((resolve) => {
      this.watch(process, null, (_watch, reason) => resolve(reason));
    });
  }

  /** The queue of the calls that wait `timeoutMs`; null for those that wait for ever. */
  deadlinesOf(timeoutMs: number, callee?: string): Deadlines | null {
    if (timeoutMs === Number.POSITIVE_INFINITY) return null;
    if (timeoutMs === CALL_TIMEOUT_MS) return this.deadlines;
    const known = this.#deadlines.get(timeoutMs);
    if (known !== undefined) return known;
    needOption(isMs(timeoutMs), "timeoutMs", timeoutMs, "milliseconds, or Infinity", callee);
    const queue = new Deadlines(this.host, this.scheduler, timeoutMs);
    this.#deadlines.set(timeoutMs, queue);
    // Each is kept for the next call: not where there are very many.
    const [oldest] = this.#deadlines.values();
    if (this.#deadlines.size > 64 && oldest !== undefined) {
      this.#deadlines.delete(oldest.timeoutMs);
      if (!oldest.rest()) this.#deadlines.set(oldest.timeoutMs, oldest);
    }
    return queue;
  }

  observe(observer: Observer, types?: readonly EventType[]): () => void {
    const entry = { tell: observer, types: types === undefined ? null : new Set(types) };
    this.#observers = [...this.#observers, entry];
    this.#listenAnew();
    return () => {
      this.#observers = this.#observers.filter((other) => other !== entry);
      this.#listenAnew();
    };
  }

  #listenAnew(): void {
    this.#heard.clear();
    this.traced = this.listens("sent") || this.listens("handled");
    this.callsTraced = this.listens("called") || this.listens("settled");
    this.livesTraced = (["spawned", "started", "exited"] as const).some((it) => this.listens(it));
  }

  /** Whether an event of this type would be heard. */
  listens(type: EventType): boolean {
    let heard = this.#heard.get(type);
    if (heard === undefined) {
      heard = this.#observers.some(({ types }) => types?.has(type) ?? true);
      this.#heard.set(type, heard);
    }
    return heard;
  }

  emit(event: NewEvent): void {
    if (!this.listens(event.type)) return;
    const dated = { ...event, at: this.host.now() } as SystemEvent;
    for (const { tell, types } of this.#observers) {
      if (types?.has(event.type) === false) continue;
      this.shield(() => tell(dated));
    }
  }

  /** A fault of whoever listens must be heard, and must not be the fault of a process. */
  shield(tell: () => void): void {
    try {
      tell();
    } catch (error) {
      this.host.wake(() => {
        throw error;
      }, "macro");
    }
  }

  /** @internal One death after the other: a chain of links may be longer than the stack is deep. */
  spread(tell: () => void): void {
    if (this.#spreading) {
      this.#deaths.push(tell);
      return;
    }
    this.#spreading = true;
    try {
      tell();
      for (const next of this.#deaths) next();
    } finally {
      if (this.#deaths.length > 0) this.#deaths = [];
      this.#spreading = false;
    }
  }

  /** @internal */
  message(type: "sent" | "handled", process: Process, kind: string, name: string): void {
    this.emit({ type, pid: process.id, label: process.label, kind, name });
  }

  /** @internal Tells that a call begins; returns what tells how it ended, each time it does. */
  traceCall({ id: pid, label }: Process, name: string, timeoutMs = Number.POSITIVE_INFINITY) {
    const call = ++this.#lastCall;
    this.emit({ type: "called", pid, label, name, call, timeoutMs });
    return (how: string): void => this.emit({ type: "settled", pid, label, name, call, how });
  }

  /** @internal */
  deadLetter({ id: pid, label }: Process, kind: Kind, name: string, why: DeadReason): void {
    this.emit({ type: "dead_letter", pid, label, kind: KIND_NAMES[kind], name, why });
  }

  /** @internal */
  forget(process: Process): void {
    const { older, younger, relations } = process;
    if (older === null) this.#oldest = younger;
    else older.younger = younger;
    if (younger === null) this.#youngest = older;
    else younger.older = older;
    // Whoever keeps a dead process must not keep all that lived beside it.
    process.older = null;
    process.younger = null;
    const name = relations?.name;
    if (name !== undefined && this.#names.get(name) === process) this.#names.delete(name);
  }

  /** Lets go of the timers of calls that nobody waits for any more. */
  rest(): void {
    for (const queue of [this.deadlines, ...this.#deadlines.values()]) queue.rest();
  }
}
