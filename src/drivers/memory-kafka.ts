/**
 * Why this exists: a whole Kafka in memory, so that tests, the demo and the simulator need no
 * broker. It passes the same contract suite as kafkajs on Apache Kafka and is never kinder: all its
 * time is the host's, so under a virtual host the same calls give the same life, every time.
 */
import type { Host } from "../kernel/host.ts";
import { nodeHost } from "../node/node-host.ts";
import type { DriverError } from "../ports/driver-error.ts";
import type { LogDriver } from "../ports/log-driver.ts";
import type { OutgoingMessage } from "../ports/record.ts";
import type { Result } from "../ports/result.ts";
import { type AppliedCommit, MemoryBroker } from "./memory-broker.ts";
import type { GroupCommit, GroupDescription } from "./memory-protocol.ts";
import { MemorySession } from "./memory-session.ts";
import { memorySink } from "./memory-sink.ts";
import { type Passage, type RequestKind, Wire } from "./memory-wire.ts";

export type { AppliedCommit } from "./memory-broker.ts";
export type { GroupCommit, GroupDescription } from "./memory-protocol.ts";

/** All times in milliseconds. */
export interface MemoryKafkaOptions {
  /** Default: Node's clock and timers. */
  readonly host?: Host;
  /** What each request of a client meets on its way; default 1 ms there and 1 ms back. */
  readonly passage?: (kind: RequestKind, client: Host) => Passage;
  readonly topics?: Readonly<Record<string, { readonly partitions: number }>>;
  /** How long a fetch that finds nothing waits for something. Default 100. */
  readonly fetchMaxWaitMs?: number;
  /** How long a session tries to reach a broker before it is lost. Default 10 000. */
  readonly giveUpMs?: number;
  /** How often a group's leader looks for added partitions. Default 5 000. */
  readonly metadataMaxAgeMs?: number;
}

/** Admin calls act at once; a topic, partition or member that does not exist throws TypeError. */
export interface MemoryKafka extends LogDriver {
  /** A client in a process of its own: all its time is its host's. */
  connect(client: Host): LogDriver;
  createTopic(topic: string, options: { readonly partitions: number }): void;
  /** Raises the number of partitions to `count`. */
  addPartitions(topic: string, count: number): void;
  append(topic: string, partition: number, messages: readonly OutgoingMessage[]): number[];
  /** Uses up `count` offsets that are never delivered, as transaction markers do. */
  appendControl(topic: string, partition: number, count: number): void;
  compact(topic: string, partition: number, keepOffset: (offset: number) => boolean): void;
  /** Retention: the log begins at `before` from now on. */
  deleteRecords(topic: string, partition: number, before: number): void;
  earliest(topic: string, partition: number): number;
  end(topic: string, partition: number): number;
  /** The offset of the first record at or above `offset`; null: there is none, or none any more. */
  nextRecord(topic: string, partition: number, offset: number): number | null;
  /** The value of the record at `offset`, as text; undefined: there is none, or none any more. */
  valueAt(topic: string, partition: number, offset: number): string | null | undefined;
  /** What the broker holds for a group, raw: negative offsets as they are. */
  committed(groupId: string): GroupCommit[];
  /** Sets an offset of a group without members, negative ones too. */
  setCommitted(groupId: string, commit: GroupCommit): void;
  /** Sends a commit as a member would, past the client's fence; answers the broker's refusal. */
  commitAs(commit: AppliedCommit): string | null;
  /** Called for every commit when the broker has applied it, before its answer is on its way. */
  onCommit(listener: (commit: AppliedCommit) => void): () => void;
  describe(groupId: string): GroupDescription;
  /** Has a group without cause go through a rebalance, as when a member changes what it asks for. */
  rebalance(groupId: string): void;
  /** The broker process ends. Logs, commits and the last complete generations are kept. */
  stop(): void;
  /** The broker process is back; members have one session timeout to show themselves. */
  start(): void;
  /** The member's client does nothing from now on, as after SIGSTOP. */
  freeze(memberId: string): void;
  thaw(memberId: string): void;
  /** Breaks the member's connection once: answers that have not arrived are lost. */
  drop(memberId: string): void;
  /** Breaks the member's connection until `reconnect`. */
  disconnect(memberId: string): void;
  reconnect(memberId: string): void;
}

export function memoryKafka(options: MemoryKafkaOptions = {}): MemoryKafka {
  const { host = nodeHost, passage = () => USUAL } = options;
  const broker = new MemoryBroker(host, passage);
  for (const [topic, { partitions }] of Object.entries(options.topics ?? {})) {
    broker.createTopic(topic, partitions);
  }
  const sessions = new Set<MemorySession>();
  const connect = (of: Host): LogDriver => client(broker, of, sessions, options);
  return { ...connect(host), connect, ...admin(broker), ...faults(broker, sessions) };
}

const USUAL: Passage = { outMs: 1, backMs: 1 };

function client(
  broker: MemoryBroker,
  host: Host,
  sessions: Set<MemorySession>,
  options: MemoryKafkaOptions,
): LogDriver {
  const { fetchMaxWaitMs = 100, giveUpMs = 10_000, metadataMaxAgeMs = 5_000 } = options;
  const timing = { fetchMaxWaitMs, giveUpMs, metadataMaxAgeMs };
  let epochs = 0;
  return {
    name: "memory",
    join(join, events) {
      const session = new MemorySession({
        broker,
        host,
        join,
        events,
        timing,
        nextEpoch: () => ++epochs,
        onEnd: (ended) => sessions.delete(ended),
      });
      sessions.add(session);
      return session.asSession();
    },
    sink: ({ signal }) => memorySink(broker, host, signal),
    partitions: (topics) =>
      new Promise((resolve) => {
        const wire = new Wire(broker, host);
        wire.request<Result<number[], DriverError>>(
          "partitions",
          (reply) => reply(broker.counts(topics)),
          (answer) => {
            wire.close();
            resolve(answer.ok ? answer.value : answer);
          },
        );
      }),
  };
}

type Admin = Omit<MemoryKafka, keyof LogDriver | keyof Faults | "connect">;

function admin(broker: MemoryBroker): Admin {
  return {
    createTopic: (topic, { partitions }) => broker.createTopic(topic, partitions),
    addPartitions: (topic, count) => broker.addPartitions(topic, count),
    append: (topic, partition, messages) => broker.append(topic, partition, messages),
    appendControl: (topic, partition, count) => broker.log(topic, partition).appendControl(count),
    compact: (topic, partition, keep) => broker.log(topic, partition).compact(keep),
    deleteRecords: (topic, partition, before) => broker.log(topic, partition).deleteRecords(before),
    earliest: (topic, partition) => broker.log(topic, partition).earliest,
    end: (topic, partition) => broker.log(topic, partition).end,
    nextRecord: (topic, partition, offset) => broker.log(topic, partition).nextRecord(offset),
    valueAt: (topic, partition, offset) => broker.log(topic, partition).valueAt(offset),
    committed: (groupId) => broker.group(groupId).committed(),
    setCommitted(groupId, commit) {
      broker.log(commit.topic, commit.partition);
      const error = broker.commit(groupId, "", -1, [commit]);
      if (error !== null) throw new TypeError(`group ${groupId} has members: ${error}`);
    },
    commitAs: ({ groupId, memberId, generation, ...commit }) =>
      broker.commit(groupId, memberId, generation, [commit]),
    onCommit: (listener) => broker.onCommit(listener),
    describe: (groupId) => broker.group(groupId).describe(),
    rebalance(groupId) {
      // A coordinator that is down divides nothing.
      if (broker.up) broker.group(groupId).rebalance();
    },
  };
}

type Faults = Pick<
  MemoryKafka,
  "stop" | "start" | "freeze" | "thaw" | "drop" | "disconnect" | "reconnect"
>;

function faults(broker: MemoryBroker, sessions: ReadonlySet<MemorySession>): Faults {
  const wireOf = (memberId: string): Wire => {
    for (const session of sessions) if (session.memberId === memberId) return session.wire;
    throw new TypeError(`no session of member ${memberId}`);
  };
  return {
    stop: () => broker.stop(),
    start: () => broker.start(),
    freeze: (memberId) => wireOf(memberId).freeze(),
    thaw: (memberId) => wireOf(memberId).thaw(),
    drop: (memberId) => wireOf(memberId).drop(),
    disconnect: (memberId) => wireOf(memberId).cut(),
    reconnect: (memberId) => wireOf(memberId).mend(),
  };
}
