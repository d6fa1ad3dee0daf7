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
export const FAULT_LANE = "fault";

/** Of each fact that belongs to the story: whose deed it was, and what. A lane is within a member. */
const TELLERS: { readonly [T in FactType]?: Teller<T> } = {
  joined: ({ partitions }) => ({
    lane: "group-manager",
    text: `assigned ${partitions.map(partitionOf).join() || "nothing"}`,
  }),
  session_lost: ({ code }) => ({ lane: "group-manager", text: `session lost: ${code}` }),
  opened: (fact) => ({ lane: "acker", text: `open ${partitionOf(fact)} at ${fact.offset}` }),
  offset_reset: ({ from, to, label }) => ({ lane: label, text: `reset ${from} to ${to}` }),
  delivered: (fact) => ({ lane: KAFKA, text: offsetsOf(fact), to: partitionOf(fact) }),
  handler_started: (fact) => ({ lane: partitionOf(fact), text: `handle ${list(fact.offsets)}` }),
  handler_ended: (fact) => ({
    lane: partitionOf(fact),
    text: `${list(fact.offsets)} ${fact.how === "done" ? "ok" : "failed"}`,
  }),
  user_acked: (fact) => ({
    lane: partitionOf(fact),
    text: `ack ${list(fact.offsets)}`,
    to: "acker",
  }),
  acked: ({ offsets }) => ({ lane: "acker", text: `acked ${list(offsets)}` }),
  fenced: ({ what }) => ({ lane: "acker", text: `${what} fenced` }),
  commit_applied: (fact) => ({
    lane: KAFKA,
    text: `${partitionOf(fact)} = ${fact.offset} by ${fact.memberId}`,
  }),
  exited: ({ label, reason }) =>
    isOrderly(reason) ? null : { lane: label, text: `dies: ${reasonWord(reason)}` },
  restarting: ({ child, restarts }) => ({ lane: child, text: `restart ${restarts}` }),
  escalated: ({ label, child }) => ({ lane: label, text: `gives ${child} up` }),
  injected: ({ fault, struck }) => ({ lane: FAULT_LANE, text: `${formatFault(fault)}: ${struck}` }),
  member_started: ({ incarnation }) => ({ lane: "process", text: `starts, life ${incarnation}` }),
  member_ended: ({ how }) => ({ lane: "process", text: how }),
  healed: () => ({ lane: FAULT_LANE, text: "all is healed" }),
};

/** Lanes that are no member's. */
const COMMON = new Set([KAFKA, FAULT_LANE]);
/** Lanes that are a part of every story. */
const ALWAYS = new Set([FAULT_LANE, "process"]);

/** What a story is about: one partition, or some processes by their labels; null and none: everything. */
export interface Subject {
  readonly partition: string | null;
  readonly labels: ReadonlySet<string>;
  /** Whose processes, where they are told by their labels; none: anybody's. */
  readonly members: ReadonlySet<string>;
}

/** The facts about the subject, and all that are about nobody in particular. */
export const storyOf = (trace: readonly Traced[], subject: Subject): Line[] =>
  folded(linesOf(named(trace), subject));

/** With the members' own names for what the broker calls them. */
function named(trace: readonly Traced[]): Traced[] {
  const names = new Map<string, string>();
  for (const { fact, member } of trace) {
    if (fact.type === "joined") names.set(fact.memberId, member);
  }
  return trace.map(({ fact, member }) => {
    if (fact.type !== "commit_applied") return { fact, member };
    const memberId = names.get(fact.memberId) ?? fact.memberId;
    return { fact: { ...fact, memberId }, member };
  });
}

/** What a worker finished and its acker took for done at once is one line: `0 ok ▶`. */
function folded(lines: readonly Line[]): Line[] {
  const story: Line[] = [];
  for (const line of lines) {
    const acked = /^(\S+) acker acked (\S+)$/.exec(`${line.lane} ${line.text}`);
    const isItsEnd = ({ lane, text, to, at }: Line): boolean =>
      to === null &&
      at === line.at &&
      text === `${acked?.[2]} ok` &&
      lane.startsWith(`${acked?.[1]} `);
    const at = acked === null ? -1 : story.findLastIndex(isItsEnd);
    const ended = story[at];
    if (ended === undefined || at < story.length - 4) story.push(line);
    else story[at] = { ...ended, to: line.lane };
  }
  return story;
}

function linesOf(trace: readonly Traced[], { partition, labels, members }: Subject): Line[] {
  const isOther = (member: string): boolean =>
    member !== "" && members.size > 0 && !members.has(member);
  return trace.flatMap(({ fact, member }) => {
    if (isOther(member)) return [];
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
  if (partition !== null) {
    const labels = new Set([partition, KAFKA, ...groupLabels(trace)]);
    return { partition, labels, members: new Set() };
  }
  // The laws of the runtime begin with a member; what others say may be any words.
  const named = /^[mn]\d+: /.test(message) || message.startsWith("not everybody stopped");
  const words = new Set(named ? message.split(/[\s:;,]+/) : []);
  const among = (known: readonly string[]) => new Set(known.filter((name) => words.has(name)));
  const labels = trace.flatMap(({ fact }) => (fact.type === "spawned" ? [fact.label] : []));
  return { partition, labels: among(labels), members: among(trace.map(({ member }) => member)) };
}

/** Who has a part in a consumer group: all below its supervisor, and all above. */
function groupLabels(trace: readonly Traced[]): Set<string> {
  const spawned = new Map<string, { readonly label: string; readonly parent: string }>();
  const lives = new Map<string, number>();
  /** Who joins is a group's manager. */
  const managers: string[] = [];
  for (const { fact, member } of trace) {
    if (fact.type === "member_started") lives.set(member, fact.incarnation);
    const life = `${member} ${lives.get(member)}`;
    if (fact.type === "joined") managers.push(`${life} ${fact.pid}`);
    if (fact.type !== "spawned") continue;
    spawned.set(`${life} ${fact.pid}`, { label: fact.label, parent: `${life} ${fact.parent}` });
  }
  /** A process and all above it, by key. */
  const up = (key: string): string[] => {
    const process = spawned.get(key);
    return process === undefined ? [] : [key, ...up(process.parent)];
  };
  const groups = new Set(managers.map((key) => spawned.get(key)?.parent ?? ""));
  const below = [...spawned.keys()].filter((key) => up(key).some((its) => groups.has(its)));
  return new Set(below.flatMap(up).map((key) => spawned.get(key)?.label ?? ""));
}

function told(fact: Fact, about: string | null): Told[] {
  const isMeant = (where: TopicPartition): boolean =>
    about === null || partitionOf(where) === about;
  if (fact.type === "commit_requested") {
    return fact.commits.filter(isMeant).map((commit) => {
      return { lane: "acker", text: `commit ${partitionOf(commit)}: ${commit.offset}`, to: KAFKA };
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

const partitionOf = ({ topic, partition }: TopicPartition): string =>
  partitionKey(topic, partition);

const list = (offsets: readonly number[]): string =>
  offsets.length > 4 ? `${offsets[0]}..${offsets.at(-1)}` : offsets.join();

const offsetsOf = ({ records }: FactOf<"delivered">): string =>
  records.length === 0
    ? "no record, a gap"
    : `records ${list(records.map(({ offset }) => offset))}`;
