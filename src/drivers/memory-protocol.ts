/** Why this exists: the words in which members and the in-memory group coordinator talk. */
import type { TopicPartition } from "../ports/record.ts";

export type GroupError = "UNKNOWN_MEMBER_ID" | "ILLEGAL_GENERATION" | "REBALANCE_IN_PROGRESS";

export type GroupState = "Empty" | "PreparingRebalance" | "CompletingRebalance" | "Stable";

export interface JoinRequest {
  /** "" for a member that has no id yet. */
  readonly memberId: string;
  readonly topics: readonly string[];
  readonly sessionTimeout: number;
  readonly rebalanceTimeout: number;
}

export interface Joined {
  readonly error: null;
  readonly memberId: string;
  readonly generation: number;
  readonly leaderId: string;
  /** Sorted; empty for all but the leader, who divides the partitions. */
  readonly memberIds: readonly string[];
}

export type JoinAnswer = Joined | { readonly error: GroupError };

export type SyncAnswer =
  | { readonly error: null; readonly partitions: readonly TopicPartition[] }
  | { readonly error: GroupError };

export type Division = ReadonlyMap<string, readonly TopicPartition[]>;

export interface GroupCommit extends TopicPartition {
  /** As the broker stores it: negative where kafkajs reset it. */
  readonly offset: number;
  readonly metadata: string;
}

export interface GroupDescription {
  readonly groupId: string;
  readonly state: GroupState;
  readonly generation: number;
  readonly leaderId: string | null;
  readonly members: readonly {
    readonly memberId: string;
    readonly partitions: readonly TopicPartition[];
  }[];
}
