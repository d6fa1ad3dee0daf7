/**
 * Why this exists: the broker's half of the in-memory Kafka: topics, groups, and what it does with
 * each request. It is one process that can stop and start; logs and committed offsets survive.
 */
import type { Host } from "../kernel/host.ts";
import { DriverError } from "../ports/driver-error.ts";
import type { PartitionPosition } from "../ports/log-driver.ts";
import { type OutgoingMessage, partitionKey, type Stored } from "../ports/record.ts";
import { failed, ok, type Result } from "../ports/result.ts";
import { MemoryGroup } from "./memory-group.ts";
import { MemoryLog, recordBytes, whyNoRecord } from "./memory-log.ts";
import type { GroupCommit, GroupError } from "./memory-protocol.ts";
import type { Network, Passage, RequestKind, Wire } from "./memory-wire.ts";
import type { Fetched } from "./routes.ts";

/** Kafka's own default of `message.max.bytes`. */
const MAX_MESSAGE_BYTES = 1_048_588;

/** A commit as the broker applied it, whoever sent it. */
export interface AppliedCommit extends GroupCommit {
  readonly groupId: string;
  readonly memberId: string;
  readonly generation: number;
}

export interface FetchPosition {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

export interface FetchAnswer extends FetchPosition {
  /** Null where the offset is out of the log's range. */
  readonly fetched: Fetched | null;
}

export class MemoryBroker implements Network {
  readonly host: Host;
  readonly passage: (kind: RequestKind, client: Host) => Passage;
  readonly wires = new Set<Wire>();
  up = true;
  readonly #topics = new Map<string, MemoryLog[]>();
  readonly #groups = new Map<string, MemoryGroup>();
  readonly #commitListeners = new Set<(commit: AppliedCommit) => void>();
  #memberIds = 0;
  #dealt = 0;

  constructor(host: Host, passage: (kind: RequestKind, client: Host) => Passage) {
    this.host = host;
    this.passage = passage;
  }

  stop(): void {
    if (!this.up) return;
    this.up = false;
    for (const group of this.#groups.values()) group.halt();
    for (const wire of [...this.wires]) wire.drop();
  }

  start(): void {
    if (this.up) return;
    this.up = true;
    for (const group of this.#groups.values()) group.load();
  }

  createTopic(topic: string, partitions: number): void {
    if (this.#topics.has(topic)) throw new TypeError(`topic ${topic} exists`);
    const logs: MemoryLog[] = [];
    grow(topic, logs, partitions);
    this.#topics.set(topic, logs);
  }

  addPartitions(topic: string, count: number): void {
    const logs = this.#topics.get(topic);
    if (logs === undefined) throw new TypeError(`no topic ${topic}`);
    grow(topic, logs, count);
  }

  /** For requests of a client that may be wrong about what exists. */
  find(topic: string, partition: number): MemoryLog | undefined {
    return this.#topics.get(topic)?.[partition];
  }

  /** For admin calls, where a wrong name is the programmer's error. */
  log(topic: string, partition: number): MemoryLog {
    const log = this.find(topic, partition);
    if (log === undefined) throw new TypeError(`no partition ${partitionKey(topic, partition)}`);
    return log;
  }

  group(groupId: string): MemoryGroup {
    const known = this.#groups.get(groupId);
    if (known !== undefined) return known;
    const nextId = (): string => `${groupId}-${++this.#memberIds}`;
    const group = new MemoryGroup(groupId, this.host, nextId);
    this.#groups.set(groupId, group);
    return group;
  }

  onCommit(listener: (commit: AppliedCommit) => void): () => void {
    this.#commitListeners.add(listener);
    return () => this.#commitListeners.delete(listener);
  }

  commit(
    groupId: string,
    memberId: string,
    generation: number,
    commits: readonly GroupCommit[],
  ): GroupError | null {
    const error = this.group(groupId).commit(memberId, generation, commits);
    if (error !== null) return error;
    for (const { topic, partition, offset, metadata } of commits) {
      const applied = { groupId, memberId, generation, topic, partition, offset, metadata };
      for (const listener of [...this.#commitListeners]) listener(applied);
    }
    return null;
  }

  counts(topics: readonly string[]): Result<number[], DriverError> {
    const counts: number[] = [];
    for (const topic of topics) {
      const logs = this.#topics.get(topic);
      if (logs === undefined) return failed(unknownTopic(topic));
      counts.push(logs.length);
    }
    return ok(counts);
  }

  positions(groupId: string, topics: readonly string[]): Result<PartitionPosition[], DriverError> {
    const positions: PartitionPosition[] = [];
    for (const topic of topics) {
      const logs = this.#topics.get(topic);
      if (logs === undefined) return failed(unknownTopic(topic));
      for (const log of logs) positions.push(this.#position(groupId, log));
    }
    return ok(positions);
  }

  /** Answers at once where there is anything to tell, else when something comes or `maxWaitMs` ends. */
  fetch(
    asked: readonly FetchPosition[],
    options: { readonly maxBytes: number; readonly maxWaitMs: number },
    reply: (answers: FetchAnswer[]) => void,
  ): void {
    const found = this.#read(asked, options.maxBytes);
    if (found.length > 0) {
      reply(found);
      return;
    }
    const forget: (() => void)[] = [];
    let waiting = true;
    const finish = (): void => {
      if (!waiting) return;
      waiting = false;
      for (const each of forget) each();
      reply(this.#read(asked, options.maxBytes));
    };
    forget.push(this.host.timer(options.maxWaitMs, finish));
    for (const each of asked) {
      const log = this.find(each.topic, each.partition);
      if (log !== undefined) forget.push(log.wait(finish));
    }
  }

  /** Stores all of `messages` or nothing. */
  produce(topic: string, messages: readonly OutgoingMessage[]): Result<Stored[], DriverError> {
    const logs = this.#topics.get(topic);
    if (logs === undefined) return failed(unknownTopic(topic));
    const targets: MemoryLog[] = [];
    for (const message of messages) {
      const why = whyNoRecord(message);
      if (why !== null) return failed(invalid(topic, why));
      const partition = message.partition ?? this.#choose(message, logs.length);
      const log = logs[partition];
      if (log === undefined) return failed(unknownPartition(topic, partition));
      if (recordBytes(message) > MAX_MESSAGE_BYTES) return failed(tooLarge(topic, partition));
      targets.push(log);
    }
    return ok(
      targets.map(({ topic, partition }, index) => {
        const message = messages[index];
        const offsets = message === undefined ? [] : this.append(topic, partition, [message]);
        return { topic, partition, offset: offsets[0] ?? -1 };
      }),
    );
  }

  append(topic: string, partition: number, messages: readonly OutgoingMessage[]): number[] {
    return this.log(topic, partition).append(messages, this.host.wallNow());
  }

  #position(groupId: string, log: MemoryLog): PartitionPosition {
    const { topic, partition, earliest, end: latest } = log;
    const held = this.group(groupId).committedOf(topic, partition);
    const commit = held !== undefined && held.offset >= 0 ? held : undefined;
    const { offset: committed = null, metadata = "" } = commit ?? {};
    return { topic, partition, committed, metadata, earliest, latest };
  }

  #read(asked: readonly FetchPosition[], maxBytes: number): FetchAnswer[] {
    const found: FetchAnswer[] = [];
    for (const { topic, partition, offset } of asked) {
      const log = this.find(topic, partition);
      if (log === undefined) continue;
      const read = log.holds(offset) ? log.read(offset, maxBytes) : null;
      const fetched = read === null ? null : { topic, partition, fetchedOffset: offset, ...read };
      if (fetched !== null || !log.holds(offset)) found.push({ topic, partition, offset, fetched });
    }
    return found;
  }

  #choose(message: OutgoingMessage, count: number): number {
    const { key } = message;
    if (key === undefined || key === null) return this.#dealt++ % count;
    return hash(Buffer.from(key)) % count;
  }
}

/** FNV-1a: any stable hash will do, since no test may depend on Kafka's own choice. */
function hash(bytes: Buffer): number {
  let value = 0x811c9dc5;
  for (const byte of bytes) value = Math.imul(value ^ byte, 0x01000193);
  return value >>> 0;
}

function grow(topic: string, logs: MemoryLog[], count: number): void {
  if (!Number.isInteger(count) || count <= logs.length) {
    const allowed = `a whole number from ${logs.length + 1}`;
    throw new TypeError(`${topic}: ${count} partitions are not allowed; allowed: ${allowed}`);
  }
  while (logs.length < count) logs.push(new MemoryLog(topic, logs.length));
}

const invalid = (topic: string, why: string): DriverError =>
  new DriverError("failed", `${topic}: ${why}`, { retriable: false });

const unknownTopic = (topic: string): DriverError =>
  new DriverError("unknown_topic", `no topic ${topic}`, { retriable: false });

const unknownPartition = (topic: string, partition: number): DriverError =>
  new DriverError("unknown_partition", `no partition ${partitionKey(topic, partition)}`, {
    retriable: false,
  });

const tooLarge = (topic: string, partition: number): DriverError =>
  new DriverError("record_too_large", `${partitionKey(topic, partition)}: record too large`, {
    retriable: false,
  });
