/** Why this exists: the command logs as JSON lines on stderr, so that stdout is the user's. */
import { pino } from "pino";
import type { Logger } from "../ports/logger.ts";

export const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;

/** Synchronous, so that the last line before an exit is not lost. */
export const pinoLogger = (level: string): Logger =>
  pino({ level, base: null }, pino.destination({ fd: 2, sync: true }));
