/** Why this exists: a run ends at the first broken law, and says which and how. */
import { formatCause } from "../kernel/exit.ts";

/** What an invariant throws, and what else ends a run. */
export class Violation extends Error {
  override readonly name = "Violation";
  /** The law's name: `"commitMonotonic"`. */
  readonly invariant: string;

  constructor(invariant: string, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.invariant = invariant;
  }
}

/** Whatever was thrown in a run, by a law, a tree or a timer: no run passes that threw. */
export const violationOf = (error: unknown): Violation =>
  error instanceof Violation ? error : new Violation("threw", formatCause(error), error);
