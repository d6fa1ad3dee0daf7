/** Why this exists: what a user says of a world before it begins, checked before anything runs. */

import { whyNoRecord } from "../drivers/memory-log.ts";
import { needFields, OptionError } from "../kernel/errors.ts";
import type { ChildSpec } from "../ports/child-spec.ts";
import type { LogDriver } from "../ports/log-driver.ts";
import type { OutgoingMessage } from "../ports/record.ts";

export interface Topic {
  readonly partitions: number;
  /** Without a `partition` of its own a record goes to each partition in turn. */
  readonly records?: readonly OutgoingMessage[];
}
export type Topics = Readonly<Record<string, Topic>>;

/** The simulated broker, as one member's client sees it. */
export interface WorldKafka extends LogDriver {
  /** Records that the group's committed offsets do not cover; without a group: of all of them. */
  lag(groupId?: string): number;
}

/** What a tree is made from; asked anew for every life of every member. */
export interface TreeWorld {
  readonly kafka: WorldKafka;
  /** What outlives every member, as a database does. Empty at the start of a run. */
  readonly state: Map<string, unknown>;
  /** `"m1"`, `"m2"` … */
  readonly member: string;
}

/**
 * What one member runs: a supervision tree with one consumer group whose source is `world.kafka`,
 * and whatever else stands beside it.
 */
export type Tree = (world: TreeWorld) => ChildSpec;

const TOPIC_NAMES: Readonly<Record<keyof Topic, true>> = { partitions: true, records: true };
const PARTITIONS_MAX = 10_000;

type Unchecked = { readonly partitions?: unknown; readonly records?: unknown } | null | undefined;

export function checkTopics(topics: Readonly<Record<string, Unchecked>>): void {
  const named = typeof topics === "object" && topics !== null && Object.keys(topics).length > 0;
  if (!named) throw new OptionError("topics", topics, "one topic or more");
  for (const [name, topic] of Object.entries(topics)) {
    const { partitions, records } = topic ?? {};
    const count = Number.isInteger(partitions) ? Number(partitions) : 0;
    if (count < 1 || count > PARTITIONS_MAX) {
      const allowed = `a whole number from 1 to ${PARTITIONS_MAX}`;
      throw new OptionError(`topics.${name}.partitions`, partitions, allowed);
    }
    needFields(topic ?? {}, TOPIC_NAMES, `topics.${name}`);
    checkRecords(`topics.${name}.records`, records);
  }
}

export function checkRecords(name: string, records: unknown): void {
  const drawn = typeof (records as { generate?: unknown } | null)?.generate === "function";
  if (records === undefined || drawn) return;
  if (!Array.isArray(records)) {
    throw new OptionError(name, records, "an array of records, or an arbitrary of one");
  }
  for (const [i, record] of records.entries()) {
    const why = whyNoRecord(record);
    if (why !== null) throw new OptionError(`${name}[${i}]`, record, why);
  }
}
