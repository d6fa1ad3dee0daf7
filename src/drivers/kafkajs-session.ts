/**
 * Why this exists: one membership of one consumer group, over kafkajs's public API alone. kafkajs
 * fetches and hands over at once; ownership, positions and commits are decided by `Routes`,
 * `Flow`, `Membership` and `Commits`, and this file wires them to its events.
 */
import type { Admin, Consumer, ConsumerGroupJoinEvent, EachBatchPayload, LogEntry } from "kafkajs";
import type { DriverError } from "../ports/driver-error.ts";
import type {
  AssignedPartition,
  CommitResult,
  JoinOptions,
  PartitionCommit,
  PartitionPosition,
  Route,
  Session,
  SessionEvents,
} from "../ports/log-driver.ts";
import { failed, ok, type Result } from "../ports/result.ts";
import { consumerConfig, createClient, HANDLERS, type KafkajsOptions } from "./kafkajs-client.ts";
import { Commits } from "./kafkajs-commits.ts";
import { delay } from "./kafkajs-delay.ts";
import { closedError, driverError, rebalanceReason } from "./kafkajs-errors.ts";
import { Flow } from "./kafkajs-flow.ts";
import { Membership } from "./kafkajs-membership.ts";
import { readBeforeJoin, readPositions } from "./kafkajs-positions.ts";
import { LogRanges } from "./kafkajs-ranges.ts";
import { createRoutes, type Routes } from "./routes.ts";

/** How long `close` waits for the broker's answer, in milliseconds. */
const CLOSE_MS = 5_000;

export class KafkajsSession implements Session {
  readonly #options: JoinOptions;
  readonly #events: SessionEvents;
  readonly #consumer: Consumer;
  readonly #admin: Admin;
  readonly #routes: Routes;
  readonly #membership: Membership;
  readonly #commits: Commits;
  readonly #flow: Flow;
  readonly #abort = (): void => void this.close();
  #beforeJoin: PartitionPosition[] = [];
  #launched = false;
  /** kafkajs has no consumer group object any more, and throws at whoever talks to it. */
  #stopped = false;
  #over = false;
  readonly #committing = new Set<Promise<CommitResult>>();
  #closed: Promise<void> | null = null;
  /** Resolves when the first join is over: kafkajs fetches, or never will. */
  #starting: Promise<void> = Promise.resolve();

  /** A client of its own: consumers of one client and one group share a cache of offsets. */
  constructor(
    driver: KafkajsOptions,
    options: JoinOptions,
    events: SessionEvents,
    nextEpoch: () => number,
  ) {
    this.#options = options;
    this.#events = events;
    const now = () => performance.now();
    this.#membership = new Membership({
      ...options,
      now,
      revoking: () => this.#guard(() => this.#over || this.#events.revoking()),
      heartbeat: () => void this.#heartbeat(),
    });
    const client = createClient(driver, (entry) => this.#logged(entry));
    this.#admin = client.admin();
    this.#consumer = client.consumer({
      ...consumerConfig(driver, options),
      partitionAssigners: [this.#membership.assigner],
    });
    this.#routes = createRoutes(nextEpoch);
    this.#commits = new Commits(this.#consumer, this.#membership);
    this.#flow = new Flow({
      consumer: this.#consumer,
      routes: this.#routes,
      ranges: new LogRanges(this.#admin),
      now,
      frozen: () => this.#over || this.#stopped || this.#membership.joining,
      guard: (call) => this.#guard(call),
    });
    this.#listen();
    if (options.signal.aborted) void this.close();
    else options.signal.addEventListener("abort", this.#abort, { once: true });
    setImmediate(() => {
      this.#starting = this.#start();
    });
  }

  async positions(): Promise<Result<PartitionPosition[], DriverError>> {
    if (this.#over) return failed(closedError());
    const { groupId, topics } = this.#options;
    // A commit that is still on its way would make the answer old before it is read.
    await Promise.allSettled(this.#committing);
    try {
      return ok(await readPositions(this.#admin, groupId, topics));
    } catch (error) {
      return failed(driverError(error, `Asking for the offsets of ${groupId}`));
    }
  }

  attach(route: Route): boolean {
    return this.#flow.attach(route);
  }

  detach(partition: AssignedPartition): void {
    this.#flow.detach(partition);
  }

  pause(partition: AssignedPartition): void {
    this.#flow.pause(partition);
  }

  resume(partition: AssignedPartition): void {
    this.#flow.resume(partition);
  }

  commit(commits: readonly PartitionCommit[]): Promise<CommitResult> {
    const answer = this.#commit(commits).finally(() => this.#committing.delete(answer));
    this.#committing.add(answer);
    return answer;
  }

  async #commit(commits: readonly PartitionCommit[]): Promise<CommitResult> {
    // kafkajs drops a commit, and says nothing, while it has not begun to fetch.
    if (!this.#commits.ready && !this.#membership.joining) await this.#starting;
    // From here to the request everything is synchronous: what is fenced now is not sent.
    if (this.#over || this.#stopped) return { status: "failed", error: closedError() };
    if (this.#membership.joining) return { status: "rebalancing", reason: "joining" };
    const { live, fenced } = this.#routes.fence(commits);
    if (live.length === 0) return { status: "committed", fenced };
    try {
      await this.#commits.send(live);
      return { status: "committed", fenced };
    } catch (error) {
      const reason = rebalanceReason(error);
      if (reason === undefined)
        return { status: "failed", error: driverError(error, "Committing") };
      if (reason === "UNKNOWN_MEMBER_ID") this.#membership.expelled();
      return { status: "rebalancing", reason };
    }
  }

  rejoin(): void {
    this.#membership.rejoin();
  }

  confirmed(): boolean {
    return !this.#over && this.#membership.confirmed();
  }

  owns(partition: AssignedPartition): boolean {
    return this.confirmed() && this.#routes.current(partition) !== undefined;
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #start(): Promise<void> {
    const { groupId, topics, resetPolicy } = this.#options;
    try {
      if (this.#over) return;
      await Promise.all([this.#admin.connect(), this.#consumer.connect()]);
      if (this.#over) return;
      // A run after a refused subscription would join with nothing and idle for ever.
      const fromBeginning = resetPolicy === "earliest";
      await this.#consumer.subscribe({ topics: [...topics], fromBeginning });
      this.#beforeJoin = await readBeforeJoin(this.#admin, groupId, topics);
      if (this.#over) return;
      this.#launched = true;
      await this.#consumer.run({
        autoCommit: false,
        eachBatchAutoResolve: true,
        partitionsConsumedConcurrently: HANDLERS,
        eachBatch: async (payload) => this.#batch(payload),
      });
    } catch (error) {
      this.#lose(driverError(error, `Joining ${groupId} for ${topics.join(", ")}`));
    }
  }

  /** kafkajs calls these synchronously where it emits; a throw would go through its own code. */
  #listen(): void {
    const { on, events } = this.#consumer;
    on(events.GROUP_JOIN, (event) => this.#joined(event));
    on(events.REQUEST, ({ payload }) => {
      this.#membership.answered(payload.apiName, payload.duration);
    });
    on(events.HEARTBEAT, () => this.#membership.confirm("Heartbeat"));
    on(events.COMMIT_OFFSETS, (event) => {
      this.#membership.confirm("OffsetCommit");
      this.#commits.stored(event);
    });
    on(events.START_BATCH_PROCESS, (event) => {
      if (event.payload.batchSize === 0) this.#flow.skipped(event);
    });
    on(events.STOP, () => {
      this.#stopped = true;
    });
    on(events.CRASH, ({ payload }) => {
      this.#lose(driverError(payload.error, `The session of ${this.#options.groupId} ended`));
    });
  }

  #joined({ payload: { memberId, memberAssignment } }: ConsumerGroupJoinEvent): void {
    const continuous = this.#membership.joined(memberId);
    if (this.#over) return;
    const partitions = Object.entries(memberAssignment).flatMap(([topic, numbers]) =>
      numbers.map((partition) => ({ topic, partition })),
    );
    const owned = this.#routes.assign(partitions, continuous);
    this.#flow.reassigned(owned);
    this.#guard(() =>
      this.#events.assigned({
        memberId,
        // kafkajs tells the generation only later, with its heartbeats.
        generation: null,
        partitions: owned.map(({ topic, partition, epoch }) => ({ topic, partition, epoch })),
        beforeJoin: this.#beforeJoin,
      }),
    );
  }

  #batch({ batch, isStale, commitOffsetsIfNecessary, heartbeat }: EachBatchPayload): void {
    if (this.#over) return;
    this.#commits.keep({ commitOffsetsIfNecessary, heartbeat });
    this.#flow.batch(batch, isStale());
  }

  async #heartbeat(): Promise<void> {
    try {
      await this.#commits.heartbeat();
    } catch (error) {
      const reason = rebalanceReason(error);
      // Being told of the rebalance proves that the broker still counts us.
      if (reason === "REBALANCE_IN_PROGRESS") this.#membership.confirm("Heartbeat");
      else if (reason !== undefined) this.#membership.expelled();
    }
  }

  /** The only place where kafkajs tells that it moves a position by itself. */
  #logged({ log }: LogEntry): void {
    if (!log.message.startsWith("Offset out of range, resetting")) return;
    const { topic, partition } = log;
    if (typeof topic === "string") this.#flow.resetting(topic, Number(partition));
  }

  #guard(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.#lose(driverError(error, "A listener of the session threw"));
    }
  }

  #lose(error: DriverError): void {
    if (this.#over) return;
    this.#end();
    this.#guard(() => this.#events.lost(error));
    void this.close();
  }

  #end(): void {
    this.#over = true;
    this.#options.signal.removeEventListener("abort", this.#abort);
    this.#routes.clear();
    this.#flow.close();
  }

  #close(): Promise<void> {
    this.#end();
    const patience = new AbortController();
    const left = this.#leave().finally(() => patience.abort());
    return Promise.race([left, delay(CLOSE_MS, patience.signal)]);
  }

  async #leave(): Promise<void> {
    this.#membership.close();
    if (!this.#launched) {
      await this.#disconnect();
      // A connection that was being made meanwhile ends as soon as it stands.
      void this.#starting.then(() => this.#disconnect());
      return;
    }
    // kafkajs cannot leave a group it is still joining: it would drop the connection and stay a
    // member until the session timeout. So the first join is waited for, beyond `close` if need be.
    await this.#starting;
    await this.#disconnect();
    this.#commits.forget();
  }

  async #disconnect(): Promise<void> {
    await Promise.allSettled([this.#consumer.disconnect(), this.#admin.disconnect()]);
  }
}
