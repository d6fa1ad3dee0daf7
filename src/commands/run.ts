/** Why this exists: `holdfast run <module>`: a user's handler as a supervised consumer group. */

import type { ConsumerGroupOptions } from "../../actors/group-options.ts";
import { consumerGroup } from "../../supervisors/consumer-group.ts";
import { memoryKafka } from "../drivers/memory-kafka.ts";
import { OptionError } from "../kernel/errors.ts";
import type { LogDriver } from "../ports/log-driver.ts";
import { type Arguments, moduleOf, oneOf, readArguments } from "./arguments.ts";
import { BAD_INPUT, CommandError, FAILED } from "./command-error.ts";
import { type HandlerModule, loadHandlerModule } from "./handler-module.ts";
import { host } from "./hosted-group.ts";
import { LOG_LEVELS } from "./pino-logger.ts";
import { atMost, sleep } from "./sleep.ts";
import { newTotals } from "./totals.ts";

export const RUN_USAGE = `holdfast run <module> [options]

  Hosts the eachMessage or eachBatch that <module> exports in a supervised consumer group.
  Its config export may hold every option of consumerGroup, and brokers; the command line wins.

  --brokers host:port,…     Kafka; absent: an empty Kafka in memory, which is said in the log
  --group ID                the consumer group
  --topic NAME              may be given more than once
  --from earliest|latest    where a group without a commit begins (default earliest)
  --exit-when-idle          stop when the group's lag is 0
  --json                    one JSON object of totals as the last line on stdout
  --log-level LEVEL         ${LOG_LEVELS.join(", ")} (default info)

  SIGTERM and SIGINT stop in good order: exit 0. Restart budget spent, or no broker within 10 s of
  the start: exit 1. Bad input: exit 2.`;

const OPTIONS = {
  brokers: { type: "string" },
  group: { type: "string" },
  topic: { type: "string", multiple: true },
  from: { type: "string" },
  "exit-when-idle": { type: "boolean" },
  json: { type: "boolean" },
  "log-level": { type: "string" },
} as const;

/** How long a start waits for a broker. */
const START_MS = 10_000;
/** Between two attempts. */
const LOOK_MS = 250;
/** Partitions of a topic that the Kafka in memory makes up. */
const EMBEDDED_PARTITIONS = 4;

export async function run(args: string[]): Promise<void> {
  const given = readArguments(args, OPTIONS);
  const path = moduleOf(given, "run");
  const signalled = onSignal();
  const level = oneOf("--log-level", given.text("log-level") ?? "info", LOG_LEVELS);
  const module = await Promise.race([loadHandlerModule(path), signalled.then(() => null)]);
  if (module === null) return endEarly(given);
  const options = await groupOf(given, module);
  const { brokers, source } = module.config;
  const embedded =
    given.text("brokers") === undefined && brokers === undefined && source === undefined;
  const spec = checked(() => consumerGroup(options));
  if (!(await Promise.race([checkTopics(options), signalled.then(() => false)]))) {
    return endEarly(given);
  }
  await host(spec, options, {
    level,
    idle: given.flag("exit-when-idle"),
    json: given.flag("json"),
    embedded,
    signalled,
  });
}

/** Told to stop before anything was started. */
function endEarly(given: Arguments): void {
  if (given.flag("json")) console.log(JSON.stringify(newTotals()));
}

// Options

type ModuleConfig = Partial<ConsumerGroupOptions> & { readonly brokers?: unknown };

async function groupOf(given: Arguments, module: HandlerModule): Promise<ConsumerGroupOptions> {
  const { brokers, ...config } = module.config as ModuleConfig;
  const topics = given.texts("topic");
  const from = given.text("from");
  const set = {
    ...config,
    ...(given.text("group") === undefined ? {} : { groupId: given.text("group") }),
    ...(topics.length === 0 ? {} : { topics }),
    ...(from === undefined ? {} : { beginOffset: oneOf("--from", from, ["earliest", "latest"]) }),
  };
  if (set.groupId === undefined) {
    throw new CommandError(BAD_INPUT, "--group is missing, and the module's config has no groupId");
  }
  if (set.topics === undefined) {
    throw new CommandError(BAD_INPUT, "--topic is missing, and the module's config has no topics");
  }
  const source = await sourceOf(given, { ...config, brokers }, set.topics);
  return { ...set, ...module.handler, source } as ConsumerGroupOptions;
}

async function sourceOf(
  given: Arguments,
  config: { readonly brokers?: unknown; readonly source?: LogDriver },
  topics: unknown,
): Promise<LogDriver> {
  const option = given.text("brokers");
  const brokers = option?.split(",") ?? config.brokers;
  if (brokers !== undefined) {
    // Loaded only here: on the embedded Kafka the command needs no client.
    const { kafkajs } = await import("../drivers/kafkajs.ts");
    const name = option === undefined ? "config.brokers" : "--brokers";
    return checked(() => kafkajs({ brokers: brokers as string[] }), name);
  }
  if (config.source !== undefined) return config.source;
  const names = Array.isArray(topics) ? topics.map(String) : [];
  const partitions = EMBEDDED_PARTITIONS;
  return memoryKafka({ topics: Object.fromEntries(names.map((name) => [name, { partitions }])) });
}

/** An option that cannot be meant, as this command's user knows it. */
function checked<T>(make: () => T, name?: string): T {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof OptionError)) throw error;
    const { option, value, allowed } = error;
    throw new CommandError(BAD_INPUT, new OptionError(name ?? option, value, allowed).message);
  }
}

/** Before anything is started: a missing topic is bad input, an absent broker is not. */
async function checkTopics({ source, topics }: ConsumerGroupOptions): Promise<true> {
  const until = performance.now() + START_MS;
  for (;;) {
    const result = await atMost(source.partitions(topics), until - performance.now());
    if (result?.ok) return true;
    if (result !== null && !result.error.retriable) {
      throw new CommandError(BAD_INPUT, `${source.name}: ${result.error.message}`);
    }
    if (performance.now() >= until) {
      const why = result === null ? "no answer" : result.error.message;
      throw new CommandError(
        FAILED,
        `${source.name}: no broker within ${START_MS / 1000} s: ${why}`,
      );
    }
    await sleep(LOOK_MS);
  }
}

/** From the first moment on, and for good: a second signal does not cut the first one's stop short. */
function onSignal(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => resolve());
  });
}
