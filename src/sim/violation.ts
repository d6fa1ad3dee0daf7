/** Why this exists: a run ends at the first broken law, and says which and how. */
import { OptionError } from "../kernel/errors.ts";
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

/**
 * Whatever was thrown in a run, by a law, a tree or a timer: no run passes that threw. A law that
 * throws something of its own is broken by its own name.
 */
export function violationOf(error: unknown, law: string | null = null): Violation {
  if (error instanceof Violation) return error;
  if (law !== null) return new Violation(law, `threw ${formatCause(error)}`, error);
  const named = error instanceof OptionError ? error.message : formatCause(error);
  return new Violation("threw", named, error);
}
