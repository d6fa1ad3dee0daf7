/** Why this exists: what the contract suite needs to know of the broker it runs against. */
import type { LogDriver } from "../../src/ports/log-driver.ts";

/** What a driver's test provides: a broker to look into, and driver objects that use it. */
export interface ContractWorld {
  readonly timing: ContractTiming;
  /** A fresh driver object, with clients of its own. */
  driver(): LogDriver;
  /** A driver whose broker nobody runs; it reports `lost` within `timing.lostMs`. */
  unreachable(): LogDriver;
  /** Resolves once the topic can be written and read. */
  createTopic(topic: string, partitions: number): Promise<void>;
  /** Writes records without key, in order; answers their offsets. */
  append(topic: string, partition: number, values: readonly string[]): Promise<number[]>;
  /** What the broker holds for the group, raw: -1 where there is nothing, negatives as they are. */
  committed(groupId: string, topic: string): Promise<RawCommit[]>;
  /** Sets the offset of a group without members, negatives allowed. */
  commitRaw(groupId: string, topic: string, partition: number, offset: number): Promise<void>;
  /** The ids of the group's present members, none for a group that does not exist. */
  groupMembers(groupId: string): Promise<string[]>;
  /** Retention: the log of this partition begins at `before` from now on. */
  deleteRecords?(topic: string, partition: number, before: number): Promise<void>;
  /** Leaves at least one offset at the log's end that is never delivered as a message. */
  appendControl?(topic: string, partition: number): Promise<void>;
  /** Raises the topic's partitions to `count`; members find them within `timing.metadataMs`. */
  addPartitions?(topic: string, count: number): Promise<void>;
  close(): Promise<void>;
}

export interface RawCommit {
  readonly partition: number;
  readonly offset: number;
  readonly metadata: string;
}

/** All in milliseconds. */
export interface ContractTiming {
  readonly sessionTimeout: number;
  readonly heartbeatInterval: number;
  readonly rebalanceTimeout: number;
  /** Within this, anything that should happen has happened: a join, a rebalance, a fetch. */
  readonly settleMs: number;
  /** After this long without a call, none is on its way. */
  readonly quietMs: number;
  /** Within this, a session that cannot go on has said `lost`. */
  readonly lostMs: number;
  /** Within this, added partitions are found. */
  readonly metadataMs: number;
}
