/**
 * Why this exists: kafkajs keeps pauses and seeks of partitions it no longer owns, rewinds kept
 * ones to the committed offset at every rejoin, and moves its position past batches nobody took.
 * So one rule holds here: whenever fetching of a partition starts, it is sought to our own
 * position first, and whatever is not to be fetched is paused again in every generation.
 */
import type { Batch, Consumer, ConsumerStartBatchProcessEvent } from "kafkajs";
import type { AssignedPartition, Route } from "../ports/log-driver.ts";
import { partitionKey, type TopicPartition } from "../ports/record.ts";
import type { LogRanges, Range } from "./kafkajs-ranges.ts";
import type { Fetched, Owned, Routes } from "./routes.ts";

/** How long after a range check that failed it is tried again, in milliseconds. */
const CHECK_AGAIN_MS = 500;
/**
 * After a pause shorter than this, in milliseconds, the range is not asked again. Retention that
 * strikes just then is met by kafkajs's own reset, which `Routes.deliver` recognizes by its jump.
 */
const SHORT_PAUSE_MS = 1_000;

export interface FlowOptions {
  readonly consumer: Pick<Consumer, "pause" | "resume" | "seek">;
  readonly routes: Routes;
  readonly ranges: LogRanges;
  now(): number;
  /** kafkajs must not be told anything now: the assignment it has in mind is not ours. */
  frozen(): boolean;
  /** Runs a call into a route; a route that throws ends the session, not kafkajs's fetch loop. */
  guard(call: () => void): void;
}

/** What `Owned` does not say about a partition. */
interface Gate {
  /** Changes whenever a range check under way has lost its meaning. */
  ticket: number;
  checking: boolean;
  /** Whether the position was ever found within the log since the last attach. */
  verified: boolean;
  /** Found outside the log: nothing is fetched until a new attach. */
  outside: boolean;
  /** kafkajs has moved the position, and destroyed the committed offset, whatever the log holds now. */
  reset: boolean;
  pausedAt: number;
}

type Position = Pick<Fetched, "fetchedOffset" | "nextOffset" | "highWatermark" | "messages">;

export class Flow {
  readonly #options: FlowOptions;
  readonly #gates = new WeakMap<Owned, Gate>();
  #table = new Map<string, Owned>();

  constructor(options: FlowOptions) {
    this.#options = options;
  }

  attach(route: Route): boolean {
    const owned = this.#options.routes.attach(route);
    if (owned === undefined) return false;
    Object.assign(this.#gate(owned), { verified: false, outside: false, reset: false });
    this.#halt(owned);
    void this.#check(owned);
    return true;
  }

  detach(partition: AssignedPartition): void {
    const owned = this.#options.routes.detach(partition);
    if (owned !== undefined) this.#halt(owned);
  }

  pause(partition: AssignedPartition): void {
    const owned = this.#routed(partition);
    if (owned === undefined) return;
    if (!owned.paused) this.#gate(owned).pausedAt = this.#options.now();
    owned.paused = true;
    this.#halt(owned);
  }

  resume(partition: AssignedPartition): void {
    const owned = this.#routed(partition);
    if (owned === undefined || !owned.paused) return;
    const gate = this.#gate(owned);
    if (gate.checking || gate.outside) return;
    const short = this.#options.now() - gate.pausedAt < SHORT_PAUSE_MS;
    if (gate.verified && short) this.#go(owned);
    else void this.#check(owned);
  }

  /** In the listener of GROUP_JOIN: kafkajs fetches nothing before this has returned. */
  reassigned(all: readonly Owned[]): void {
    this.#table = new Map(all.map((owned) => [partitionKey(owned.topic, owned.partition), owned]));
    for (const owned of all) {
      if (owned.route === null || owned.paused) this.#tellPause(owned);
      else this.#tellGo(owned);
    }
  }

  /**
   * kafkajs is about to commit -1 or -2 for this partition and to start elsewhere: it must not,
   * and there may be no record for long that would tell.
   */
  resetting(topic: string, partition: number): void {
    const owned = this.#table.get(partitionKey(topic, partition));
    if (owned === undefined || owned.route === null) return;
    owned.paused = true;
    this.#halt(owned);
    this.#gate(owned).reset = true;
    void this.#check(owned);
  }

  /** `stale`: a seek is pending that this batch does not know of. */
  batch(batch: Batch, stale: boolean): void {
    const owned = this.#open(batch);
    if (owned === undefined || stale) return;
    this.#take(owned, {
      messages: batch.messages,
      fetchedOffset: fetchedOffset(batch),
      nextOffset: Number(batch.lastOffset()) + 1,
      highWatermark: Number(batch.highWatermark),
    });
  }

  /**
   * Batches of nothing but control and aborted records never reach `eachBatch`; without their
   * offsets a commit would stay behind the log's end. The event does not say from where they were
   * fetched: from our position, since a reset stops the fetching.
   */
  skipped({ payload }: ConsumerStartBatchProcessEvent): void {
    const owned = this.#open(payload);
    if (owned === undefined) return;
    this.#take(owned, {
      messages: [],
      fetchedOffset: owned.position,
      nextOffset: Number(payload.lastOffset) + 1,
      highWatermark: Number(payload.highWatermark),
    });
  }

  close(): void {
    this.#table = new Map();
  }

  /** The partition of a batch, if anybody wants it now. */
  #open({ topic, partition }: TopicPartition): Owned | undefined {
    if (this.#options.frozen()) return undefined;
    const owned = this.#table.get(partitionKey(topic, partition));
    return owned === undefined || owned.route === null || owned.paused ? undefined : owned;
  }

  #take(owned: Owned, fetch: Position): void {
    const { topic, partition } = owned;
    if (fetch.fetchedOffset < owned.position) {
      // A reset to an earlier place: the log ends below our position, or we are about to be sought.
      owned.paused = true;
      this.#halt(owned);
      void this.#check(owned);
      return;
    }
    this.#options.guard(() => this.#options.routes.deliver({ topic, partition, ...fetch }));
  }

  #routed(partition: AssignedPartition): Owned | undefined {
    const owned = this.#options.routes.current(partition);
    return owned === undefined || owned.route === null ? undefined : owned;
  }

  #gate(owned: Owned): Gate {
    const known = this.#gates.get(owned);
    if (known !== undefined) return known;
    const none = { verified: false, outside: false, reset: false };
    const gate: Gate = { ticket: 0, checking: false, pausedAt: 0, ...none };
    this.#gates.set(owned, gate);
    return gate;
  }

  #halt(owned: Owned): void {
    const gate = this.#gate(owned);
    gate.ticket++;
    gate.checking = false;
    this.#tellPause(owned);
  }

  #go(owned: Owned): void {
    owned.paused = false;
    this.#tellGo(owned);
  }

  /** Starts fetching once the position is found within the log, however long the broker is away. */
  async #check(owned: Owned): Promise<void> {
    const gate = this.#gate(owned);
    const ticket = ++gate.ticket;
    gate.checking = true;
    const wanted = () => gate.ticket === ticket && this.#options.routes.current(owned) === owned;
    while (wanted()) {
      const range = await this.#range(owned);
      if (!wanted()) return;
      if (range !== undefined) {
        gate.checking = false;
        this.#settle(owned, gate, range);
        return;
      }
      await new Promise((wake) => setTimeout(wake, CHECK_AGAIN_MS).unref());
    }
  }

  async #range({ topic, partition }: TopicPartition): Promise<Range | undefined> {
    try {
      return (await this.#options.ranges.of(topic)).get(partition);
    } catch {
      return undefined;
    }
  }

  #settle(owned: Owned, gate: Gate, range: Range): void {
    const { position, route } = owned;
    if (gate.reset || position < range.earliest || position > range.latest) {
      gate.outside = true;
      this.#options.guard(() => route?.outOfRange({ position, ...range }));
      return;
    }
    gate.verified = true;
    this.#go(owned);
  }

  #tellPause({ topic, partition }: TopicPartition): void {
    if (this.#options.frozen()) return;
    this.#options.consumer.pause([{ topic, partitions: [partition] }]);
  }

  #tellGo({ topic, partition, position }: Owned): void {
    if (this.#options.frozen()) return;
    this.#options.consumer.seek({ topic, partition, offset: String(position) });
    this.#options.consumer.resume([{ topic, partitions: [partition] }]);
  }
}

/** The batch object has it, kafkajs's types do not. */
function fetchedOffset(batch: Batch & { readonly fetchedOffset?: string }): number {
  return Number(batch.fetchedOffset ?? batch.firstOffset());
}
