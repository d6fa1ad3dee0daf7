/** Why this exists: chance that goes the same way on every machine and every Node. */

/** A whole number from 0 to `bound - 1`. */
export type Chance = (bound: number) => number;

/** mulberry32. */
export function chance(seed: number): Chance {
  let state = seed >>> 0;
  return (bound) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % bound;
  };
}
