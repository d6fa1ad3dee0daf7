/** Why this exists: how far the groups of a world have come, and what keeps them from the end. */
import type { MemoryKafka } from "../drivers/memory-kafka.ts";
import { needOption, OptionError } from "../kernel/errors.ts";
import { partitionKey, type TopicPartition } from "../ports/record.ts";
import type { Topics } from "./setup.ts";
import type { FoundGroup } from "./watched-handlers.ts";

export class Progress {
  /** The consumer groups found in the tree, by id. */
  readonly groups = new Map<string, FoundGroup>();
  /** Records that are still to be appended. */
  unfed = 0;
  /** Each partition and where its log ended when everybody was told to stop: see `close`. */
  atClose: readonly (readonly [TopicPartition, number])[] = [];
  readonly #kafka: MemoryKafka;
  readonly #topics: Topics;
  /** How many partitions each topic has by now. */
  readonly #counts: Map<string, number>;

  constructor(kafka: MemoryKafka, topics: Topics) {
    this.#kafka = kafka;
    this.#topics = topics;
    this.#counts = new Map(
      Object.entries(topics).map(([name, { partitions }]) => [name, partitions]),
    );
    for (const { records = [] } of Object.values(topics)) this.unfed += records.length;
  }

  /** What one life's tree holds. Throws an `OptionError` for a second group, and for unknown topics. */
  found(groups: readonly FoundGroup[]): void {
    const others = [...this.groups.values()].filter(
      ({ groupId }) => groupId !== groups[0]?.groupId,
    );
    const known = groups.length === 0 ? [] : [...others, ...groups];
    const ids = known.map(({ groupId }) => groupId).join(" and ");
    needOption(
      known.length <= 1,
      "tree",
      ids,
      "one consumer group, once and the same in every life",
    );
    for (const group of groups) {
      const unknown = group.topics.find((topic) => !this.#counts.has(topic));
      const names = `a group that reads ${[...this.#counts.keys()].join(", ")}: see topics`;
      needOption(unknown === undefined, "tree", unknown, names);
      this.groups.set(group.groupId, group);
    }
  }

  addPartition(topic: string): void {
    const count = this.#counts.get(topic) ?? 0;
    this.#kafka.addPartitions(topic, count + 1);
    this.#counts.set(topic, count + 1);
  }

  /** Appends all records at once, or one after the other; what is left when the world heals comes then. */
  feed(everyMs: number, later: (ms: number, then: () => void) => void): void {
    let afterMs = 0;
    for (const [topic, { partitions, records = [] }] of Object.entries(this.#topics)) {
      records.forEach((record, i) => {
        const { partition: own = 0 } = record;
        if (!Number.isInteger(own) || own < 0 || own >= partitions) {
          const allowed = `below ${partitions}, the partitions of ${topic}`;
          throw new OptionError(`topics.${topic}.records[${i}].partition`, own, allowed);
        }
        const append = (): void => {
          this.unfed--;
          const { partition = i % (this.#counts.get(topic) ?? partitions) } = record;
          this.#kafka.append(topic, partition, [record]);
        };
        afterMs += everyMs;
        if (everyMs === 0) append();
        else later(afterMs, append);
      });
    }
  }

  /** The group that reads a topic. */
  groupOf(topic: string): FoundGroup | undefined {
    for (const group of this.groups.values()) if (group.topics.includes(topic)) return group;
    return undefined;
  }

  /** Of the group, as the broker has it; 0 before there is one. */
  get generation(): number {
    const [groupId] = this.groups.keys();
    return groupId === undefined ? 0 : this.#kafka.describe(groupId).generation;
  }

  partitionsOf(topics: readonly string[]): TopicPartition[] {
    return topics.flatMap((topic) => {
      const length = this.#counts.get(topic) ?? 0;
      return Array.from({ length }, (_, partition) => ({ topic, partition }));
    });
  }

  get partitions(): TopicPartition[] {
    return this.partitionsOf(Object.keys(this.#topics));
  }

  /** Every partition that some group reads. */
  get consumed(): TopicPartition[] {
    return [...this.groups.values()].flatMap(({ topics }) => this.partitionsOf(topics));
  }

  /** Notes what there is when everybody is told to stop; nothing, where that was not all committed. */
  close(): void {
    if (this.lag() > 0) return;
    this.atClose = this.consumed.map((where) => [
      where,
      this.#kafka.end(where.topic, where.partition),
    ]);
  }

  /** Records that the groups' committed offsets do not cover; of one group or of all. */
  lag(groupId?: string): number {
    let lag = this.unfed;
    for (const group of this.groups.values()) {
      if (groupId !== undefined && group.groupId !== groupId) continue;
      for (const { end, committed } of this.#rows(group)) lag += end - committed;
    }
    return lag;
  }

  /** What is not committed, in words. */
  missing(): string[] {
    const missing: string[] = [];
    for (const group of this.groups.values()) {
      for (const { where, end, committed } of this.#rows(group)) {
        const at = partitionKey(where.topic, where.partition);
        if (committed < end) missing.push(`${at} is committed up to ${committed} of ${end}`);
      }
    }
    return missing;
  }

  *#rows({ groupId, topics }: FoundGroup) {
    const held = new Map<string, number>();
    for (const { topic, partition, offset } of this.#kafka.committed(groupId)) {
      held.set(partitionKey(topic, partition), offset);
    }
    for (const where of this.partitionsOf(topics)) {
      const { topic, partition } = where;
      const end = this.#kafka.end(topic, partition);
      const from = held.get(partitionKey(topic, partition)) ?? -1;
      // Nobody commits where there is no record, or none any more.
      const empty = from < 0 && this.#kafka.nextRecord(topic, partition, 0) === null;
      yield { where, end, committed: empty ? end : Math.min(end, Math.max(0, from)) };
    }
  }
}
