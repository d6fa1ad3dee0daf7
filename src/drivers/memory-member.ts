/**
 * Why this exists: one client's membership of a group of the in-memory Kafka: it joins, syncs,
 * heartbeats, holds its rejoin while work drains, and knows whether a partition it owns now was its
 * own all the time.
 */
import type { Cancel } from "../kernel/host.ts";
import type { DriverError } from "../ports/driver-error.ts";
import type { JoinOptions, PartitionPosition } from "../ports/log-driver.ts";
import type { TopicPartition } from "../ports/record.ts";
import type { Result } from "../ports/result.ts";
import { roundRobin } from "./memory-assigner.ts";
import type { MemoryBroker } from "./memory-broker.ts";
import type { Division, GroupError, JoinAnswer, Joined, SyncAnswer } from "./memory-protocol.ts";
import {
  type Answer,
  type RequestKind,
  type Serve,
  UNREACHABLE,
  type Wire,
} from "./memory-wire.ts";

/** How long to wait after a request that nobody answered. */
const RETRY_MS = 100;

export interface MemberOptions {
  readonly broker: MemoryBroker;
  readonly wire: Wire;
  readonly join: JoinOptions;
  readonly topics: readonly string[];
  readonly giveUpMs: number;
  readonly metadataMaxAgeMs: number;
  /** `continuous`: what was owned before and is owned now was nobody else's in between. */
  onAssigned(partitions: readonly TopicPartition[], continuous: boolean): void;
  onRevoking(): void;
  onLost(error: DriverError): void;
}

type Phase = "starting" | "joining" | "assigned" | "held" | "over";

export class MemoryMember {
  beforeJoin: readonly PartitionPosition[] = [];
  #memberId = "";
  #generation = -1;
  #phase: Phase = "starting";
  readonly #options: MemberOptions;
  /** Counts the steps of the life: an answer that belongs to an earlier step is void. */
  #turn = 0;
  #joinsSinceAssigned = 0;
  #assignedAs = "";
  #confirmedAt = Number.NEGATIVE_INFINITY;
  #failingSince: number | null = null;
  /** The partition counts this member divided as leader; null for a follower. */
  #divided: readonly number[] | null = null;
  #dividedAt = 0;
  readonly #cancels = new Set<Cancel>();
  #left: (() => void) | null = null;
  #joinInFlight = false;

  constructor(options: MemberOptions) {
    this.#options = options;
  }

  get memberId(): string {
    return this.#memberId;
  }

  get generation(): number {
    return this.#generation;
  }

  get active(): boolean {
    return this.#phase === "assigned";
  }

  /** Whether a commit may be sent: from `assigned` until JoinGroup is sent again. */
  get commits(): boolean {
    return this.#phase === "assigned" || this.#phase === "held";
  }

  /** Measured from when the confirmed request was sent: the broker's session cannot end sooner. */
  confirmed(): boolean {
    const { wire, join } = this.#options;
    return wire.host.now() - this.#confirmedAt < join.sessionTimeout;
  }

  heard(sentAtMs: number): void {
    this.#confirmedAt = Math.max(this.#confirmedAt, sentAtMs);
  }

  /** Begins by looking at what the broker holds, before this member can have changed any of it. */
  start(): void {
    const { broker, join, topics } = this.#options;
    this.#ask<Result<PartitionPosition[], DriverError>>(
      "positions",
      (reply) => reply(broker.positions(join.groupId, topics)),
      (answer) => {
        if (!answer.ok) return this.#failing(() => this.start());
        if (!answer.value.ok) return this.#lose(answer.value.error);
        this.beforeJoin = answer.value.value;
        this.#join();
      },
    );
  }

  rejoin(): void {
    if (this.#phase === "held") this.#join();
  }

  /** Leaves the group; `left` is called once, when the broker knows or cannot be told. */
  leave(left: () => void): void {
    const joining = this.#joinInFlight && this.#memberId === "";
    this.#end();
    // Only the answer to the first join tells the id under which to leave.
    if (joining) this.#left = left;
    else this.#sendLeave(this.#memberId, left);
  }

  #end(): void {
    this.#step("over");
  }

  #step(phase: Phase): void {
    this.#phase = phase;
    this.#turn += 1;
    for (const cancel of this.#cancels) cancel();
    this.#cancels.clear();
  }

  #ask<T>(kind: RequestKind, serve: Serve<T>, settle: (answer: Answer<T>) => void): void {
    const turn = this.#turn;
    this.#options.wire.request<T>(kind, serve, (answer) => {
      if (turn === this.#turn) settle(answer);
    });
  }

  #after(ms: number, run: () => void): void {
    const cancel = this.#options.wire.timer(ms, () => {
      this.#cancels.delete(cancel);
      run();
    });
    this.#cancels.add(cancel);
  }

  #lose(error: DriverError): void {
    this.#end();
    this.#options.onLost(error);
  }

  #failing(retry: () => void): void {
    const now = this.#options.wire.host.now();
    this.#failingSince ??= now;
    if (now - this.#failingSince >= this.#options.giveUpMs) this.#lose(UNREACHABLE);
    else this.#after(RETRY_MS, retry);
  }

  #join(): void {
    const { broker, wire, join, topics } = this.#options;
    const { groupId, sessionTimeout, rebalanceTimeout } = join;
    this.#step("joining");
    this.#joinsSinceAssigned += 1;
    this.#joinInFlight = true;
    const turn = this.#turn;
    const request = { memberId: this.#memberId, topics, sessionTimeout, rebalanceTimeout };
    wire.request<JoinAnswer>(
      "join",
      (reply) => broker.group(groupId).join(request, reply),
      (answer) => {
        this.#joinInFlight = false;
        if (turn === this.#turn) this.#answered(answer);
        else if (this.#left !== null) this.#leaveLate(answer, this.#left);
      },
    );
  }

  #leaveLate(answer: Answer<JoinAnswer>, left: () => void): void {
    if (answer.ok && answer.value.error === null) this.#sendLeave(answer.value.memberId, left);
    else left();
  }

  #sendLeave(memberId: string, left: () => void): void {
    const { broker, wire, join } = this.#options;
    wire.request<GroupError | null>(
      "leave",
      (reply) => reply(memberId === "" ? null : broker.group(join.groupId).leave(memberId)),
      left,
    );
  }

  #answered(answer: Answer<JoinAnswer>): void {
    if (!answer.ok) {
      this.#failing(() => this.#join());
      return;
    }
    this.#failingSince = null;
    if (answer.value.error === null) this.#joined(answer.value);
    else this.#again(answer.value.error);
  }

  #joined(joined: Joined): void {
    this.#memberId = joined.memberId;
    this.#generation = joined.generation;
    this.#divided = null;
    if (joined.leaderId === this.#memberId) this.#divide(joined);
    else this.#sync(new Map());
  }

  #divide(joined: Joined): void {
    const { broker, wire, topics } = this.#options;
    this.#ask<Result<number[], DriverError>>(
      "partitions",
      (reply) => reply(broker.counts(topics)),
      (answer) => {
        if (!answer.ok) return this.#failing(() => this.#join());
        if (!answer.value.ok) return this.#lose(answer.value.error);
        this.#divided = answer.value.value;
        this.#dividedAt = wire.host.now();
        this.#sync(roundRobin(joined.memberIds, topics, this.#divided));
      },
    );
  }

  #sync(division: Division): void {
    const { broker, wire, join } = this.#options;
    const sentAt = wire.host.now();
    const [memberId, generation] = [this.#memberId, this.#generation];
    this.#ask<SyncAnswer>(
      "sync",
      (reply) => broker.group(join.groupId).sync(memberId, generation, division, reply),
      (answer) => {
        if (!answer.ok) return this.#failing(() => this.#join());
        this.#failingSince = null;
        if (answer.value.error !== null) return this.#again(answer.value.error);
        this.heard(sentAt);
        this.#assign(answer.value.partitions);
      },
    );
  }

  #assign(partitions: readonly TopicPartition[]): void {
    const continuous = this.#joinsSinceAssigned === 1 && this.#memberId === this.#assignedAs;
    this.#joinsSinceAssigned = 0;
    this.#assignedAs = this.#memberId;
    this.#step("assigned");
    this.#beatLater();
    this.#options.onAssigned(partitions, continuous);
  }

  /** Joins anew after the broker refused; as a new member where it knows us no more. */
  #again(error: GroupError): void {
    if (error === "UNKNOWN_MEMBER_ID") this.#memberId = "";
    // A refusal means that a generation may have passed without us.
    if (error !== "REBALANCE_IN_PROGRESS") this.#joinsSinceAssigned += 1;
    this.#join();
  }

  #beatLater(): void {
    this.#after(this.#options.join.heartbeatInterval, () => this.#beat());
  }

  #beat(): void {
    const { broker, wire, join } = this.#options;
    const sentAt = wire.host.now();
    const [memberId, generation] = [this.#memberId, this.#generation];
    this.#ask<GroupError | null>(
      "heartbeat",
      (reply) => reply(broker.group(join.groupId).heartbeat(memberId, generation)),
      (answer) => {
        if (!answer.ok) return this.#failing(() => this.#beat());
        this.#failingSince = null;
        this.#beaten(answer.value, sentAt);
      },
    );
  }

  #beaten(error: GroupError | null, sentAt: number): void {
    if (error !== null && error !== "REBALANCE_IN_PROGRESS") {
      this.#again(error);
      return;
    }
    this.heard(sentAt);
    this.#beatLater();
    if (this.#phase !== "assigned") return;
    if (error === "REBALANCE_IN_PROGRESS") this.#hold();
    else this.#checkMetadata();
  }

  /** Gives the owner of the work time to finish it: JoinGroup is what ends the old generation. */
  #hold(): void {
    const { heartbeatInterval, rebalanceTimeout } = this.#options.join;
    const marginMs = Math.min(rebalanceTimeout / 2, heartbeatInterval * 2);
    this.#phase = "held";
    this.#after(rebalanceTimeout - marginMs, () => this.#join());
    this.#options.onRevoking();
  }

  /** As in kafkajs, the leader alone looks for partitions that were added, and joins anew. */
  #checkMetadata(): void {
    const { broker, wire, topics, metadataMaxAgeMs } = this.#options;
    const divided = this.#divided;
    const now = wire.host.now();
    if (divided === null || now - this.#dividedAt < metadataMaxAgeMs) return;
    this.#dividedAt = now;
    this.#ask<Result<number[], DriverError>>(
      "partitions",
      (reply) => reply(broker.counts(topics)),
      (answer) => {
        const counts = answer.ok && answer.value.ok ? answer.value.value : divided;
        const changed = counts.some((count, index) => count !== divided[index]);
        if (changed && this.#phase === "assigned") this.#hold();
      },
    );
  }
}
