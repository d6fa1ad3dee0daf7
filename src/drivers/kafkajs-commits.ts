/**
 * Why this exists: `consumer.commitOffsets` answers like a success when it has done nothing, and it
 * sends again by itself, in whatever generation there is by then. The function of the same purpose
 * in every eachBatch payload does neither: it takes member and generation synchronously, asks once
 * and throws the broker's own error. It outlives its batch, so the newest is kept.
 */
import type { Consumer, ConsumerCommitOffsetsEvent, EachBatchPayload, TopicOffsets } from "kafkajs";
import type { PartitionCommit } from "../ports/log-driver.ts";
import type { Membership } from "./kafkajs-membership.ts";

type Payload = Pick<EachBatchPayload, "commitOffsetsIfNecessary" | "heartbeat">;

interface OffsetAndMetadata {
  readonly partition: number;
  readonly offset: string;
  readonly metadata: string;
}

export class Commits {
  readonly #consumer: Pick<Consumer, "commitOffsets">;
  readonly #membership: Membership;
  /** Requests that wait for the event which tells that they were stored. */
  readonly #waiting = new Map<string, () => void>();
  #payload: Payload | null = null;

  constructor(consumer: Pick<Consumer, "commitOffsets">, membership: Membership) {
    this.#consumer = consumer;
    this.#membership = membership;
  }

  /** Whether a commit can be sent before kafkajs has begun to fetch. */
  get ready(): boolean {
    return this.#payload !== null;
  }

  /** Keeps no more than one batch alive: the one of the newest payload. */
  keep(payload: Payload): void {
    this.#payload = payload;
  }

  forget(): void {
    this.#payload = null;
  }

  /** Rejects with the broker's error. Does nothing where no payload was seen yet. */
  async heartbeat(): Promise<void> {
    await this.#payload?.heartbeat();
  }

  /** Sends synchronously, so that what the caller has just checked still holds. */
  send(commits: readonly PartitionCommit[]): Promise<void> {
    const topics = byTopic(commits);
    if (this.#payload !== null) return this.#payload.commitOffsetsIfNecessary({ topics });
    return this.#membership.within(() => this.#sendWithoutPayload(commits, topics));
  }

  /** In the listener of COMMIT_OFFSETS, which kafkajs emits before its promise resolves. */
  stored({ payload }: ConsumerCommitOffsetsEvent): void {
    this.#waiting.get(fingerprint(payload.topics))?.();
  }

  /**
   * A group that has read nothing still pins "latest" and heals resets. kafkajs takes member and
   * generation synchronously here as well. Only its second try, after an error that may pass,
   * could carry this commit into a newer generation; `within` holds our rejoin until then.
   */
  async #sendWithoutPayload(
    commits: readonly PartitionCommit[],
    topics: TopicOffsets[],
  ): Promise<void> {
    const key = fingerprint(topics);
    let stored = false;
    const tell = () => {
      stored = true;
    };
    this.#waiting.set(key, tell);
    try {
      await this.#consumer.commitOffsets(
        commits.map(({ topic, partition, offset, metadata }) => {
          return { topic, partition, offset: String(offset), metadata };
        }),
      );
    } finally {
      if (this.#waiting.get(key) === tell) this.#waiting.delete(key);
    }
    if (!stored) throw new Error("kafkajs dropped the commit, since it was stopping");
  }
}

function byTopic(commits: readonly PartitionCommit[]): TopicOffsets[] {
  const topics = new Map<string, OffsetAndMetadata[]>();
  for (const { topic, partition, offset, metadata } of commits) {
    const entry = { partition, offset: String(offset), metadata };
    const entries = topics.get(topic);
    if (entries === undefined) topics.set(topic, [entry]);
    else entries.push(entry);
  }
  return [...topics].map(([topic, partitions]) => ({ topic, partitions }));
}

const fingerprint = (topics: readonly TopicOffsets[]): string =>
  topics
    .flatMap(({ topic, partitions }) =>
      partitions.map(({ partition, offset }) => `${topic}/${partition}=${String(offset)}`),
    )
    .join();
