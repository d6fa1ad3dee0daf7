/** Why this exists: a run ends at the first broken law, and says which and how. */

/** Thrown by an invariant, and by what else must hold in a simulated world. */
export class Violation extends Error {
  override readonly name = "Violation";
  /** The law's name: `"commitMonotonic"`. */
  readonly invariant: string;

  constructor(invariant: string, message: string) {
    super(message);
    this.invariant = invariant;
  }
}
