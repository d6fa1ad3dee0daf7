/**
 * Why this exists: the reasons for which a process ends, as data. OTP's terms keep their spelling.
 *
 * | reason | meaning |
 * | --- | --- |
 * | `"normal"` | it had nothing more to do |
 * | `"shutdown"`, `{ shutdown: why }` | it was told to stop, or stops in good order for a reason of its own |
 * | `"kill"` | sent by `exit`: nothing can trap it, and its reason becomes `"killed"` |
 * | `"killed"` | it was ended so |
 * | `"noproc"` | there was no such process |
 * | `{ error }` | a handler threw |
 * | any other string | the program's own abnormal reason |
 */
export type ExitReason =
  | "normal"
  | "shutdown"
  | "kill"
  | "killed"
  | "noproc"
  | (string & {})
  | { readonly shutdown: unknown }
  | { readonly error: unknown };

/** Whether a process with this reason ended in good order: a transient child is then left alone. */
export const isOrderly = (reason: ExitReason): boolean =>
  typeof reason === "string" ? ["normal", "shutdown"].includes(reason) : "shutdown" in reason;

/** One line for logs and trees, without a stack. */
export function formatReason(reason: ExitReason): string {
  if (typeof reason === "string") return reason;
  try {
    if ("shutdown" in reason) return `shutdown: ${formatCause(reason.shutdown)}`;
    return formatCause(reason.error);
  } catch {
    return "a reason that cannot be shown";
  }
}

/** Whatever was thrown, on one line. A cycle, a getter that throws: showing it never fails. */
export function formatCause(cause: unknown): string {
  if (typeof cause === "bigint") return `${cause}n`;
  try {
    if (cause instanceof Error) return `${cause.name}: ${cause.message}`;
    if (typeof cause === "string") return cause;
    return JSON.stringify(cause) ?? String(cause);
  } catch {
    return "a value that cannot be shown";
  }
}
