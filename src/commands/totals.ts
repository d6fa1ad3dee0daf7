/** Why this exists: what a run did, counted from the events of its system. */
import { HandlerError } from "../../actors/handler.ts";
import type { EventType, SystemEvent } from "../kernel/events.ts";
import type { ExitReason } from "../kernel/exit.ts";
import "../ports/events.ts";

export interface Totals {
  /** Records given to the handler, each time counted. */
  handled: number;
  acked: number;
  /** Exits of workers because their handler failed. */
  crashes: number;
  restarts: number;
  commits: number;
  /** Records whose handler was given up at the deadline of the stop. */
  givenUp: number;
  /** How far the group's commits are behind the log's ends, all partitions together. */
  lag: number | null;
}

export const TOTALLED: readonly EventType[] = [
  "handling",
  "acked",
  "restarting",
  "exited",
  "committed",
  "given_up",
];

export const newTotals = (): Totals => ({
  handled: 0,
  acked: 0,
  crashes: 0,
  restarts: 0,
  commits: 0,
  givenUp: 0,
  lag: null,
});

export function addToTotals(totals: Totals, event: SystemEvent): void {
  switch (event.type) {
    case "handling":
      totals.handled += event.records;
      break;
    case "acked":
      totals.acked += event.offsets.length;
      break;
    case "restarting":
      totals.restarts++;
      break;
    case "exited":
      if (isHandlerCrash(event.reason)) totals.crashes++;
      break;
    case "committed":
      totals.commits++;
      break;
    case "given_up":
      totals.givenUp += event.records;
      break;
    default:
  }
}

const isHandlerCrash = (reason: ExitReason): boolean =>
  typeof reason === "object" && "error" in reason && reason.error instanceof HandlerError;
