/** Why this exists: what a log holds, in the shape that kafkajs users know. */

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

export type Headers = Record<string, Buffer | string | (Buffer | string)[] | undefined>;

/** A record as read: kafkajs's `KafkaMessage`. */
export interface Message {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  /** Milliseconds since the epoch, as a decimal string. */
  readonly timestamp: string;
  /** Decimal string. */
  readonly offset: string;
  readonly headers?: Headers | undefined;
  readonly attributes?: number;
}

/** A record to be written: kafkajs's `Message`. */
export interface OutgoingMessage {
  readonly key?: Buffer | string | null;
  readonly value: Buffer | string | null;
  /** Absent: the driver's partitioner chooses by key. */
  readonly partition?: number;
  readonly headers?: Headers;
  readonly timestamp?: string;
}

/** Where a record was stored. `offset` is -1 where the broker was not asked to confirm. */
export interface Stored extends TopicPartition {
  readonly offset: number;
}

/** What one fetch brought for one partition. */
export interface Batch extends TopicPartition {
  /** Ascending offsets, all at or above `firstOffset`. Empty where only control or aborted records lay. */
  readonly messages: readonly Message[];
  /** The position this batch was fetched from. */
  readonly firstOffset: number;
  /** The position after it, past every gap and marker: above the last message by at least 1. */
  readonly nextOffset: number;
  /** The log's end when the batch was fetched. */
  readonly highWatermark: number;
  /**
   * Set where the broker had moved the position by itself because the expected one, given here, was
   * out of the log's range: everything from it up to `firstOffset` is gone.
   */
  readonly resetFrom?: number;
}

export const partitionKey = (topic: string, partition: number): string => `${topic}/${partition}`;
