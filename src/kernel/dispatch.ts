/** Why this exists: which of a process's handlers a message goes to, and what it is called with. */
import { apply } from "./args.ts";
import type { Call } from "./call.ts";
import type { ExitReason } from "./exit.ts";
import { CALL, CAST, CAST_TWO, EXIT, INFO, KIND_NAMES, type Kind, RUN } from "./mailbox.ts";
import type { Process } from "./process.ts";
import type { Watch } from "./relations.ts";

/** Returns what the handler does; `extra`: the call, the exit's sender, a DOWN's watch or null. */
export function dispatch(
  process: Process,
  kind: Kind,
  name: string,
  body: unknown,
  extra: unknown,
): unknown {
  const { handlers } = process.definition;
  switch (kind) {
    case CAST:
    case CAST_TWO: {
      const handler = handlers.casts.find(name);
      if (handler === undefined) return process.kernel.deadLetter(process, kind, name, "unknown");
      return kind === CAST ? apply(handler, process, body) : handler(process, body, extra);
    }
    case CALL: {
      const handler = handlers.calls.find(name);
      if (handler !== undefined) return apply(handler, process, body);
      (extra as Call).unknown(handlers.calls.keys());
      return process.kernel.deadLetter(process, kind, name, "unknown");
    }
    case INFO:
      // A DOWN that waited when its monitor was given up.
      if ((extra as Watch | null)?.ended === true) return undefined;
      return inform(process, kind, body);
    case EXIT: {
      const from = extra as Process | null;
      // The application, which is nobody's child, stands in for the parent.
      if (from === null || from === process.parent) return process.stop(body as ExitReason);
      return inform(process, kind, { type: "EXIT", ref: from, reason: body });
    }
    case RUN:
      return (body as () => unknown)();
    default:
      return handlers.init(process, ...(body as unknown[]));
  }
}

function inform(process: Process, kind: Kind, message: unknown): unknown {
  const { info } = process.definition.handlers;
  if (info !== null) return info(process, message);
  return process.kernel.deadLetter(process, kind, KIND_NAMES[kind], "unknown");
}
