/** Why this exists: kafkajs wraps its errors several deep; here they become the port's words. */
import { DriverError, type DriverErrorCode } from "../ports/driver-error.ts";

type Meaning = readonly [code: DriverErrorCode, retriable: boolean];

const MEANING: Readonly<Record<string, Meaning>> = {
  UNKNOWN_TOPIC_OR_PARTITION: ["unknown_topic", false],
  INVALID_TOPIC_EXCEPTION: ["unknown_topic", false],
  TOPIC_AUTHORIZATION_FAILED: ["unauthorized", false],
  GROUP_AUTHORIZATION_FAILED: ["unauthorized", false],
  CLUSTER_AUTHORIZATION_FAILED: ["unauthorized", false],
  SASL_AUTHENTICATION_FAILED: ["unauthorized", false],
  UNSUPPORTED_SASL_MECHANISM: ["unauthorized", false],
  KafkaJSSASLAuthenticationError: ["unauthorized", false],
  INCONSISTENT_GROUP_PROTOCOL: ["inconsistent_group_protocol", false],
  MESSAGE_TOO_LARGE: ["record_too_large", false],
  RECORD_LIST_TOO_LARGE: ["record_too_large", false],
  REQUEST_TIMED_OUT: ["timeout", true],
  KafkaJSRequestTimeoutError: ["timeout", true],
  KafkaJSLockTimeout: ["timeout", true],
  KafkaJSConnectionError: ["unreachable", true],
  KafkaJSConnectionClosedError: ["unreachable", true],
  KafkaJSNoBrokerAvailableError: ["unreachable", true],
  KafkaJSBrokerNotFound: ["unreachable", true],
  KafkaJSGroupCoordinatorNotFound: ["unreachable", true],
  GROUP_COORDINATOR_NOT_AVAILABLE: ["unreachable", true],
  GROUP_LOAD_IN_PROGRESS: ["unreachable", true],
  NOT_COORDINATOR_FOR_GROUP: ["unreachable", true],
  LEADER_NOT_AVAILABLE: ["unreachable", true],
  NOT_LEADER_FOR_PARTITION: ["unreachable", true],
};

/** The broker knows a newer generation, or is about to form one. */
const REBALANCING = new Set([
  "ILLEGAL_GENERATION",
  "UNKNOWN_MEMBER_ID",
  "REBALANCE_IN_PROGRESS",
  "FENCED_INSTANCE_ID",
]);

/** A coordinator that is loading, a leader that has just been elected. */
const NOT_YET = new Set([
  "GROUP_LOAD_IN_PROGRESS",
  "GROUP_COORDINATOR_NOT_AVAILABLE",
  "NOT_COORDINATOR_FOR_GROUP",
  "LEADER_NOT_AVAILABLE",
  "NOT_LEADER_FOR_PARTITION",
]);

/** A message names a partition that its topic does not have. */
export class UnknownPartition extends Error {
  /** kafkajs refreshes its metadata when it reads this, in case the partition is new. */
  readonly type = "UNKNOWN_TOPIC_OR_PARTITION";
  readonly retriable: boolean;

  constructor(topic: string, partition: number, retriable: boolean) {
    super(`Topic ${topic} has no partition ${partition}`);
    this.retriable = retriable;
  }
}

export function driverError(error: unknown, doing: string): DriverError {
  if (error instanceof DriverError) return error;
  const links = chain(error);
  const last = links.at(-1);
  const message = `${doing}: ${last instanceof Error ? last.message : String(last)}`;
  if (links.some((link) => link instanceof UnknownPartition)) {
    return new DriverError("unknown_partition", message, { retriable: false, cause: error });
  }
  for (const link of links) {
    const meaning = MEANING[text(link, "type")] ?? MEANING[text(link, "name")];
    if (meaning !== undefined) {
      return new DriverError(meaning[0], message, { retriable: meaning[1], cause: error });
    }
  }
  const retriable = read(last, "retriable") === true;
  return new DriverError("failed", message, { retriable, cause: error });
}

/** The broker's reason where an error means "not in this generation"; undefined for any other. */
export function rebalanceReason(error: unknown): string | undefined {
  return chain(error)
    .map((link) => text(link, "type"))
    .find((type) => REBALANCING.has(type));
}

/** The broker has only just begun with this group or partition, and will answer soon. */
export const notYet = (error: unknown): boolean =>
  chain(error).some((link) => NOT_YET.has(text(link, "type")));

/** The error and its causes, outermost first. */
function chain(error: unknown): unknown[] {
  const links: unknown[] = [error];
  let cause = read(error, "cause");
  while (cause !== undefined && !links.includes(cause)) {
    links.push(cause);
    cause = read(cause, "cause");
  }
  return links;
}

const read = (from: unknown, name: string): unknown =>
  typeof from === "object" && from !== null ? Reflect.get(from, name) : undefined;

function text(from: unknown, name: string): string {
  const value = read(from, name);
  return typeof value === "string" ? value : "";
}

export const closedError = (): DriverError =>
  new DriverError("closed", "The session is closed", { retriable: false });
