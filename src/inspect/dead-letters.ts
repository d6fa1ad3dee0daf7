/** Why this exists: a message that nobody handled is never thrown into its sender, and never lost to view. */
import type { Events, SystemEvent } from "../kernel/events.ts";

/** `at`: monotonic milliseconds of the host. */
export type DeadLetter = { readonly at: number } & Events["dead_letter"];

/** Kept to be looked at; all are counted. */
const KEPT = 100;

/** A fold over the events `dead_letter`. */
export class DeadLetters {
  /** Since the system began. */
  count = 0;
  readonly #ring: DeadLetter[] = [];

  note(event: SystemEvent): void {
    if (event.type !== "dead_letter") return;
    const { type: _type, ...letter } = event;
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
