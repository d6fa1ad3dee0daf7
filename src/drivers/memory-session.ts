/**
 * Why this exists: a `Session` on the in-memory Kafka: it puts the membership, the fetch loop and
 * the routes together and holds to the port's promises about when nothing is called any more.
 */

import type { Host } from "../kernel/host.ts";
import type { DriverError } from "../ports/driver-error.ts";
import type {
  CommitResult,
  JoinOptions,
  PartitionCommit,
  PartitionPosition,
  Session,
  SessionEvents,
} from "../ports/log-driver.ts";
import type { TopicPartition } from "../ports/record.ts";
import { failed, type Result } from "../ports/result.ts";
import type { MemoryBroker } from "./memory-broker.ts";
import { MemoryFetcher } from "./memory-fetcher.ts";
import { MemoryMember } from "./memory-member.ts";
import type { GroupError } from "./memory-protocol.ts";
import { CLOSED, Wire } from "./memory-wire.ts";
import { createRoutes, type Routes } from "./routes.ts";

const CLOSE_GIVE_UP_MS = 5_000;

/** All in milliseconds. */
export interface ClientTiming {
  readonly fetchMaxWaitMs: number;
  readonly giveUpMs: number;
  readonly metadataMaxAgeMs: number;
}

export interface SessionOptions {
  readonly broker: MemoryBroker;
  /** The client's. */
  readonly host: Host;
  readonly join: JoinOptions;
  readonly events: SessionEvents;
  readonly timing: ClientTiming;
  nextEpoch(): number;
  /** The session holds nothing any more. */
  onEnd(session: MemorySession): void;
}

export class MemorySession {
  readonly wire: Wire;
  readonly #options: SessionOptions;
  readonly #routes: Routes;
  readonly #committing = new Set<Promise<CommitResult>>();
  readonly #member: MemoryMember;
  readonly #fetcher: MemoryFetcher;
  readonly #topics: readonly string[];
  readonly #onAbort = (): void => void this.close();
  #over = false;
  #closing: Promise<void> | null = null;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#topics = [...new Set(options.join.topics)];
    this.wire = new Wire(options.broker, options.host);
    this.#routes = createRoutes(options.nextEpoch);
    this.#member = this.#createMember();
    this.#fetcher = this.#createFetcher();
    const { signal } = options.join;
    signal.addEventListener("abort", this.#onAbort, { once: true });
    if (signal.aborted) void this.close();
    else this.#member.start();
  }

  get memberId(): string {
    return this.#member.memberId;
  }

  /** What the port sees of it. */
  asSession(): Session {
    return {
      positions: () => this.#settledPositions(),
      attach: (route) => !this.#over && this.#fetcher.attach(route),
      detach: (partition) => this.#fetcher.detach(partition),
      pause: (partition) => this.#fetcher.pause(partition),
      resume: (partition) => this.#fetcher.resume(partition),
      commit: (commits) => {
        const answer = this.#commit(commits).finally(() => this.#committing.delete(answer));
        this.#committing.add(answer);
        return answer;
      },
      rejoin: () => this.#member.rejoin(),
      confirmed: () => !this.#over && this.#member.confirmed(),
      owns: (partition) => {
        const confirmed = !this.#over && this.#member.confirmed();
        return confirmed && this.#routes.current(partition) !== undefined;
      },
      close: () => this.close(),
    };
  }

  close(): Promise<void> {
    this.#closing ??= new Promise((resolve) => {
      if (this.#over) {
        resolve();
        return;
      }
      this.#end();
      let cancel = (): void => {};
      const done = (): void => {
        cancel();
        this.wire.close();
        this.#options.onEnd(this);
        resolve();
      };
      // Not the wire's timer: a frozen client leaves nothing, yet whoever waits is let go.
      cancel = this.#options.host.timer(CLOSE_GIVE_UP_MS, done);
      this.#member.leave(done);
    });
    return this.#closing;
  }

  #end(): void {
    this.#over = true;
    this.#options.join.signal.removeEventListener("abort", this.#onAbort);
    this.#routes.clear();
    this.#fetcher.stop();
  }

  #lost(error: DriverError): void {
    this.#end();
    this.wire.close();
    this.#options.onEnd(this);
    this.#options.events.lost(error);
  }

  #assigned(partitions: readonly TopicPartition[], continuous: boolean): void {
    const { memberId, generation, beforeJoin } = this.#member;
    const owned = this.#routes.assign(partitions, continuous);
    this.#options.events.assigned({
      memberId,
      generation,
      beforeJoin,
      partitions: owned.map(({ topic, partition, epoch }) => ({ topic, partition, epoch })),
    });
    this.#fetcher.poll();
  }

  /** A commit that is still on its way would make the answer old before it is read. */
  async #settledPositions(): Promise<Result<PartitionPosition[], DriverError>> {
    await Promise.allSettled(this.#committing);
    return this.#positions();
  }

  #positions(): Promise<Result<PartitionPosition[], DriverError>> {
    const { broker, join } = this.#options;
    return new Promise((resolve) => {
      if (this.#over) {
        resolve(failed(CLOSED));
        return;
      }
      this.wire.request<Result<PartitionPosition[], DriverError>>(
        "positions",
        (reply) => reply(broker.positions(join.groupId, this.#topics)),
        (answer) => resolve(answer.ok ? answer.value : answer),
      );
    });
  }

  #commit(commits: readonly PartitionCommit[]): Promise<CommitResult> {
    return new Promise((resolve) => this.wire.run(() => this.#sendCommit(commits, resolve)));
  }

  /** Who owns what, and the generation, are read together at the moment of sending. */
  #sendCommit(commits: readonly PartitionCommit[], settle: (result: CommitResult) => void): void {
    const { live, fenced } = this.#routes.fence(commits);
    if (this.#over) settle({ status: "failed", error: CLOSED });
    else if (!this.#member.commits) settle({ status: "rebalancing", reason: "joining" });
    else if (live.length === 0) settle({ status: "committed", fenced });
    else this.#sendLive(live, fenced, settle);
  }

  #sendLive(
    live: readonly PartitionCommit[],
    fenced: readonly PartitionCommit[],
    settle: (result: CommitResult) => void,
  ): void {
    const { broker, host, join } = this.#options;
    const { memberId, generation } = this.#member;
    const sentAt = host.now();
    this.wire.request<GroupError | null>(
      "commit",
      (reply) => reply(broker.commit(join.groupId, memberId, generation, live)),
      (answer) => {
        if (!answer.ok) return settle({ status: "failed", error: answer.error });
        if (answer.value !== null) return settle({ status: "rebalancing", reason: answer.value });
        if (memberId === this.#member.memberId) this.#member.heard(sentAt);
        settle({ status: "committed", fenced });
      },
    );
  }

  #createMember(): MemoryMember {
    const { broker, join, timing, events } = this.#options;
    return new MemoryMember({
      broker,
      wire: this.wire,
      join,
      topics: this.#topics,
      giveUpMs: timing.giveUpMs,
      metadataMaxAgeMs: timing.metadataMaxAgeMs,
      onAssigned: (partitions, continuous) => this.#assigned(partitions, continuous),
      onRevoking: () => events.revoking(),
      onLost: (error) => this.#lost(error),
    });
  }

  #createFetcher(): MemoryFetcher {
    const { broker, join, timing } = this.#options;
    const member = this.#member;
    return new MemoryFetcher({
      broker,
      wire: this.wire,
      routes: this.#routes,
      maxBytes: join.maxBytesPerPartition,
      maxWaitMs: timing.fetchMaxWaitMs,
      resetPolicy: join.resetPolicy,
      active: () => member.active,
      commitRaw: ({ topic, partition }, offset) => {
        const { memberId, generation } = member;
        const commit = { topic, partition, offset, metadata: "" };
        return broker.commit(join.groupId, memberId, generation, [commit]);
      },
    });
  }
}
