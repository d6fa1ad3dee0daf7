/** Why this exists: the in-memory Kafka keeps the contract under Node's own clock. */
import { memoryKafka } from "../../src/drivers/memory-kafka.ts";
import { logDriverContract } from "./log-driver-contract.ts";

logDriverContract("the in-memory Kafka", async () => {
  const kafka = memoryKafka({ metadataMaxAgeMs: 100 });
  const nobody = memoryKafka({ giveUpMs: 300 });
  nobody.stop();
  return {
    timing: {
      sessionTimeout: 1_500,
      heartbeatInterval: 40,
      rebalanceTimeout: 3_000,
      settleMs: 3_000,
      quietMs: 150,
      lostMs: 2_000,
      metadataMs: 2_000,
    },
    driver: () => kafka,
    unreachable: () => nobody,
    createTopic: async (topic, partitions) => kafka.createTopic(topic, { partitions }),
    append: async (topic, partition, values) =>
      kafka.append(
        topic,
        partition,
        values.map((value) => ({ value })),
      ),
    committed: async (groupId, topic) =>
      Array.from({ length: 8 }, (_, partition) => {
        const held = kafka
          .committed(groupId)
          .find((each) => each.topic === topic && each.partition === partition);
        return { partition, offset: held?.offset ?? -1, metadata: held?.metadata ?? "" };
      }),
    commitRaw: async (groupId, topic, partition, offset) =>
      kafka.setCommitted(groupId, { topic, partition, offset, metadata: "" }),
    groupMembers: async (groupId) =>
      kafka.describe(groupId).members.map((member) => member.memberId),
    deleteRecords: async (topic, partition, before) =>
      kafka.deleteRecords(topic, partition, before),
    appendControl: async (topic, partition) => kafka.appendControl(topic, partition, 2),
    addPartitions: async (topic, count) => kafka.addPartitions(topic, count),
    close: async () => kafka.stop(),
  };
});
