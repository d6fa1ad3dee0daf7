/**
 * Why this exists: the rules about who owns a partition, since when, and where its next batch goes
 * are the same for every driver, and a driver that got them wrong would lose records in silence.
 * Plain bookkeeping: no I/O, no clock.
 */
import type { AssignedPartition, PartitionCommit, Route } from "../ports/log-driver.ts";
import { type Message, partitionKey, type TopicPartition } from "../ports/record.ts";

/** A partition that this member owns. */
export interface Owned extends AssignedPartition {
  /** Null: nobody has attached; nothing may be fetched. */
  route: Route | null;
  /** Where the next fetch begins. Meaningless without a route. */
  position: number;
  /** By the route's wish, or because its range is being checked. */
  paused: boolean;
}

/** What a client library fetched for one partition. */
export interface Fetched extends TopicPartition {
  readonly messages: readonly Message[];
  /** The position the fetch asked for. */
  readonly fetchedOffset: number;
  readonly nextOffset: number;
  readonly highWatermark: number;
}

export interface Routes {
  /** All that is owned now. */
  owned(): Iterable<Owned>;
  /** The partition, if it is owned in this very epoch. */
  current(partition: AssignedPartition): Owned | undefined;
  /**
   * Takes over a new assignment. `continuous`: this member took part in every generation since the
   * last one, so that what it owned before and owns now was never anybody else's.
   */
  assign(partitions: readonly TopicPartition[], continuous: boolean): Owned[];
  /** Gives the partition its route, paused until the driver has checked the range. */
  attach(route: Route): Owned | undefined;
  detach(partition: AssignedPartition): Owned | undefined;
  /** Hands a fetch on, trimmed to what the route still expects. False: nobody wanted it. */
  deliver(fetched: Fetched): boolean;
  /** Divides commits into those of the live epochs and those that must not be sent. */
  fence(commits: readonly PartitionCommit[]): {
    readonly live: PartitionCommit[];
    readonly fenced: PartitionCommit[];
  };
  /** Forgets everything: the session is over. */
  clear(): void;
}

/** `nextEpoch` must never give the same number twice in the driver's life. */
export function createRoutes(nextEpoch: () => number): Routes {
  let table = new Map<string, Owned>();

  const current = (p: AssignedPartition): Owned | undefined => {
    const owned = table.get(partitionKey(p.topic, p.partition));
    return owned !== undefined && owned.epoch === p.epoch ? owned : undefined;
  };

  return {
    owned: () => table.values(),
    current,
    assign(partitions, continuous) {
      const next = new Map<string, Owned>();
      for (const { topic, partition } of partitions) {
        const key = partitionKey(topic, partition);
        const kept = continuous ? table.get(key) : undefined;
        next.set(key, kept ?? unrouted(topic, partition, nextEpoch()));
      }
      table = next;
      return [...next.values()];
    },
    attach(route) {
      const owned = current(route);
      if (owned === undefined) return undefined;
      owned.route = route;
      owned.position = route.offset;
      owned.paused = true;
      return owned;
    },
    detach(partition) {
      const owned = current(partition);
      if (owned === undefined) return undefined;
      owned.route = null;
      owned.paused = true;
      return owned;
    },
    deliver: (fetched) => {
      const owned = table.get(partitionKey(fetched.topic, fetched.partition));
      return owned !== undefined && handOver(owned, fetched);
    },
    fence(commits) {
      const live: PartitionCommit[] = [];
      const fenced: PartitionCommit[] = [];
      for (const commit of commits) (current(commit) === undefined ? fenced : live).push(commit);
      return { live, fenced };
    },
    clear() {
      table = new Map();
    },
  };
}

const unrouted = (topic: string, partition: number, epoch: number): Owned => ({
  topic,
  partition,
  epoch,
  route: null,
  position: -1,
  paused: true,
});

function handOver(owned: Owned, fetched: Fetched): boolean {
  const { route, position } = owned;
  if (route === null || fetched.nextOffset <= position) return false;
  owned.position = fetched.nextOffset;
  // A client that jumps ahead of the position it was given has met OFFSET_OUT_OF_RANGE and reset
  // itself; gaps of compaction lie inside a fetch that began where it should.
  const jumped = fetched.fetchedOffset > position;
  route.deliver({
    topic: owned.topic,
    partition: owned.partition,
    messages: from(fetched.messages, position),
    firstOffset: jumped ? fetched.fetchedOffset : position,
    nextOffset: fetched.nextOffset,
    highWatermark: fetched.highWatermark,
    ...(jumped ? { resetFrom: position } : {}),
  });
  return true;
}

/** A fetch brings whole record batches, so it may begin below the position it asked for. */
function from(messages: readonly Message[], position: number): readonly Message[] {
  const first = messages[0];
  if (first === undefined || Number(first.offset) >= position) return messages;
  return messages.filter((message) => Number(message.offset) >= position);
}
