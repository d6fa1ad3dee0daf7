/**
 * Why this exists: who hears of a process's end. Links go both ways and pass the reason on as an
 * exit signal; a watch goes one way and tells exactly once. Both sides know of both, so that
 * whoever ends first leaves nothing behind. With them lie the other things few processes have.
 */
import type { Call } from "./call.ts";
import type { ExitReason } from "./exit.ts";
import type { Cancel } from "./host.ts";
import type { Kernel } from "./kernel.ts";
import type { Process } from "./process.ts";
import type { Monitor, SpawnOptions, StartOutcome } from "./self.ts";

/** One watch over `ref`. Without a watcher it is the application's. */
export interface Watch extends Monitor {
  readonly ref: Process;
  readonly watcher: Process | null;
  readonly tell: (watch: Watch, reason: ExitReason) => void;
  /** Given up by `demonitor`. */
  ended: boolean;
}

/**
 * What every set is until something is put into it, by `including` alone: nothing may ever be added to
 * this one. A supervised process has one of five.
 */
const NOTHING: Set<never> = new Set();

/** The set with the item in it: to be put in its place, for it may be another. */
export const including = <T>(set: Set<T>, item: T): Set<T> =>
  (set === (NOTHING as Set<unknown>) ? new Set<T>() : set).add(item);

export class Relations {
  /** Who started it, unless that was the application. */
  readonly parent: Process | null;
  /** Registered. */
  readonly name: string | undefined;
  /** Told once how its start went. */
  onStart: SpawnOptions["onStart"];
  /** One, as most have, or several. */
  links: Process | Set<Process> | null = null;
  /** Watches over this process, and those it has on others. */
  watchers: Set<Watch> = NOTHING;
  watching: Set<Watch> = NOTHING;
  timers: Set<Cancel> = NOTHING;
  /** Calls whose handler returned a deferred reply that is still open. */
  owed: Set<Call> = NOTHING;
  /** What frees the names it has in registries: before anybody hears of its end. */
  releases: Set<() => void> = NOTHING;
  /** Whether exits of linked processes arrive as messages. */
  trapsExit = false;
  /** Whether messages are to wait. */
  held = false;
  /** What its parent or the application has told it, whether or not it has heard of that. */
  toldToStop: ExitReason | null = null;
  /** What comes before any message: see `self.continue`. */
  next: (() => unknown)[] | null = null;
  #nextAt = 0;
  /** What is to be done between two messages. */
  #turns: (() => void)[] | null = null;
  /** The timer of `self.timeout`. */
  idle: Cancel | null = null;
  #controller: AbortController | null = null;

  constructor(parent: Process | null, { name, onStart }: SpawnOptions) {
    this.parent = parent;
    this.name = name;
    this.onStart = onStart;
  }

  takeNext(): (() => unknown) | undefined {
    const step = this.next?.[this.#nextAt++];
    if (this.#nextAt === this.next?.length) [this.next, this.#nextAt] = [null, 0];
    return step;
  }

  /** Made when first read: on Node 20 an abort signal costs forty times its controller. */
  signal(dead: boolean): AbortSignal {
    this.#controller ??= new AbortController();
    if (dead) this.#controller.abort();
    return this.#controller.signal;
  }

  /** A message came: see `self.timeout`. */
  stopIdling(): void {
    if (this.idle === null) return;
    this.idle();
    this.idle = null;
  }

  addTurn(turn: () => void): void {
    this.#turns ??= [];
    this.#turns.push(turn);
  }

  takeTurns(): void {
    while (this.#turns !== null && this.#turns.length > 0) this.#turns.shift()?.();
    this.#turns = null;
  }

  tellStart(kernel: Kernel, outcome: StartOutcome): void {
    const tell = this.onStart;
    if (tell === undefined) return;
    this.onStart = undefined;
    kernel.shield(() => tell(outcome));
  }

  /** Ends what the process had under way. */
  end(): void {
    // Most have nothing of all this, and a crash loop is as fast as its dying.
    if (this.releases.size > 0) for (const release of this.releases) release();
    this.stopIdling();
    this.takeTurns();
    if (this.timers.size > 0) for (const cancel of this.timers) cancel();
    this.timers = NOTHING;
    if (this.watching.size > 0) {
      for (const watch of this.watching) watch.ref.relations?.watchers.delete(watch);
    }
    this.#controller?.abort();
  }

  /** Tells everybody, each once. */
  tell(self: Process, reason: ExitReason): void {
    if (this.owed.size > 0) for (const call of [...this.owed]) call.exit(reason);
    const { links } = this;
    if (links instanceof Set) for (const other of links) part(self, other, reason);
    else if (links !== null) part(self, links, reason);
    for (const watch of this.watchers) {
      watch.watcher?.relations?.watching.delete(watch);
      watch.tell(watch, reason);
    }
    // Not before: whoever dies meanwhile takes back what it watches. And it must be, or a long line
    // of the dead would keep each other.
    self.relations = null;
  }
}

function part(self: Process, other: Process, reason: ExitReason): void {
  unlinkFrom(other, self);
  other.exitSignal(self, reason);
}

export function linksOf({ relations }: Process): Iterable<Process> {
  const links = relations?.links ?? NOTHING;
  return links instanceof Set ? links : [links];
}

export function link(a: Process, b: Process): void {
  linkTo(a, b);
  linkTo(b, a);
}

function linkTo(of: Process, to: Process): void {
  const relations = of.relate();
  const { links } = relations;
  if (links === null || links === to) relations.links = to;
  else if (links instanceof Set) links.add(to);
  else relations.links = new Set([links, to]);
}

export function unlink(a: Process, b: Process): void {
  unlinkFrom(a, b);
  unlinkFrom(b, a);
}

function unlinkFrom({ relations }: Process, from: Process): void {
  if (relations === null) return;
  if (relations.links instanceof Set) relations.links.delete(from);
  else if (relations.links === from) relations.links = null;
}

export function beginWatch(watch: Watch): void {
  const watched = watch.ref.relate();
  watched.watchers = including(watched.watchers, watch);
  const watcher = watch.watcher?.relate();
  if (watcher !== undefined) watcher.watching = including(watcher.watching, watch);
}

export function endWatch(watch: Watch): void {
  watch.ended = true;
  watch.ref.relations?.watchers.delete(watch);
  watch.watcher?.relations?.watching.delete(watch);
}
