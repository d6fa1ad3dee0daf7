/**
 * Why this exists: what each member's acker has taken for done since it opened a partition. From
 * that follows where a new incarnation must go on, and what no incarnation may pass over.
 */
import { partitionKey, type TopicPartition } from "../ports/record.ts";
import type { World } from "./world.ts";

export interface Opening {
  readonly epoch: number;
  /** Where it began. */
  readonly offset: number;
  readonly acked: Set<number>;
  /** Passed over by policy: from, to. */
  readonly skipped: (readonly [number, number])[];
  /** The worker whose acks count. */
  incarnation: number | null;
  /** The worker that was given records last. */
  starter: number | null;
}

export class Openings {
  readonly #world: World;
  readonly #table = new Map<string, Opening>();

  constructor(world: World) {
    this.#world = world;
    world.audience.watch({
      opened: (fact, member) => {
        this.#table.set(keyOf(fact, member), {
          epoch: fact.epoch,
          offset: fact.offset,
          acked: new Set(),
          skipped: [],
          incarnation: null,
          starter: null,
        });
      },
      located: (fact, member) => {
        const opening = this.find(fact, member);
        if (opening !== undefined) opening.incarnation = fact.incarnation;
      },
      acked: (fact, member) => {
        const opening = this.find(fact, member);
        for (const offset of fact.offsets) opening?.acked.add(offset);
      },
      offset_reset: (fact, member) => {
        this.find(fact, member)?.skipped.push([fact.from, fact.to]);
      },
    });
  }

  find(where: TopicPartition, member: string): Opening | undefined {
    return this.#table.get(keyOf(where, member));
  }

  /** The first record at or above `from` that the broker has and that this acker misses. */
  nextMissing(where: TopicPartition, opening: Opening, from: number): number | null {
    const { topic, partition } = where;
    let at: number | null = Math.max(from, opening.offset);
    for (;;) {
      at = this.#world.kafka.nextRecord(topic, partition, at);
      if (at === null) return null;
      const offset: number = at;
      const skip = opening.skipped.find(([low, high]) => offset >= low && offset < high);
      if (skip !== undefined) at = skip[1];
      else if (opening.acked.has(offset)) at++;
      else return offset;
    }
  }
}

const keyOf = ({ topic, partition }: TopicPartition, member: string): string =>
  `${member} ${partitionKey(topic, partition)}`;
