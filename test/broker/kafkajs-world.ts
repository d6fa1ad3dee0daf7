/** Why this exists: the contract suite looks into a real broker through kafkajs's own clients. */
import { type Admin, Kafka, logLevel, Partitioners, type Producer } from "kafkajs";
import { kafkajs } from "../../src/drivers/kafkajs.ts";
import { patiently } from "../../src/drivers/kafkajs-patience.ts";
import type { ContractTiming, ContractWorld } from "../contract/contract-world.ts";

export const TIMING: ContractTiming = {
  sessionTimeout: 6_000,
  heartbeatInterval: 200,
  rebalanceTimeout: 12_000,
  settleMs: 10_000,
  quietMs: 600,
  lostMs: 10_000,
  metadataMs: 8_000,
};

/** A port of this machine where nobody listens. */
const NOBODY = "127.0.0.1:1";

export async function kafkajsWorld(bootstrap: string): Promise<ContractWorld> {
  const kafka = new Kafka({ brokers: [bootstrap], logLevel: logLevel.NOTHING });
  const admin = kafka.admin();
  const producer = newProducer(kafka);
  await Promise.all([admin.connect(), producer.connect()]);
  return {
    timing: TIMING,
    driver: () => kafkajs({ brokers: [bootstrap], metadataMaxAge: 1_000 }),
    unreachable: () => kafkajs({ brokers: [NOBODY] }),
    async createTopic(topic, numPartitions) {
      await admin.createTopics({ topics: [{ topic, numPartitions }], waitForLeaders: true });
      // Its leaders are named before they lead.
      await patiently(() => admin.fetchTopicOffsets(topic));
    },
    append: (topic, partition, values) => append(producer, topic, partition, values),
    async committed(groupId, topic) {
      const [found] = await admin.fetchOffsets({ groupId, topics: [topic] });
      return (found?.partitions ?? []).map(({ partition, offset, metadata }) => {
        return { partition, offset: Number(offset), metadata: metadata ?? "" };
      });
    },
    commitRaw: (groupId, topic, partition, offset) =>
      commitRaw(kafka, { groupId, topic, partition, offset }),
    async groupMembers(groupId) {
      const { groups } = await admin.describeGroups([groupId]);
      return (groups[0]?.members ?? []).map(({ memberId }) => memberId);
    },
    deleteRecords: (topic, partition, before) => deleteRecords(admin, topic, partition, before),
    appendControl: (topic, partition) => abortedRecord(kafka, topic, partition),
    async addPartitions(topic, count) {
      await admin.createPartitions({ topicPartitions: [{ topic, count }] });
    },
    async close() {
      await Promise.all([admin.disconnect(), producer.disconnect()]);
    },
  };
}

const newProducer = (kafka: Kafka): Producer =>
  kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner });

async function append(
  producer: Producer,
  topic: string,
  partition: number,
  values: readonly string[],
): Promise<number[]> {
  const messages = values.map((value) => ({ value, partition }));
  const [stored] = await producer.send({ topic, messages });
  return values.map((_, index) => Number(stored?.baseOffset) + index);
}

/**
 * Joins for a moment: kafkajs's `setOffsets` takes 5 s, and its `commitOffsets` refuses negatives.
 * A record must be there, since only a batch brings the function that refuses nothing.
 */
async function commitRaw(
  kafka: Kafka,
  {
    groupId,
    topic,
    partition,
    offset,
  }: Record<"groupId" | "topic", string> & Record<"partition" | "offset", number>,
): Promise<void> {
  const consumer = kafka.consumer({ groupId, maxWaitTimeInMs: 50 });
  await consumer.connect();
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  const topics = [{ topic, partitions: [{ partition, offset: String(offset) }] }];
  await new Promise<void>((resolve, reject) => {
    consumer
      .run({
        autoCommit: false,
        eachBatch: ({ commitOffsetsIfNecessary }) =>
          commitOffsetsIfNecessary({ topics }).then(resolve, reject),
      })
      .catch(reject);
  });
  await consumer.disconnect();
}

async function deleteRecords(
  admin: Admin,
  topic: string,
  partition: number,
  before: number,
): Promise<void> {
  // kafkajs finds no broker for a topic whose metadata it has not read yet.
  await patiently(() => admin.fetchTopicOffsets(topic));
  await admin.deleteTopicRecords({ topic, partitions: [{ partition, offset: String(before) }] });
}

/** A record that is aborted, and the marker that says so. */
async function abortedRecord(kafka: Kafka, topic: string, partition: number): Promise<void> {
  await transact(kafka, topic, partition, ["aborted"], "abort");
}

/** One transaction for each value: a record and a marker. */
export async function transact(
  kafka: Kafka,
  topic: string,
  partition: number,
  values: readonly string[],
  end: "commit" | "abort",
): Promise<void> {
  const producer = kafka.producer({
    createPartitioner: Partitioners.DefaultPartitioner,
    transactionalId: `${topic}/${partition}`,
    maxInFlightRequests: 1,
    idempotent: true,
  });
  await producer.connect();
  for (const value of values) {
    const transaction = await producer.transaction();
    await transaction.send({ topic, messages: [{ value, partition }] });
    await transaction[end]();
  }
  await producer.disconnect();
}
