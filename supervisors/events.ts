/** Why this exists: what supervisors do, in the one union of events. */
import type { Subject } from "../src/kernel/events.ts";
import type { ExitReason } from "../src/kernel/exit.ts";

declare module "../src/kernel/events.ts" {
  interface Events {
    /** A supervisor (the subject) will start `child` again after `delayMs`. */
    restarting: Subject & {
      readonly child: string;
      readonly reason: ExitReason;
      /** Restarts that count against the child's budget or the supervisor's intensity, this one included. */
      readonly restarts: number;
      /** How many are allowed: within `periodMs`, or without progress where that is null. */
      readonly allowed: number;
      readonly periodMs: number | null;
      readonly delayMs: number;
    };
    /** A supervisor (the subject) gives up because of `child`, and ends with reason `shutdown`. */
    escalated: Subject & {
      readonly child: string;
      readonly reason: ExitReason;
      /** As for `restarting`: the restart that was one too many, and what was allowed. */
      readonly restarts: number;
      readonly allowed: number;
      readonly periodMs: number | null;
    };
  }
}
