/** Why this exists: what a user says of a world before it begins, checked before anything runs. */

import type { ChildSpec } from "../kernel/child-spec.ts";
import { OptionError } from "../kernel/errors.ts";
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

export function checkTopics(topics: Readonly<Record<string, { partitions?: unknown }>>): void {
  const named = typeof topics === "object" && topics !== null && Object.keys(topics).length > 0;
  if (!named) throw new OptionError("topics", topics, "one topic or more");
  for (const [name, { partitions }] of Object.entries(topics)) {
    const good = Number.isInteger(partitions) && Number(partitions) >= 1;
    if (!good)
      throw new OptionError(`topics.${name}.partitions`, partitions, "a whole number from 1");
  }
}
