/** Why this exists: what looking at handlers tells, in the one union of events. */
import type { Subject } from "../kernel/events.ts";

declare module "../kernel/events.ts" {
  interface Events {
    /**
     * A handler took `ms` milliseconds without giving the thread back; or, where it `awaits`, has not
     * ended after so long. Only where the system was made with `longHandlerMs`.
     */
    long_handler: Subject & {
      readonly kind: string;
      readonly name: string;
      readonly ms: number;
      readonly awaits: boolean;
    };
  }
}
