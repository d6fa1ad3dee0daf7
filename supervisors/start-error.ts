/** Why this exists: what whoever starts something gets when it has not started. */
import { type ExitReason, formatReason } from "../src/kernel/exit.ts";

/** What starting a process rejects with; `reason` is the process's exit reason. */
export class StartError extends Error {
  override readonly name = "StartError";
  readonly reason: ExitReason;

  constructor(label: string, reason: ExitReason) {
    const cause = typeof reason === "object" && "error" in reason ? reason.error : undefined;
    super(
      `${label} did not start: ${formatReason(reason)}`,
      cause === undefined ? undefined : { cause },
    );
    this.reason = reason;
  }
}
