/**
 * Why this exists: the group coordinator of the in-memory Kafka, for the classic protocol with
 * eager rebalancing. It follows Apache Kafka's own state machine in whom it keeps waiting, whom it
 * expels, and above all in which commits it takes: it never asks who owns a partition.
 */
import type { Cancel, Host } from "../kernel/host.ts";
import { partitionKey, type TopicPartition } from "../ports/record.ts";
import type {
  Division,
  GroupCommit,
  GroupDescription,
  GroupError,
  GroupState,
  JoinAnswer,
  Joined,
  JoinRequest,
  SyncAnswer,
} from "./memory-protocol.ts";

/** What survives the broker: as in Kafka, written when a generation is complete. */
interface MemberRecord {
  readonly id: string;
  readonly topics: readonly string[];
  readonly sessionTimeout: number;
  readonly rebalanceTimeout: number;
  readonly partitions: readonly TopicPartition[];
}

interface Member extends MemberRecord {
  topics: readonly string[];
  partitions: readonly TopicPartition[];
  joining: ((answer: JoinAnswer) => void) | null;
  syncing: ((answer: SyncAnswer) => void) | null;
  deadline: number;
  cancel: Cancel;
}

const NEVER: Cancel = () => {};

export class MemoryGroup {
  readonly groupId: string;
  readonly #host: Host;
  readonly #nextMemberId: () => string;
  readonly #offsets = new Map<string, GroupCommit>();
  #members = new Map<string, Member>();
  #state: GroupState = "Empty";
  #generation = 0;
  #leaderId: string | null = null;
  #cancelRebalance: Cancel = NEVER;
  #saved: { generation: number; leaderId: string | null; members: MemberRecord[] };

  constructor(groupId: string, host: Host, nextMemberId: () => string) {
    this.groupId = groupId;
    this.#host = host;
    this.#nextMemberId = nextMemberId;
    this.#saved = { generation: 0, leaderId: null, members: [] };
  }

  join(request: JoinRequest, reply: (answer: JoinAnswer) => void): void {
    const known = this.#members.get(request.memberId);
    if (known === undefined && request.memberId !== "") {
      reply({ error: "UNKNOWN_MEMBER_ID" });
      return;
    }
    if (known !== undefined && this.#answersAtOnce(known, request)) {
      this.#touch(known);
      reply(this.#joined(known));
      return;
    }
    const member = known ?? this.#add(request);
    member.topics = request.topics;
    member.joining = reply;
    if (this.#state !== "PreparingRebalance") this.#prepare();
    this.#completeJoinIfAll();
  }

  sync(
    memberId: string,
    generation: number,
    division: Division,
    reply: (answer: SyncAnswer) => void,
  ): void {
    const error = this.#check(memberId, generation);
    const member = this.#members.get(memberId);
    if (error !== null || member === undefined || this.#state === "PreparingRebalance") {
      reply({ error: error ?? "REBALANCE_IN_PROGRESS" });
      return;
    }
    this.#touch(member);
    if (this.#state === "Stable") {
      reply({ error: null, partitions: member.partitions });
      return;
    }
    member.syncing = reply;
    if (memberId === this.#leaderId) this.#stabilize(division);
  }

  heartbeat(memberId: string, generation: number): GroupError | null {
    const error = this.#check(memberId, generation);
    const member = this.#members.get(memberId);
    if (error !== null || member === undefined) return error;
    this.#touch(member);
    return this.#state === "PreparingRebalance" ? "REBALANCE_IN_PROGRESS" : null;
  }

  /** Stores all or nothing. Generation -1 is a commit from outside, taken while nobody is a member. */
  commit(memberId: string, generation: number, commits: readonly GroupCommit[]): GroupError | null {
    const member = this.#members.get(memberId);
    const outside = generation < 0 && this.#state === "Empty";
    const error = outside ? null : this.#check(memberId, generation);
    if (error !== null) return error;
    if (this.#state === "CompletingRebalance") return "REBALANCE_IN_PROGRESS";
    if (member !== undefined) this.#touch(member);
    for (const { topic, partition, offset, metadata } of commits) {
      this.#offsets.set(partitionKey(topic, partition), { topic, partition, offset, metadata });
    }
    return null;
  }

  leave(memberId: string): GroupError | null {
    const member = this.#members.get(memberId);
    if (member === undefined) return "UNKNOWN_MEMBER_ID";
    this.#remove(member);
    return null;
  }

  /** As when the leader joins again: everybody must. */
  rebalance(): void {
    if (this.#state === "Stable") this.#prepare();
  }

  committed(): GroupCommit[] {
    return [...this.#offsets.values()];
  }

  committedOf(topic: string, partition: number): GroupCommit | undefined {
    return this.#offsets.get(partitionKey(topic, partition));
  }

  describe(): GroupDescription {
    return {
      groupId: this.groupId,
      state: this.#state,
      generation: this.#generation,
      leaderId: this.#leaderId,
      members: [...this.#members.values()].map(({ id, partitions }) => ({
        memberId: id,
        partitions,
      })),
    };
  }

  /** The broker process ends: whatever it had in its memory alone is gone. */
  halt(): void {
    this.#cancelRebalance();
    for (const member of this.#members.values()) member.cancel();
    this.#members = new Map();
  }

  /** The broker process is back: each member of the last complete generation gets a new session. */
  load(): void {
    const { generation, leaderId, members } = this.#saved;
    this.#generation = generation;
    this.#leaderId = leaderId;
    this.#state = members.length === 0 ? "Empty" : "Stable";
    this.#members = new Map();
    for (const record of members) this.#enlist(record);
  }

  #check(memberId: string, generation: number): GroupError | null {
    if (!this.#members.has(memberId)) return "UNKNOWN_MEMBER_ID";
    return generation === this.#generation ? null : "ILLEGAL_GENERATION";
  }

  /** A member that asks again, changed nothing and is no leader is told what already holds. */
  #answersAtOnce(member: Member, request: JoinRequest): boolean {
    if (member.topics.join() !== request.topics.join()) return false;
    if (this.#state === "CompletingRebalance") return true;
    return this.#state === "Stable" && member.id !== this.#leaderId;
  }

  #add(request: JoinRequest): Member {
    const { topics, sessionTimeout, rebalanceTimeout } = request;
    const id = this.#nextMemberId();
    return this.#enlist({ id, topics, sessionTimeout, rebalanceTimeout, partitions: [] });
  }

  #enlist(record: MemberRecord): Member {
    const member = { ...record, joining: null, syncing: null, deadline: 0, cancel: NEVER };
    this.#members.set(record.id, member);
    this.#touch(member);
    this.#watch(member);
    return member;
  }

  #touch(member: Member): void {
    member.deadline = this.#host.now() + member.sessionTimeout;
  }

  /** One timer per member, set again for what is left: a heartbeat only moves the deadline. */
  #watch(member: Member): void {
    member.cancel = this.#host.timer(Math.max(0, member.deadline - this.#host.now()), () => {
      const waiting = member.joining !== null || member.syncing !== null;
      if (waiting) this.#touch(member);
      if (waiting || member.deadline > this.#host.now()) this.#watch(member);
      else this.#remove(member);
    });
  }

  #remove(member: Member): void {
    this.#members.delete(member.id);
    member.cancel();
    member.joining?.({ error: "UNKNOWN_MEMBER_ID" });
    member.syncing?.({ error: "UNKNOWN_MEMBER_ID" });
    if (this.#state !== "PreparingRebalance") this.#prepare();
    this.#completeJoinIfAll();
  }

  #prepare(): void {
    this.#state = "PreparingRebalance";
    let timeout = 0;
    for (const member of this.#members.values()) {
      timeout = Math.max(timeout, member.rebalanceTimeout);
      const waiting = member.syncing;
      member.syncing = null;
      waiting?.({ error: "REBALANCE_IN_PROGRESS" });
    }
    this.#cancelRebalance();
    this.#cancelRebalance = this.#host.timer(timeout, () => this.#completeJoin());
  }

  #completeJoinIfAll(): void {
    for (const member of this.#members.values()) if (member.joining === null) return;
    this.#completeJoin();
  }

  #completeJoin(): void {
    this.#cancelRebalance();
    for (const member of [...this.#members.values()]) {
      if (member.joining !== null) continue;
      this.#members.delete(member.id);
      member.cancel();
    }
    this.#generation += 1;
    const [first] = this.#members.keys();
    const kept = this.#leaderId !== null && this.#members.has(this.#leaderId);
    this.#leaderId = kept ? this.#leaderId : (first ?? null);
    this.#state = first === undefined ? "Empty" : "CompletingRebalance";
    if (first === undefined) this.#save();
    for (const member of [...this.#members.values()]) {
      const waiting = member.joining;
      member.joining = null;
      this.#touch(member);
      waiting?.(this.#joined(member));
    }
  }

  #joined(member: Member): Joined {
    const leaderId = this.#leaderId ?? "";
    return {
      error: null,
      memberId: member.id,
      generation: this.#generation,
      leaderId,
      memberIds: member.id === leaderId ? [...this.#members.keys()].sort() : [],
    };
  }

  #stabilize(division: Division): void {
    this.#state = "Stable";
    for (const member of this.#members.values()) member.partitions = division.get(member.id) ?? [];
    this.#save();
    for (const member of this.#members.values()) {
      const waiting = member.syncing;
      member.syncing = null;
      this.#touch(member);
      waiting?.({ error: null, partitions: member.partitions });
    }
  }

  #save(): void {
    const members = [...this.#members.values()].map(
      ({ id, topics, sessionTimeout, rebalanceTimeout, partitions }) => ({
        id,
        topics,
        sessionTimeout,
        rebalanceTimeout,
        partitions,
      }),
    );
    this.#saved = { generation: this.#generation, leaderId: this.#leaderId, members };
  }
}
