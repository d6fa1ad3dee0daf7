/** Why this exists: what a user's handler is given, and how its failure is told. */

import { formatCause } from "../src/kernel/exit.ts";
import type { DriverError } from "../src/ports/driver-error.ts";
import type { Message, OutgoingMessage, Stored } from "../src/ports/record.ts";
import type { Result } from "../src/ports/result.ts";

/** Writes one record through the group's producer; resolves when the broker has it, or to an error. */
export type Produce = (
  topic: string,
  message: OutgoingMessage,
) => Promise<Result<Stored, DriverError>>;

interface HandlerPayload {
  readonly topic: string;
  readonly partition: number;
  /** Fires when this partition is lost, or the worker ends for any other reason. */
  readonly signal: AbortSignal;
  readonly produce: Produce;
}

export interface EachMessagePayload extends HandlerPayload {
  readonly message: Message;
  /**
   * Marks the record as done, at any time and in any order; only with `ackMode: "manual"` is it
   * needed. Only the first call counts, and none after the partition was lost.
   */
  readonly ack: () => void;
}

export interface EachBatchPayload extends HandlerPayload {
  readonly messages: readonly Message[];
  /** Marks one record of the batch as done, by its offset as the message has it. */
  readonly ack: (offset: string) => void;
}

/**
 * Sync or async. Returning acks (unless `ackMode` is `"manual"`); throwing crashes the worker, and
 * the record comes again.
 */
export type EachMessage = (payload: EachMessagePayload) => unknown;
/** As `EachMessage`, for all records that wait, of one fetch or of several; throwing acks none of them. */
export type EachBatch = (payload: EachBatchPayload) => unknown;

/** The exit reason's error of a worker whose handler threw. `cause` has what it threw. */
export class HandlerError extends Error {
  override readonly name = "HandlerError";
  readonly topic: string;
  readonly partition: number;
  /** Of the record, or of the first one of the batch. */
  readonly offset: string;

  constructor(topic: string, partition: number, offset: string, cause: unknown) {
    super(`handler of ${topic}/${partition} failed at offset ${offset}: ${formatCause(cause)}`, {
      cause,
    });
    this.topic = topic;
    this.partition = partition;
    this.offset = offset;
  }
}
