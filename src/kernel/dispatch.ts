/** Why this exists: which of a process's handlers a message goes to, and what it is called with. */
import { Args, NONE } from "./args.ts";
import type { Call } from "./call.ts";
import type { ExitReason } from "./exit.ts";
import { CALL, CAST_TWO, EXIT, INFO, KIND_NAMES, type Kind, RUN } from "./letter.ts";
import type { Process } from "./process.ts";
import type { Watch } from "./relations.ts";

/**
 * Returns what the handler does. The parts of a message: see `Letter`. Most are casts and calls: the others have a function of their own, so that V8 finds this one
 * small enough to be built into what runs them.
 */
export function dispatch(
  process: Process,
  kind: Kind,
  name: string,
  body: unknown,
  extra: unknown,
): unknown {
  if (kind > CALL) return dispatchOther(process, kind, body, extra);
  const { handlers } = process.definition;
  const handler = (kind === CALL ? handlers.calls : handlers.casts).find(name);
  if (handler === undefined) return unknown(process, kind, name, extra);
  if (kind === CAST_TWO) return handler(process, body, extra);
  if (body === NONE) return handler(process);
  return body instanceof Args ? body.apply(handler, process) : handler(process, body);
}

function dispatchOther(process: Process, kind: Kind, body: unknown, extra: unknown): unknown {
  switch (kind) {
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
      return process.definition.handlers.init(process, ...(body as unknown[]));
  }
}

function unknown(process: Process, kind: Kind, name: string, extra: unknown): unknown {
  if (kind === CALL) (extra as Call).unknown(process.definition.handlers.calls.keys());
  return process.kernel.deadLetter(process, kind, name, "unknown");
}

function inform(process: Process, kind: Kind, message: unknown): unknown {
  const { info } = process.definition.handlers;
  if (info !== null) return info(process, message);
  return process.kernel.deadLetter(process, kind, KIND_NAMES[kind], "unknown");
}
