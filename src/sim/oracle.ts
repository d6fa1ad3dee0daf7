/**
 * Why this exists: everything that may go one way or another in a simulated world is asked of the
 * one oracle, and every answer is kept. So a run is a tape of small numbers, and the same tape is
 * the same run. 0 is always the plainest answer: a tape that is at its end goes on with zeros.
 */
import { FNV_BASIS, fnvStep } from "./fnv.ts";

/** What is decided: `pick` the next step, a request's `delay`, the actors' own `jitter`. */
export type ChoiceKind = "pick" | "delay" | "jitter";

/** Whose turn an answer would mean, of the steps to pick from. */
export type NameAt = (index: number) => number;

/** Answers from 0 to `bound - 1`. */
export type Strategy = (kind: ChoiceKind, bound: number, nameAt: NameAt) => number;

const NOBODY: NameAt = () => 0;

export class Oracle {
  readonly #strategy: Strategy;
  readonly #tape: number[] = [];
  /** How many answers are known to be zero, after the last one on the tape. */
  #zeros = 0;
  #hash = FNV_BASIS;

  constructor(strategy: Strategy) {
    this.#strategy = strategy;
  }

  choose(kind: ChoiceKind, bound: number, nameAt = NOBODY): number {
    if (bound <= 1) return 0;
    const answer = this.#strategy(kind, bound, nameAt);
    if (answer === 0) this.#zeros++;
    else {
      for (; this.#zeros > 0; this.#zeros--) this.#tape.push(0);
      this.#tape.push(answer);
    }
    this.mix(answer * 64 + bound);
    return answer;
  }

  /** Adds to what two runs are compared by. */
  mix(value: number): void {
    this.#hash = fnvStep(this.#hash, value | 0);
  }

  mixText(text: string): void {
    for (let at = 0; at < text.length; at++) this.mix(text.charCodeAt(at));
  }

  /** Of every choice so far, and of all that was mixed in. */
  get hash(): string {
    return (this.#hash >>> 0).toString(16).padStart(8, "0");
  }

  /** The answers so far; a run that plays them is this run. */
  get tape(): number[] {
    return [...this.#tape];
  }
}

/** First come, first served, and everything as fast as it goes. */
export const fifo: Strategy = () => 0;

/** Plays a tape; an answer that is not possible any more is the plain one. */
export function player(tape: readonly number[]): Strategy {
  let at = 0;
  return (_kind, bound) => {
    const answer = tape[at++] ?? 0;
    return answer < bound ? answer : 0;
  };
}
