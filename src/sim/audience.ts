/** Why this exists: who hears of what happens in a world, and that the first broken law ends it. */
import { OptionError } from "../kernel/errors.ts";
import type { Fact, FactOf, FactType } from "./facts.ts";
import { type Violation, violationOf } from "./violation.ts";

/** Hears every fact of its types; `member` is "" where it is the broker's, or nobody's. */
export type Watcher = { readonly [T in FactType]?: (fact: FactOf<T>, member: string) => void };

export class Audience {
  /** The first broken law. */
  violation: Violation | null = null;
  /** What the caller cannot have meant; thrown as soon as the world moves. */
  mistake: OptionError | null = null;
  readonly #watchers = new Map<FactType, ((fact: never, member: string) => void)[]>();
  readonly #steps: (() => void)[] = [];
  #all: ((fact: Fact, member: string) => void) | null = null;

  /** Before the world begins only, so that everybody hears everything. */
  watch(watcher: Watcher): void {
    for (const [type, hear] of Object.entries(watcher)) {
      const known = this.#watchers.get(type as FactType) ?? [];
      this.#watchers.set(type as FactType, [...known, hear as never]);
    }
  }

  /** Asked after every step. */
  watchSteps(look: () => void): void {
    this.#steps.push(look);
  }

  /** Hears every fact there is, single messages included. */
  watchAll(hear: (fact: Fact, member: string) => void): void {
    this.#all = hear;
  }

  /** What somebody wants to hear; null: everything. */
  get types(): Iterable<FactType> | null {
    return this.#all === null ? this.#watchers.keys() : null;
  }

  hear(fact: Fact, member: string): void {
    if (this.#all !== null) this.#all(fact, member);
    const watchers = this.#watchers.get(fact.type);
    if (watchers === undefined) return;
    try {
      for (const hear of watchers) hear(fact as never, member);
    } catch (error) {
      this.#broken(error);
    }
  }

  stepped(): void {
    for (const look of this.#steps) this.attempt(look);
  }

  attempt(look: () => void): void {
    try {
      look();
    } catch (error) {
      this.#broken(error);
    }
  }

  #broken(error: unknown): void {
    // A law that cannot be meant is the caller's mistake, and no law that was broken.
    if (error instanceof OptionError) this.mistake ??= error;
    else this.violation ??= violationOf(error);
  }
}
