/**
 * Why this exists: a check that never came by what it was written for has proved nothing. Marks in
 * the user's own code say that it did; outside of a check they do nothing and cost a comparison.
 */

let counts: Map<string, number> | null = null;

/** Counts visits to this place: see `marks` in the result of a check. */
export function reached(name: string): void {
  sometimes(name, true);
}

/** In at least one visit of a whole check `holds` must be true, or the check fails as vacuous. */
export function sometimes(name: string, holds: boolean): void {
  if (counts === null) return;
  counts.set(name, (counts.get(name) ?? 0) + (holds === true ? 1 : 0));
}

/** How often each mark was true from here on, until the returned function ends it. */
export function collectMarks(): {
  readonly marks: ReadonlyMap<string, number>;
  readonly end: () => void;
} {
  const before = counts;
  const marks = new Map<string, number>();
  counts = marks;
  return {
    marks,
    end: () => {
      counts = before;
    },
  };
}
