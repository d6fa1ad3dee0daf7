/**
 * Why this exists: a promise that waits for the real world never settles in a simulated one. Node
 * knows what is under way: whatever began during a run is what its handler waits for.
 */

/** Call it before the run; what it returns names what began since, "" if nothing did. */
export function watchRealIo(): () => string {
  const before = counted();
  return () => {
    const began = [...counted()].filter(([kind, count]) => count > (before.get(kind) ?? 0));
    return began.map(([kind]) => kind).join(", ");
  };
}

function counted(): Map<string, number> {
  const counts = new Map<string, number>();
  for (const kind of process.getActiveResourcesInfo()) {
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  return counts;
}
