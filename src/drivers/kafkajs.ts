/**
 * Why this exists: Apache Kafka through kafkajs 2.2.4, as a driver of the port. Importing this
 * module is the only thing that loads kafkajs.
 */
import type { Kafka } from "kafkajs";
import { OptionError } from "../kernel/errors.ts";
import type { DriverError } from "../ports/driver-error.ts";
import type { LogDriver } from "../ports/log-driver.ts";
import { failed, ok, type Result } from "../ports/result.ts";
import { createClient, type KafkajsOptions } from "./kafkajs-client.ts";
import { driverError } from "./kafkajs-errors.ts";
import { KafkajsSession } from "./kafkajs-session.ts";
import { KafkajsSink } from "./kafkajs-sink.ts";

export type { KafkajsOptions } from "./kafkajs-client.ts";

/**
 * A driver for a cluster of Kafka brokers. Nothing is connected before it is used. Throws an
 * `OptionError` where a broker is not `host:port`.
 */
export function kafkajs(options: KafkajsOptions): LogDriver {
  checkBrokers(options?.brokers);
  let epochs = 0;
  const nextEpoch = () => ++epochs;
  return {
    name: `kafkajs ${options.brokers.join(",")}`,
    join: (joining, events) => new KafkajsSession(options, joining, events, nextEpoch),
    sink: ({ signal }) => new KafkajsSink(createClient(options), signal),
    partitions: (topics) => countPartitions(createClient(options), topics),
  };
}

function checkBrokers(brokers: readonly string[] | undefined): void {
  if (!Array.isArray(brokers) || brokers.length === 0) {
    throw new OptionError("brokers", brokers, "an array of one or more host:port");
  }
  for (const broker of brokers) {
    const port = Number(/^[^\s:/,]+:(\d{1,5})$/.exec(String(broker))?.[1] ?? 0);
    if (port < 1 || port > 65_535) {
      throw new OptionError("brokers", broker, "host:port, with a port from 1 to 65535");
    }
  }
}

async function countPartitions(
  kafka: Kafka,
  topics: readonly string[],
): Promise<Result<number[], DriverError>> {
  const admin = kafka.admin();
  let asked = "the brokers";
  try {
    await admin.connect();
    const counts: number[] = [];
    // One by one, since kafkajs does not say which of several topics is missing.
    for (const topic of topics) {
      asked = topic;
      const answer = await admin.fetchTopicMetadata({ topics: [topic] });
      counts.push(answer.topics.find(({ name }) => name === topic)?.partitions.length ?? 0);
    }
    return ok(counts);
  } catch (error) {
    return failed(driverError(error, `Asking for the partitions of ${asked}`));
  } finally {
    await admin.disconnect().catch(() => undefined);
  }
}
