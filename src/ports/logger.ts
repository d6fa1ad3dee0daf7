/** Why this exists: the log is a fold over the events. Any pino-like logger will do. */
import type { EventType, Observer } from "../kernel/events.ts";
import { type ExitReason, formatCause, formatReason, isOrderly } from "../kernel/exit.ts";

/** Object first, message second: pino's way. */
export interface Logger {
  debug(data: object, message: string): void;
  info(data: object, message: string): void;
  warn(data: object, message: string): void;
  error(data: object, message: string): void;
}

/** What the fold below listens to. */
export const LOGGED: readonly EventType[] = [
  ...(["exited", "restarting", "escalated", "long_handler", "logged"] as const),
];

/** Crashes are always logged, and never a payload or a state. */
export function logEvents(logger: Logger): Observer {
  const log: Observer = (event) => {
    switch (event.type) {
      case "exited":
        if (!isOrderly(event.reason)) {
          logger.error(report(event), `${event.label} crashed: ${formatReason(event.reason)}`);
        }
        break;
      case "restarting": {
        const { child, restarts, delayMs } = event;
        const data = { supervisor: event.label, child, restarts, delayMs };
        logger.warn(data, `${child} is started again${delayMs > 0 ? ` in ${delayMs} ms` : ""}`);
        break;
      }
      case "escalated":
        logger.error(
          { supervisor: event.label, child: event.child, reason: formatReason(event.reason) },
          `${event.label} gives up: ${event.child} failed too often`,
        );
        break;
      case "long_handler": {
        const { pid: process, label, kind, name, awaits } = event;
        const ms = Math.round(event.ms);
        const what = awaits ? `has waited ${ms} ms for` : `blocked the thread for ${ms} ms in`;
        logger.warn({ process, label, kind, name, ms }, `${label} ${what} ${kind} ${name}`);
        break;
      }
      case "logged":
        logger[event.level]({ process: event.label, ...event.data }, event.message);
        break;
      default:
    }
  };
  return (event) => {
    try {
      log(event);
    } catch (error) {
      // What an actor throws, or gives to its log, may throw itself when it is looked at.
      logger.error({}, `${event.type}: could not be logged: ${formatCause(error)}`);
    }
  };
}

function report(event: { pid: number; label: string; reason: ExitReason }): object {
  const { pid: process, label, reason } = event;
  const err = typeof reason === "object" && "error" in reason ? reason.error : undefined;
  return { process, label, reason: formatReason(reason), ...(err instanceof Error ? { err } : {}) };
}
