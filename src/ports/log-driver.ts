/**
 * Why this exists: everything that holdfast asks of a partitioned log with consumer groups. A
 * driver passes `test/contract`, the suite that the in-memory Kafka passes too.
 *
 * A session is push and pause: the driver fetches ahead by itself and hands each batch, at once
 * and synchronously, to the route that is attached to its partition. No route: paused.
 */
import type { DriverError } from "./driver-error.ts";
import type { Batch, OutgoingMessage, Stored, TopicPartition } from "./record.ts";
import type { Result } from "./result.ts";

export interface LogDriver {
  /** For logs and errors: "kafkajs 127.0.0.1:9092". */
  readonly name: string;
  /** Joins a group. Returns at once; all that follows comes through `events`. */
  join(options: JoinOptions, events: SessionEvents): Session;
  /** A connection for writing, bound to `signal`: aborted, it is closed. */
  sink(options: { readonly signal: AbortSignal }): Sink;
  /** The number of partitions of each topic, in order; `unknown_topic` names the first missing one. */
  partitions(topics: readonly string[]): Promise<Result<number[], DriverError>>;
}

/** All times in milliseconds. */
export interface JoinOptions {
  readonly groupId: string;
  readonly topics: readonly string[];
  readonly sessionTimeout: number;
  readonly heartbeatInterval: number;
  readonly rebalanceTimeout: number;
  /** How many bytes of one partition a fetch may bring; at least one whole record batch comes. */
  readonly maxBytesPerPartition: number;
  /** Where the broker side goes on when it resets a position by itself. */
  readonly resetPolicy: "earliest" | "latest";
  /** The session's life: aborted, it is closed as by `close()`. */
  readonly signal: AbortSignal;
}

/** Called synchronously by the driver, never before `join` has returned, never after `lost`. */
export interface SessionEvents {
  /** A generation began. The routes of lost partitions are gone, those of kept ones go on. */
  assigned(assignment: Assignment): void;
  /**
   * The group rebalances. The driver holds its rejoin, heartbeating, until `session.rejoin()` is
   * called or `rebalanceTimeout` (less a margin) has passed. Commits are still accepted.
   */
  revoking(): void;
  /** The session is over and closes itself; nothing of it counts any more. */
  lost(error: DriverError): void;
}

export interface Assignment {
  readonly memberId: string;
  /** Null where the client library does not tell. */
  readonly generation: number | null;
  readonly partitions: readonly AssignedPartition[];
  /**
   * What the broker held for the group's topics just before this session joined for the first time:
   * the logs as they were no later than the commits.
   */
  readonly beforeJoin: readonly PartitionPosition[];
}

export interface AssignedPartition extends TopicPartition {
  /**
   * Names the unbroken time in which this member owns this partition, unique within the driver
   * object. A partition that is kept through a rebalance keeps its epoch.
   */
  readonly epoch: number;
}

export interface PartitionPosition extends TopicPartition {
  /** The group's committed offset; null where there is none (Kafka's negative values mean none). */
  readonly committed: number | null;
  /** The metadata committed with it, or "". */
  readonly metadata: string;
  /** The log's first offset. */
  readonly earliest: number;
  /** The log's end: the offset that the next record will get. */
  readonly latest: number;
}

export interface Route extends AssignedPartition {
  /** Where fetching begins. */
  readonly offset: number;
  /** Takes a batch; must return quickly and never throw. */
  deliver(batch: Batch): void;
  /**
   * The position at which fetching should begin or go on lies outside the log, or lay there when
   * the client found out and moved it. The committed offset may be destroyed. Nothing is fetched
   * until a new attach.
   */
  outOfRange(range: OutOfRange): void;
}

export interface OutOfRange {
  readonly position: number;
  readonly earliest: number;
  readonly latest: number;
}

export interface PartitionCommit extends AssignedPartition {
  readonly offset: number;
  readonly metadata: string;
}

export type CommitResult =
  /** Stored. `fenced` lists those that were left out, since this member does not own them in that epoch. */
  | { readonly status: "committed"; readonly fenced: readonly TopicPartition[] }
  /** A generation is being formed, or the broker knows a newer one: nothing stored, try again after `assigned`. */
  | { readonly status: "rebalancing"; readonly reason: string }
  /** Nothing known to be stored. */
  | { readonly status: "failed"; readonly error: DriverError };

export interface Session {
  /**
   * Committed offsets and log range of every partition of the group's topics, asked of the broker
   * after every commit of this session that is under way has been answered.
   */
  positions(): Promise<Result<PartitionPosition[], DriverError>>;
  /**
   * Gives a partition its one route, replacing the last, and starts fetching at `route.offset`
   * after checking that the log has it. False: not owned in that epoch, nothing done.
   */
  attach(route: Route): boolean;
  /** Stops fetching and forgets the route. A stale epoch is ignored, here and below. */
  detach(partition: AssignedPartition): void;
  pause(partition: AssignedPartition): void;
  /** Goes on where the last delivered batch ended, after checking that the log still has that. */
  resume(partition: AssignedPartition): void;
  /** One request, no retry. What is not owned in its epoch is left out at the moment of sending. */
  commit(commits: readonly PartitionCommit[]): Promise<CommitResult>;
  /** Lets go of a rejoin that is held since `revoking`. */
  rejoin(): void;
  /** Whether the broker confirmed this member within the session timeout. False: start nothing. */
  confirmed(): boolean;
  /** Whether the partition is this member's in that epoch, and the member confirmed: a handler may start. */
  owns(partition: AssignedPartition): boolean;
  /** Leaves the group at once. Resolves when left, or given up after 5 s; never rejects. */
  close(): Promise<void>;
}

export interface Sink {
  /** Writes to one topic and answers, in order, where each record was stored. Never rejects. */
  send(topic: string, messages: readonly OutgoingMessage[]): Promise<Result<Stored[], DriverError>>;
  close(): Promise<void>;
}
