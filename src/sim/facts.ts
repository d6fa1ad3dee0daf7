/**
 * Why this exists: what the simulated world knows for itself, beside the events of the actors: what
 * handlers really did, what was really asked of the broker and what it really stored. Invariants
 * judge the first by the second and the third.
 */
import type { EventType, SystemEvent } from "../kernel/events.ts";
import "../ports/events.ts";
import type { AppliedCommit } from "../drivers/memory-kafka.ts";
import type { AssignedPartition } from "../ports/log-driver.ts";
import type { Fault } from "./fault.ts";

/** The records that a handler was given, and whose worker it was. */
export interface Given extends AssignedPartition {
  /** The worker's pid. */
  readonly incarnation: number;
  readonly offsets: readonly number[];
}

/** How the life of a member ends. */
export type Ending = "killed" | "stopped" | "failed";

interface SimEvents {
  /** The user's handler was called. */
  handler_started: Given;
  /** It returned or resolved, or threw or rejected; with manual acks, returning says nothing. */
  handler_ended: Given & { readonly how: "done" | "failed" };
  /** The user's handler called `ack`. */
  user_acked: Given;
  /** A worker gave its partition a route: fetching begins at `offset`. */
  attached: AssignedPartition & { readonly offset: number };
  /** The driver handed records to a partition's route. */
  delivered: AssignedPartition & {
    readonly records: readonly { readonly offset: number; readonly bytes: number }[];
  };
  /** The acker asked the driver to commit. */
  commit_requested: { readonly commits: readonly (AssignedPartition & { offset: number })[] };
  /** The broker stored a commit. */
  commit_applied: AppliedCommit;
  /** A handler was told that its record is stored. */
  produced: {
    readonly topic: string;
    readonly partition: number;
    readonly offset: number;
    readonly value: string | null;
  };
  /** A fault struck. */
  injected: { readonly fault: Fault; readonly struck: string };
  /** A member's process began, or is no more; a stop is what its orchestrator asked for. */
  member_started: { readonly incarnation: number };
  member_ended: { readonly how: Ending };
  /** No more faults: from here on the world must come to rest. */
  healed: object;
}

export type SimEvent = {
  [T in keyof SimEvents]: { readonly type: T; readonly at: number } & SimEvents[T];
}[keyof SimEvents];
export type NewSimEvent = {
  [T in keyof SimEvents]: { readonly type: T } & SimEvents[T];
}[keyof SimEvents];

/** Everything that happens in a world, in one order. */
export type Fact = SystemEvent | SimEvent;
export type FactType = EventType | keyof SimEvents;
export type FactOf<T extends FactType> = Extract<Fact, { type: T }>;

/** Complete, or it does not compile. */
const SIM_TYPES: Record<keyof SimEvents, true> = {
  handler_started: true,
  handler_ended: true,
  user_acked: true,
  attached: true,
  delivered: true,
  commit_requested: true,
  commit_applied: true,
  produced: true,
  injected: true,
  member_started: true,
  member_ended: true,
  healed: true,
};

/** Whether the actors' own kernel tells of it. */
export const isSystemType = (type: FactType): type is EventType => !Object.hasOwn(SIM_TYPES, type);

/** Adds what two runs of one plan must agree on to what they are compared by. */
export function mixFact(
  hash: { mix(value: number): void },
  fact: NewSimEvent,
  member: number,
  nowMs: number,
): void {
  // Their lengths tell most types apart, and reading them costs nothing.
  hash.mix(fact.type.length * 64 + member);
  hash.mix(nowMs * 16);
  if (!("partition" in fact)) return;
  hash.mix(fact.partition);
  if ("offset" in fact) hash.mix(fact.offset);
  if ("offsets" in fact) for (const offset of fact.offsets) hash.mix(offset);
}
