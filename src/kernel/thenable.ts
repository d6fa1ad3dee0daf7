/** Why this exists: handlers may be sync or async, and the sync ones pay nothing for the others. */

export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === "object" &&
    value !== null &&
    typeof (value as { then?: unknown }).then === "function"
  );
}

/** Runs `step` once `result` is there: at once, if it is there already. */
export function follow(result: unknown, step: () => unknown): unknown {
  return isThenable(result) ? result.then(step) : step();
}
