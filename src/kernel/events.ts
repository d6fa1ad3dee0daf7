/**
 * Why this exists: the one stream of facts about a running system. Logs, traces, trees and
 * invariants are folds over it. `ports/events.ts` adds what happens on a stream, and
 * `supervisors/events.ts` restarts.
 */
import type { ExitReason } from "./exit.ts";

/** A process, by number and by the name it shows. Numbers are never used again within a system. */
export interface Subject {
  readonly pid: number;
  readonly label: string;
}

/** `dead`: its process had ended. `unknown`: no such handler. `overflow`: its mailbox was full. */
export type DeadReason = "dead" | "unknown" | "overflow";

export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Event type to its fields. Other folders add theirs by declaring this interface again. */
export interface Events {
  spawned: Subject & { readonly parent: number | null };
  /** Its `init` is done. */
  started: Subject;
  /** Somebody sent it an exit signal by name: `from` is a pid, null the application. */
  signalled: Subject & { readonly from: number | null; readonly reason: ExitReason };
  exited: Subject & { readonly reason: ExitReason };
  /** A message was put into a mailbox. `name` is the cast's or call's name, or the kind. */
  sent: Subject & { readonly kind: string; readonly name: string };
  /** A message was taken out and its handler returned, or its promise settled. */
  handled: Subject & { readonly kind: string; readonly name: string };
  /** A call was made; `call` numbers it within the system. */
  called: Subject & { readonly name: string; readonly call: number; readonly timeoutMs: number };
  /** Its promise was settled: `how` is `"reply"` or the `CallError`'s code. */
  settled: Subject & { readonly name: string; readonly call: number; readonly how: string };
  /** A message that nobody will handle: no such process, no such handler, or no room for it. */
  dead_letter: Subject & {
    /** `"cast"`, `"call"`, `"info"` … */
    readonly kind: string;
    /** The cast's or call's name, or the kind. */
    readonly name: string;
    readonly why: DeadReason;
  };
  logged: Subject & {
    readonly level: LogLevel;
    readonly message: string;
    readonly data: Readonly<Record<string, unknown>>;
  };
}

/** `at`: monotonic milliseconds. */
export type SystemEvent = {
  [T in keyof Events]: { readonly type: T; readonly at: number } & Events[T];
}[keyof Events];

/** An event as its source gives it: the kernel adds the time. */
export type NewEvent = { [T in keyof Events]: { readonly type: T } & Events[T] }[keyof Events];

export type EventType = keyof Events;

export type Observer = (event: SystemEvent) => void;
