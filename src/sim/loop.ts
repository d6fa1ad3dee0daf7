/**
 * Why this exists: one step after the other, in an order that the oracle decides: of a member that
 * has something to do, or of time.
 */
import { Clock } from "./clock.ts";
import type { Member } from "./member.ts";
import type { Oracle } from "./oracle.ts";

/** How far a timer may overtake messages that wait, in milliseconds: so long may a step take. */
const OVERTAKE_MS = 10;

export class Loop {
  readonly clock = new Clock();
  steps = 0;
  /** Whose code runs just now; null: the broker's, or nobody's. */
  current: Member | null = null;
  readonly #oracle: Oracle;
  readonly #ready: { readonly member: Member; readonly run: () => void }[] = [];

  constructor(oracle: Oracle) {
    this.#oracle = oracle;
  }

  /** Queues a step of a member; it runs when its turn comes. */
  ready(member: Member, run: () => void): void {
    this.#ready.push({ member, run });
  }

  enter(member: Member, code: () => void): void {
    this.current = member;
    code();
  }

  /** A member by its number; 0 is time's turn. */
  readonly #nameAt = (at: number): number => this.#ready[at]?.member.number ?? 0;

  /** Takes one step; false: nothing is left to do by `endMs`. `drain` is to follow, and then `over`. */
  turn(endMs: number): boolean {
    const ready = this.#ready;
    const { nextMs, nowMs } = this.clock;
    if (ready.length > 0) {
      const overtakes = nextMs !== null && nextMs - nowMs <= OVERTAKE_MS ? 1 : 0;
      const at = this.#oracle.choose("pick", ready.length + overtakes, this.#nameAt);
      const next = ready[at];
      if (next !== undefined) {
        ready.splice(at, 1);
        next.member.step(next.run);
        return true;
      }
    }
    if (nextMs === null || nextMs > endMs) {
      // Nothing is due until then, and then it is then.
      if (Number.isFinite(endMs)) this.clock.nowMs = Math.max(nowMs, endMs);
      return false;
    }
    this.clock.take()?.();
    return true;
  }

  /** Nothing of the step goes on any more. */
  over(): void {
    this.current = null;
    this.steps++;
  }
}
