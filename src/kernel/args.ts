/**
 * Why this exists: most messages carry one argument. An array for each of them, and its spreading,
 * would be a third of what a message costs: one argument is its message's body itself. Nor are the two
 * of a cast packed: the second is the message's `extra`.
 */
import type { Handler } from "./actor.ts";
import type { Process } from "./process.ts";

export class Args {
  readonly #all: readonly unknown[];

  constructor(all: readonly unknown[]) {
    this.#all = all;
  }

  apply(handler: Handler, process: Process): unknown {
    return handler(process, ...this.#all);
  }
}

/** The body of a message without an argument. */
export const NONE: unknown = new Args([]);

/** The body of a message with any number of them. */
export const packAll = (all: readonly unknown[]): unknown =>
  all.length === 1 ? all[0] : all.length === 0 ? NONE : new Args(all);
