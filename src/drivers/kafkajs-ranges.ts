/**
 * Why this exists: a fetch outside the log makes kafkajs overwrite the group's committed offset
 * with -1 or -2, so the log's range is asked before each one that may be; here so that many
 * partitions of one topic cost one request.
 */
import type { Admin } from "kafkajs";

export interface Range {
  readonly earliest: number;
  readonly latest: number;
}

type TopicRanges = ReadonlyMap<number, Range>;

interface Asking {
  readonly running: Promise<TopicRanges>;
  /** The one after it, which all share who came while it ran. */
  next: Promise<TopicRanges> | null;
}

export class LogRanges {
  readonly #admin: Pick<Admin, "fetchTopicOffsets">;
  readonly #asking = new Map<string, Asking>();

  constructor(admin: Pick<Admin, "fetchTopicOffsets">) {
    this.#admin = admin;
  }

  /**
   * The ranges of all partitions as they are now or later. A request that is already under way
   * does not count: it may have been answered before the position in question was written.
   */
  of(topic: string): Promise<TopicRanges> {
    const asking = this.#asking.get(topic);
    if (asking === undefined) return this.#ask(topic);
    asking.next ??= asking.running.then(
      () => this.#ask(topic),
      () => this.#ask(topic),
    );
    return asking.next;
  }

  #ask(topic: string): Promise<TopicRanges> {
    const running = this.#fetch(topic);
    const asking: Asking = { running, next: null };
    this.#asking.set(topic, asking);
    const forget = () => {
      if (this.#asking.get(topic) === asking && asking.next === null) this.#asking.delete(topic);
    };
    running.then(forget, forget);
    return running;
  }

  async #fetch(topic: string): Promise<TopicRanges> {
    const found = await this.#admin.fetchTopicOffsets(topic);
    return new Map(
      found.map(({ partition, low, high }) => [
        partition,
        { earliest: Number(low), latest: Number(high) },
      ]),
    );
  }
}
