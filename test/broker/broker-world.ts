/**
 * Why this exists: groups on a real broker, in this process, with a judge that sees what handlers
 * did and asks the broker, through kafkajs's own clients, what was committed.
 */
import { createSystem, type Ref, type System, type SystemEvent } from "holdfast";
import {
  type ConsumerGroupOptions,
  consumerGroup,
  type EachMessage,
  type EachMessagePayload,
  groupNames,
} from "holdfast/kafka";
import { type Admin, Kafka, logLevel, Partitioners, type Producer } from "kafkajs";
import { acker } from "../../actors/acker.ts";
import { groupManager } from "../../actors/group-manager.ts";
import { kafkajs } from "../../src/drivers/kafkajs.ts";
import { patiently } from "../../src/drivers/kafkajs-patience.ts";

export interface Start {
  readonly member: string;
  readonly partition: number;
  readonly offset: number;
  readonly at: number;
}

export interface BrokerMember {
  readonly system: System;
  readonly events: SystemEvent[];
  acker(): Ref;
  manager(): Ref;
  stop(): Promise<void>;
}

export interface BrokerWorld {
  readonly topic: string;
  readonly groupId: string;
  readonly admin: Admin;
  readonly starts: Start[];
  readonly done: Start[];
  send(partition: number, count: number): Promise<void>;
  /** `sync`: a handler that is used as it is, with no promise around it and no entry in `starts`. */
  join(
    name: string,
    options?: Partial<ConsumerGroupOptions> & { readonly sync?: EachMessage },
  ): Promise<BrokerMember>;
  committed(): Promise<number[]>;
  members(): Promise<string[]>;
  offsets(partition: number): number[];
  close(): Promise<void>;
}

let worlds = 0;

export async function brokerWorld(bootstrap: string, partitions: number): Promise<BrokerWorld> {
  const kafka = new Kafka({ brokers: [bootstrap], logLevel: logLevel.NOTHING });
  const admin = kafka.admin();
  const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner });
  await Promise.all([admin.connect(), producer.connect()]);
  const topic = `orders-${process.pid}-${++worlds}`;
  const groupId = `billing-${process.pid}-${worlds}`;
  await admin.createTopics({
    topics: [{ topic, numPartitions: partitions }],
    waitForLeaders: true,
  });
  const starts: Start[] = [];
  const done: Start[] = [];
  const systems: System[] = [];

  return {
    topic,
    groupId,
    admin,
    starts,
    done,
    send: (partition, count) => sendNumbers(producer, topic, partition, count),
    async join(name, options = {}) {
      const system = createSystem({ name, logger: false });
      systems.push(system);
      const events: SystemEvent[] = [];
      system.observe((event) => {
        if (event.type !== "sent" && event.type !== "handled") events.push(event);
      });
      const { eachMessage, sync, ...rest } = options;
      const handle = async (payload: EachMessagePayload): Promise<void> => {
        const { partition, message } = payload;
        const start = { member: name, partition, offset: Number(message.offset) };
        starts.push({ ...start, at: performance.now() });
        await eachMessage?.(payload);
        done.push({ ...start, at: performance.now() });
      };
      const spec = consumerGroup({
        groupId,
        topics: [topic],
        source: kafkajs({ brokers: [bootstrap] }),
        name,
        sessionTimeout: 10_000,
        heartbeatInterval: 500,
        rebalanceTimeout: 30_000,
        eachMessage: sync ?? handle,
        ...rest,
      });
      await system.start(spec);
      const names = groupNames(name);
      const need = (ref: Ref | undefined): Ref => {
        if (ref === undefined) throw new Error("not running");
        return ref;
      };
      return {
        system,
        events,
        acker: () => need(system.whereis(names.acker, acker)),
        manager: () => need(system.whereis(names.manager, groupManager)),
        stop: () => system.stop(),
      };
    },
    async committed() {
      // The coordinator of a group that nobody has asked for yet says first that it is loading.
      const [found] = await patiently(() => admin.fetchOffsets({ groupId, topics: [topic] }));
      const offsets = found?.partitions ?? [];
      return offsets.sort((a, b) => a.partition - b.partition).map(({ offset }) => Number(offset));
    },
    async members() {
      const { groups } = await admin.describeGroups([groupId]);
      return (groups[0]?.members ?? []).map(({ memberId }) => memberId);
    },
    offsets: (partition) =>
      starts.filter((start) => start.partition === partition).map(({ offset }) => offset),
    async close() {
      await Promise.all(systems.map((system) => system.stop()));
      await Promise.all([admin.disconnect(), producer.disconnect()]);
    },
  };
}

async function sendNumbers(
  producer: Producer,
  topic: string,
  partition: number,
  count: number,
): Promise<void> {
  const messages = Array.from({ length: count }, (_, i) => ({
    value: `${partition}:${i}`,
    partition,
  }));
  for (let from = 0; from < count; from += 1_000) {
    await producer.send({ topic, messages: messages.slice(from, from + 1_000) });
  }
}

export async function until(
  condition: () => boolean | Promise<boolean>,
  limitMs = 60_000,
): Promise<void> {
  const end = performance.now() + limitMs;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`not within ${limitMs} ms`);
    await sleep(50);
  }
}

export const sleep = (ms: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, ms));
