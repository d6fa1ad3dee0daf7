/** Why this exists: what is to happen later happens at its time, or at once when the world heals. */
import type { Clock } from "./clock.ts";

export class Laters {
  readonly #clock: Clock;
  readonly #waiting = new Set<() => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get isEmpty(): boolean {
    return this.#waiting.size === 0;
  }

  add(ms: number, then: () => void): void {
    const run = (): void => {
      if (!this.#waiting.delete(run)) return;
      cancel();
      then();
    };
    const cancel = this.#clock.set(ms, run);
    this.#waiting.add(run);
  }

  runAll(): void {
    for (const run of [...this.#waiting]) run();
  }
}
