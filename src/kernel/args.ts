/**
 * Why this exists: most messages carry one argument or two. An array for each of them, and its
 * spreading, would be a third of what a message costs: one argument is its message's body itself,
 * and only other numbers are packed.
 */
import type { Handler } from "./actor.ts";
import type { Process } from "./process.ts";

class Args {
  readonly count: number;
  readonly first: unknown;
  readonly second: unknown;
  /** All of them, where they are more than two. */
  readonly all: readonly unknown[] | null;

  constructor(count: number, first: unknown, second: unknown, all: readonly unknown[] | null) {
    this.count = count;
    this.first = first;
    this.second = second;
    this.all = all;
  }
}

const NONE = new Args(0, undefined, undefined, null);

/** The body of a message with no argument, or two. */
export const pack = (count: number, first: unknown, second: unknown): unknown =>
  count === 0 ? NONE : new Args(count, first, second, null);

/** Likewise with any number. */
export const packAll = (all: readonly unknown[]): unknown =>
  all.length === 1 ? all[0] : new Args(all.length, all[0], all[1], all);

/** Calls a handler with what was packed. */
export function apply(handler: Handler, process: Process, body: unknown): unknown {
  if (!(body instanceof Args)) return handler(process, body);
  if (body.all !== null) return handler(process, ...body.all);
  return body.count === 0 ? handler(process) : handler(process, body.first, body.second);
}
