/** Why this exists: what an invariant is: a law, and how to see that it is broken. */

import type { Watcher } from "../audience.ts";
import type { Ledger } from "../ledger.ts";
import type { Openings } from "../openings.ts";
import type { Owners } from "../owners.ts";
import { Violation } from "../violation.ts";
import type { World } from "../world.ts";

/** What an invariant may look at. */
export interface Court {
  readonly world: World;
  readonly ledger: Ledger;
  readonly openings: Openings;
  readonly owners: Owners;
  /** The law is broken: ends the run. */
  fail(message: string): never;
}

/** One run's watch over one law. */
export interface Watch {
  /** At every fact of these types, at once. */
  readonly on?: Watcher;
  /** After every step. */
  readonly eachStep?: () => void;
  /** When the world has come to rest and every member was stopped. */
  readonly atEnd?: () => void;
}

export interface Invariant {
  readonly name: string;
  /** The law, in a sentence. */
  readonly states: string;
  watch(court: Court): Watch;
}

export const court = (about: Omit<Court, "fail">, name: string): Court => ({
  ...about,
  fail(message) {
    throw new Violation(name, message);
  },
});
