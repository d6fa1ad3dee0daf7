/** Why this exists: FNV-1a, a hash that is the same everywhere and costs next to nothing. */
export const FNV_BASIS = 0x811c9dc5;

/** One more value, of which the lowest 32 bits count. */
export const fnvStep = (hash: number, value: number): number => Math.imul(hash ^ value, 0x01000193);

/** Unsigned. */
export function fnv(values: Iterable<number>): number {
  let hash = FNV_BASIS;
  for (const value of values) hash = fnvStep(hash, value);
  return hash >>> 0;
}
