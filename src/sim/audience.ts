/** Why this exists: who hears of what happens in a world, and that the first broken law ends it. */
import { OptionError } from "../kernel/errors.ts";
import type { Fact, FactOf, FactType } from "./facts.ts";
import { type Violation, violationOf } from "./violation.ts";

/** Hears every fact of its types; `member` is "" where it is the broker's, or nobody's. */
export type Watcher = { readonly [T in FactType]?: (fact: FactOf<T>, member: string) => void };

interface Heard {
  readonly hear: (fact: never, member: string) => void;
  readonly law: string | null;
}

export class Audience {
  /** The first broken law. */
  violation: Violation | null = null;
  /** What the caller cannot have meant; thrown as soon as the world moves. */
  mistake: OptionError | null = null;
  readonly #watchers = new Map<FactType, Heard[]>();
  readonly #steps: { readonly look: () => void; readonly law: string }[] = [];
  #all: ((fact: Fact, member: string) => void) | null = null;

  /** Before the world begins only, so that everybody hears everything. `law`: who it is, if one. */
  watch(watcher: Watcher, law: string | null = null): void {
    for (const [type, hear] of Object.entries(watcher)) {
      const known = this.#watchers.get(type as FactType) ?? [];
      this.#watchers.set(type as FactType, [...known, { hear: hear as Heard["hear"], law }]);
    }
  }

  /** Asked after every step. */
  watchSteps(look: () => void, law: string): void {
    this.#steps.push({ look, law });
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
    let law: string | null = null;
    try {
      for (const heard of watchers) {
        law = heard.law;
        heard.hear(fact as never, member);
      }
    } catch (error) {
      this.#broken(error, law);
    }
  }

  stepped(): void {
    for (const { look, law } of this.#steps) this.attempt(look, law);
  }

  attempt(look: () => void, law: string): void {
    try {
      look();
    } catch (error) {
      this.#broken(error, law);
    }
  }

  #broken(error: unknown, law: string | null): void {
    // A law that cannot be meant is the caller's mistake, and no law that was broken.
    if (error instanceof OptionError) this.mistake ??= error;
    else this.violation ??= violationOf(error, law);
  }
}
