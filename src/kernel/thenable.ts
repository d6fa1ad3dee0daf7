/** Why this exists: handlers may be sync or async, and the sync ones pay nothing for the others. */

export function isThenable(value: unknown): value is PromiseLike<unknown> {
  // A promise may be callable, as some query builders' are.
  if (typeof value !== "object" && typeof value !== "function") return false;
  return value !== null && typeof (value as { then?: unknown }).then === "function";
}
