/**
 * Why this exists: what can go wrong in a simulated world, as plain data: a fault can be printed,
 * kept in a token, made simpler, and struck again at the same moment.
 */
import type { FactType } from "./facts.ts";

/** Each kind with its variants; the plainest first. */
export const FAULTS = {
  /** A process ends: killed between two messages, by a crash, or in the middle of a message. */
  crash: ["kill", "error", "within"],
  /** The user's handler throws at once, rejects later, fails for the same record again, or never ends. */
  handlerError: ["throws", "rejects", "poison", "hangs"],
  /** A worker dies while its handler is under way; the handler ends later. */
  zombie: ["late"],
  /** A member is gone with all it held, and starts again after a while. */
  kill: ["member"],
  /** A member is stopped in good order, and starts again after a while. */
  stop: ["member"],
  /** A member runs nothing for a while, as under SIGSTOP. */
  pause: ["member"],
  /**
   * The group divides its partitions again: among the same members; with a new one for a while; and
   * with a new one, and one member does not hear what it was assigned.
   */
  rebalance: ["same", "newcomer", "unheard"],
  /** A topic gets one partition more; records that are still to come go there too. */
  addPartitions: ["one"],
  /** The broker stops, and starts again after a while. */
  brokerRestart: ["broker"],
  /**
   * A commit arrives late, never, twice, or its answer is lost; or it arrives when its connection is
   * long gone and its generation is over.
   */
  staleCommit: ["late", "lost", "answerLost", "twice", "stray"],
  /** The answer to the question where a group is arrives late, or never. */
  staleOffsets: ["answerLate", "lost"],
  /** No way between a member and the broker for a while: none at all, or none back. */
  networkCut: ["both", "answers"],
  /** A fetch brings nothing or little; the log has a gap, is compacted, or begins later. */
  fetch: ["empty", "partial", "gap", "compacted", "truncated"],
  /** A handler takes long. */
  slowConsumer: ["handler"],
  /** A member's wall clock jumps. */
  clockJump: ["forward", "back"],
  /** A member's monotonic clock is fast or slow by a tenth. */
  drift: ["fast", "slow"],
  /** A process finds a thousand messages before its own. */
  mailboxFull: ["flood"],
  /** A record for the broker arrives never, twice, or its answer is lost. */
  producerTimeout: ["lost", "answerLost", "twice"],
} as const satisfies Record<string, readonly string[]>;

export type FaultKind = keyof typeof FAULTS;
export const FAULT_KINDS: readonly FaultKind[] = Object.keys(FAULTS) as FaultKind[];

/** What a fault waits for. */
export const TRIGGERS = [
  "step",
  "handler_started",
  "handler_ended",
  "acked",
  "commit_requested",
  "commit_applied",
  "fetched",
  "located",
  "opened",
  "joined",
  "restarting",
] as const satisfies readonly (FactType | "step")[];
export type Trigger = (typeof TRIGGERS)[number];

export interface Fault {
  readonly kind: FaultKind;
  /** One of `FAULTS[kind]`. */
  readonly how: string;
  /** It strikes right after the `nth` fact of this type in the whole world, counted from 1. */
  readonly on: Trigger;
  readonly nth: number;
  /** Which process or member, counted round. */
  readonly target: number;
  /** How long it lasts, where it lasts: milliseconds. */
  readonly ms: number;
}

/** How long faults may last: less than anybody notices, to more than a session. */
export const DURATIONS_MS = [0, 5, 50, 500, 5_000, 40_000, 100_000] as const;

/** Whether it is one: what comes from a token or from a caller may be anything. */
export function isFault(value: unknown): value is Fault {
  if (typeof value !== "object" || value === null) return false;
  const { kind, how, on, nth, target, ms } = value as Fault;
  const counts = [nth - 1, target, ms];
  return (
    Object.hasOwn(FAULTS, kind) &&
    (FAULTS[kind] as readonly string[]).includes(how) &&
    TRIGGERS.includes(on) &&
    counts.every((number) => Number.isInteger(number) && number >= 0)
  );
}

/** One line: `crash kill on handler_started 3, target 2, 0 ms`. */
export function formatFault({ kind, how, on, nth, target, ms }: Fault): string {
  return `${kind} ${how} on ${on} ${nth}, target ${target}, ${ms} ms`;
}
