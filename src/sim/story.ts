/**
 * Why this exists: a run's facts as a story that a person can follow: what happened to one
 * partition and around it, each deed in the lane of whoever did it.
 */
import { type ExitReason, formatReason, isOrderly } from "../kernel/exit.ts";
import { partitionKey, type TopicPartition } from "../ports/record.ts";
import type { Fact, FactOf, FactType } from "./facts.ts";
import { formatFault } from "./fault.ts";

/** A fact and the member it happened in; "" where it is the broker's, or nobody's. */
export interface Traced {
  readonly fact: Fact;
  readonly member: string;
}

export interface Line {
  readonly at: number;
  readonly lane: string;
  readonly text: string;
  /** Where it went, if it was told to somebody. */
  readonly to: string | null;
}

type Told = Pick<Line, "lane" | "text"> & Partial<Pick<Line, "to">>;
type Teller<T extends FactType> = (fact: FactOf<T>) => Told | null;

export const KAFKA = "kafka";
export const FAULTS = "fault";

/** Of each fact that belongs to the story: whose deed it was, and what. A lane is within a member. */
const TELLERS: { readonly [T in FactType]?: Teller<T> } = {
  joined: ({ partitions }) => ({
    lane: "group-manager",
    text: `assigned ${partitions.map((p) => `${p.partition}`).join() || "nothing"}`,
  }),
  session_lost: ({ code }) => ({ lane: "group-manager", text: `session lost: ${code}` }),
  opened: ({ offset, partition }) => ({ lane: "acker", text: `open ${partition} at ${offset}` }),
  offset_reset: ({ from, to, label }) => ({ lane: label, text: `reset ${from} to ${to}` }),
  delivered: (fact) => ({ lane: KAFKA, text: offsetsOf(fact), to: worker(fact) }),
  handler_started: (fact) => ({ lane: worker(fact), text: `handle ${list(fact.offsets)}` }),
  handler_ended: (fact) => ({
    lane: worker(fact),
    text: `${list(fact.offsets)} ${fact.how === "done" ? "ok" : "failed"}`,
  }),
  user_acked: (fact) => ({ lane: worker(fact), text: `ack ${list(fact.offsets)}`, to: "acker" }),
  acked: ({ offsets }) => ({ lane: "acker", text: `acked ${list(offsets)}` }),
  fenced: ({ what }) => ({ lane: "acker", text: `${what} fenced` }),
  commit_applied: ({ offset, partition, memberId }) => ({
    lane: KAFKA,
    text: `${partition} = ${offset} by ${memberId}`,
  }),
  exited: ({ label, reason }) =>
    isOrderly(reason) ? null : { lane: label, text: `dies: ${reasonWord(reason)}` },
  restarting: ({ child, restarts }) => ({ lane: child, text: `restart ${restarts}` }),
  escalated: ({ label, child }) => ({ lane: label, text: `gives ${child} up` }),
  injected: ({ fault, struck }) => ({ lane: FAULTS, text: `${formatFault(fault)}: ${struck}` }),
  member_started: ({ incarnation }) => ({ lane: "process", text: `starts, life ${incarnation}` }),
  member_ended: ({ how }) => ({ lane: "process", text: how }),
  healed: () => ({ lane: FAULTS, text: "all is healed" }),
};

/** Lanes that are no member's. */
const COMMON = new Set([KAFKA, FAULTS]);
/** Lanes that are a part of every story. */
const ALWAYS = new Set([FAULTS, "process"]);

/** What a story is about: one partition, or some processes by their labels; null: everything. */
export interface Subject {
  readonly partition: string | null;
  readonly labels: ReadonlySet<string>;
}

/** The facts about the subject, and all that are about nobody in particular. */
export function storyOf(trace: readonly Traced[], { partition, labels }: Subject): Line[] {
  return trace.flatMap(({ fact, member }) => {
    const whose = (lane: string): string => (COMMON.has(lane) ? lane : `${member} ${lane}`);
    return told(fact, partition).flatMap(({ lane, text, to = null }) => {
      if (labels.size > 0 && !ALWAYS.has(lane) && !labels.has(lane)) return [];
      return [{ at: fact.at, lane: whose(lane), text, to: to === null ? null : whose(to) }];
    });
  });
}

/** The partition that a violation's message begins with, or the processes that it names. */
export function subjectOf(message: string, trace: readonly Traced[]): Subject {
  const partition = /^(\S+\/\d+)[:\s]/.exec(message)?.[1] ?? null;
  if (partition !== null) return { partition, labels: new Set() };
  const words = new Set(message.split(/[\s:;,]+/));
  const known = trace.flatMap(({ fact }) => (fact.type === "spawned" ? [fact.label] : []));
  return { partition, labels: new Set(known.filter((label) => words.has(label))) };
}

function told(fact: Fact, about: string | null): Told[] {
  const isMeant = (where: TopicPartition): boolean => about === null || worker(where) === about;
  if (fact.type === "commit_requested") {
    return fact.commits.filter(isMeant).map(({ partition, offset }) => {
      return { lane: "acker", text: `commit ${partition}: ${offset}`, to: KAFKA };
    });
  }
  if (about !== null && !concerns(fact, about)) return [];
  const line = (TELLERS[fact.type] as Teller<never> | undefined)?.(fact as never);
  return line === null || line === undefined ? [] : [line];
}

function concerns(fact: Fact, about: string): boolean {
  if ("topic" in fact && "partition" in fact) {
    return partitionKey(fact.topic, fact.partition) === about;
  }
  if (fact.type === "joined") {
    return fact.partitions.some(({ topic, partition }) => partitionKey(topic, partition) === about);
  }
  const label = fact.type === "restarting" ? fact.child : "label" in fact ? fact.label : "";
  return !label.includes("/") || label === about;
}

/** No text that a JavaScript engine made: it differs from one to the other. */
export const reasonWord = (reason: ExitReason): string =>
  typeof reason === "object" && "error" in reason
    ? reason.error instanceof Error
      ? reason.error.name
      : "error"
    : formatReason(reason);

const worker = ({ topic, partition }: TopicPartition): string => partitionKey(topic, partition);

const list = (offsets: readonly number[]): string =>
  offsets.length > 4 ? `${offsets[0]}..${offsets.at(-1)}` : offsets.join();

const offsetsOf = ({ records }: FactOf<"delivered">): string =>
  `records ${list(records.map(({ offset }) => offset))}`;
