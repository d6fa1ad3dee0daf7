/**
 * Why this exists: every kafkajs client of the driver is made here, so that its retries, its log
 * lines and its defaults are decided once. kafkajs's own console output is never used.
 */
import {
  type ConsumerConfig,
  Kafka,
  type KafkaConfig,
  type LogEntry,
  logLevel,
  type RetryOptions,
} from "kafkajs";
import type { JoinOptions } from "../ports/log-driver.ts";
import type { Logger } from "../ports/logger.ts";
import { HOLD_STEP_MS } from "./kafkajs-membership.ts";

/** Names and units as in kafkajs: milliseconds and bytes. */
export interface KafkajsOptions
  extends Pick<KafkaConfig, "ssl" | "sasl" | "clientId" | "connectionTimeout" | "requestTimeout"> {
  readonly brokers: string[];
  /** How old metadata may get before added partitions are looked for. 30,000 by default. */
  readonly metadataMaxAge?: number;
  /** How long a fetch waits for records; it also bounds how fast a resume is. 100 by default. */
  readonly maxWaitTimeInMs?: number;
  /** How many bytes one fetch may bring in all. 10 MiB by default, as in kafkajs. */
  readonly maxBytes?: number;
  /** Where kafkajs's warnings and errors go, in pino's shape. Nowhere by default. */
  readonly logger?: KafkajsLogger;
}

type KafkajsLogger = Pick<Logger, "error" | "warn" | "debug">;

/** About 3 s in all: whoever asked decides whether to try again, and when. */
export const QUICK_RETRY: RetryOptions = {
  initialRetryTime: 100,
  maxRetryTime: 1_000,
  retries: 5,
  factor: 0.2,
  multiplier: 2,
};

/** More handlers than a fetch has partitions, so that each batch is handed over at once. */
export const HANDLERS = 1_000;

/** `onLog` sees kafkajs's own entries; it is the only place where it tells of an offset reset. */
export function createClient(options: KafkajsOptions, onLog?: (entry: LogEntry) => void): Kafka {
  const { brokers, clientId, ssl, sasl, connectionTimeout, requestTimeout, logger } = options;
  return new Kafka({
    brokers,
    retry: QUICK_RETRY,
    logLevel: logger === undefined ? logLevel.ERROR : logLevel.WARN,
    logCreator: () => (entry) => {
      onLog?.(entry);
      if (logger !== undefined) forward(logger, entry);
    },
    ...(clientId === undefined ? {} : { clientId }),
    ...(ssl === undefined ? {} : { ssl }),
    ...(sasl === undefined ? {} : { sasl }),
    ...(connectionTimeout === undefined ? {} : { connectionTimeout }),
    ...(requestTimeout === undefined ? {} : { requestTimeout }),
  });
}

export function consumerConfig(driver: KafkajsOptions, options: JoinOptions): ConsumerConfig {
  const { groupId, sessionTimeout, heartbeatInterval, rebalanceTimeout } = options;
  return {
    groupId,
    sessionTimeout,
    heartbeatInterval,
    rebalanceTimeout,
    maxBytesPerPartition: options.maxBytesPerPartition,
    ...(driver.maxBytes === undefined ? {} : { maxBytes: driver.maxBytes }),
    minBytes: 1,
    maxWaitTimeInMs: driver.maxWaitTimeInMs ?? 100,
    metadataMaxAge: driver.metadataMaxAge ?? 30_000,
    // Otherwise a consumer of a deleted topic creates it again.
    allowAutoTopicCreation: false,
    retry: {
      // A held rejoin is a retry to kafkajs: evenly spaced, and more of them than a hold can last.
      initialRetryTime: HOLD_STEP_MS,
      maxRetryTime: HOLD_STEP_MS,
      factor: 0,
      multiplier: 1,
      retries: Math.ceil((2 * rebalanceTimeout) / HOLD_STEP_MS),
      // A new session is its owner's decision.
      restartOnFailure: async () => false,
    },
  };
}

/** What a log line may carry. Payloads, keys and buffers are not on it. */
const FIELDS = ["broker", "groupId", "memberId", "topic", "partition", "retryCount", "retryTime"];

/** kafkajs calls these errors; they are how a group lives. */
const NORMAL =
  /rebalanc|generation|not aware of this|is loading|holding the re|session is closing/i;

function forward(logger: KafkajsLogger, { namespace, level, log }: LogEntry): void {
  const fields: Record<string, unknown> = { namespace };
  for (const name of FIELDS) if (log[name] !== undefined) fields[name] = log[name];
  const error: unknown = log.error;
  const cause = error instanceof Error ? error.message : error;
  if (typeof cause === "string") fields.error = cause;
  const normal = NORMAL.test(log.message) || (typeof cause === "string" && NORMAL.test(cause));
  if (normal || level > logLevel.WARN) logger.debug(fields, log.message);
  else if (level === logLevel.WARN) logger.warn(fields, log.message);
  else logger.error(fields, log.message);
}
