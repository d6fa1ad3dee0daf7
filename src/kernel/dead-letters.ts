/** Why this exists: a message that nobody handled is never thrown into its sender, and never lost to view. */

/** `dead`: its process had ended. `unknown`: no such handler. `overflow`: its mailbox was full. */
export type DeadReason = "dead" | "unknown" | "overflow";

export interface DeadLetter {
  /** Monotonic milliseconds of the host. */
  readonly at: number;
  readonly pid: number;
  readonly label: string;
  /** `"cast"`, `"call"`, `"info"` … */
  readonly kind: string;
  /** The cast's or call's name, or the kind. */
  readonly name: string;
  readonly why: DeadReason;
}

/** Kept to be looked at; all are counted. */
const KEPT = 100;

export class DeadLetters {
  /** Since the system began. */
  count = 0;
  readonly #ring: DeadLetter[] = [];

  add(letter: DeadLetter): void {
    this.#ring[this.count % KEPT] = letter;
    this.count++;
  }

  /** The last 100, the oldest first. */
  last(): DeadLetter[] {
    const at = this.count % KEPT;
    return this.count <= KEPT
      ? [...this.#ring]
      : [...this.#ring.slice(at), ...this.#ring.slice(0, at)];
  }
}
