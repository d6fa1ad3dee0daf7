/** Entry `holdfast/kafka`: consumer groups, and the drivers they run on. */
import "./ports/events.ts";

export type { ConsumerGroupOptions } from "../actors/group-options.ts";
export {
  type EachBatch,
  type EachBatchPayload,
  type EachMessage,
  type EachMessagePayload,
  HandlerError,
  type Produce,
} from "../actors/handler.ts";
export { producer } from "../actors/producer.ts";
export { consumerGroup, groupNames } from "../supervisors/consumer-group.ts";
export { groupStatus, type PartitionStatus } from "../supervisors/group-status.ts";
export { type KafkajsOptions, kafkajs } from "./drivers/kafkajs.ts";
export { type MemoryKafka, type MemoryKafkaOptions, memoryKafka } from "./drivers/memory-kafka.ts";
export { DriverError, type DriverErrorCode } from "./ports/driver-error.ts";
export type { LogDriver, PartitionPosition } from "./ports/log-driver.ts";
export type { Message, OutgoingMessage, Stored, TopicPartition } from "./ports/record.ts";
export type { Result } from "./ports/result.ts";
