/**
 * Why this exists: what is truly done, by the handlers' own deeds. No actor is asked: this is the
 * book by which they are judged.
 */
import { partitionKey, type TopicPartition } from "../ports/record.ts";
import type { FactOf } from "./facts.ts";
import { entryOf } from "./tables.ts";
import type { World } from "./world.ts";

interface Page {
  readonly done: Set<number>;
  /** Every record below it that the broker has is done, or need not be. */
  lowest: number;
  /** Where the partition was opened last, while nothing was committed. */
  opened: number | null;
  committed: boolean;
  /** The lowest record that any handler was given: from there on nothing is passed over. */
  started: number;
}

export class Ledger {
  readonly #world: World;
  readonly #pages = new Map<string, Page>();
  /** Where the partitions of a topic ended when the group's first commit in it was stored. */
  readonly #begun = new Map<string, readonly number[]>();

  constructor(world: World) {
    this.#world = world;
    // With manual acks what counts is that the handler said so.
    const isManual = (topic: string): boolean => world.progress.groupOf(topic)?.manual === true;
    world.audience.watch({
      handler_ended: (fact) => {
        if (fact.how === "done" && !isManual(fact.topic)) this.#note(fact, fact.offsets);
      },
      user_acked: (fact) => this.#note(fact, fact.offsets),
      handler_started: (fact) => {
        const page = this.#page(fact);
        page.started = Math.min(page.started, fact.offsets[0] ?? page.started);
      },
      offset_reset: (fact) => this.#reset(fact),
      opened: (fact) => {
        this.#page(fact).opened = fact.committed === null ? fact.offset : null;
      },
      commit_applied: (fact) => {
        // "latest" at the first assignment: what was there before is not asked for.
        if (this.isPin(fact, fact.offset)) this.#skip(fact, fact.offset);
        if (fact.offset < 0) return;
        this.#page(fact).committed = true;
        if (!this.#begun.has(fact.topic)) this.#begun.set(fact.topic, this.#endsOf(fact.topic));
      },
    });
  }

  isDone(where: TopicPartition, offset: number): boolean {
    const page = this.#page(where);
    return offset < page.lowest || page.done.has(offset);
  }

  /** Whether a commit of `offset` says no more than where a partition without commits begins. */
  isPin(where: TopicPartition, offset: number): boolean {
    const { committed, opened, started } = this.#page(where);
    const ends = this.#begun.get(where.topic);
    // A group that has begun passes over nothing that came since, in no partition, old or new.
    const end = ends === undefined ? offset : (ends[where.partition] ?? 0);
    return !committed && opened === offset && offset <= Math.min(started, end);
  }

  /** The first record that the broker has and that is not done; null: there is none. */
  lowestUndone(where: TopicPartition): number | null {
    const page = this.#page(where);
    const { topic, partition } = where;
    for (;;) {
      const next = this.#world.kafka.nextRecord(topic, partition, page.lowest);
      if (next === null || !page.done.has(next)) return next;
      page.done.delete(next);
      page.lowest = next + 1;
    }
  }

  /** What lies between is skipped by a policy that the user chose, and nothing beyond that. */
  #reset(fact: FactOf<"offset_reset">): void {
    const { topic, partition, from, to } = fact;
    const toEnd = this.#world.progress.groupOf(topic)?.resetsToEnd === true;
    const allowed = toEnd ? to : Math.min(to, this.#world.kafka.earliest(topic, partition));
    this.#skip(fact, Math.max(from, allowed));
  }

  #endsOf(topic: string): number[] {
    const { kafka, progress } = this.#world;
    return progress.partitionsOf([topic]).map(({ partition }) => kafka.end(topic, partition));
  }

  #note(where: TopicPartition, offsets: readonly number[]): void {
    const page = this.#page(where);
    for (const offset of offsets) if (offset >= page.lowest) page.done.add(offset);
  }

  #skip(where: TopicPartition, to: number): void {
    const page = this.#page(where);
    page.lowest = Math.max(page.lowest, to);
  }

  #page({ topic, partition }: TopicPartition): Page {
    return entryOf(this.#pages, partitionKey(topic, partition), () => ({
      done: new Set(),
      lowest: 0,
      opened: null,
      committed: false,
      started: Number.POSITIVE_INFINITY,
    }));
  }
}
