/** Why this exists: `holdfast run <module>`: a user's handler as a supervised consumer group. */

import { groupManager } from "../../actors/group-manager.ts";
import type { ConsumerGroupOptions } from "../../actors/group-options.ts";
import { consumerGroup, groupNames } from "../../supervisors/consumer-group.ts";
import { createSystem, type System } from "../../supervisors/system.ts";
import { memoryKafka } from "../drivers/memory-kafka.ts";
import { OptionError } from "../kernel/errors.ts";
import { formatReason } from "../kernel/exit.ts";
import type { LogDriver, PartitionPosition } from "../ports/log-driver.ts";
import { type Arguments, oneOf, readArguments } from "./arguments.ts";
import { BAD_INPUT, CommandError, FAILED } from "./command-error.ts";
import { type HandlerModule, loadHandlerModule } from "./handler-module.ts";
import { LOG_LEVELS, pinoLogger } from "./pino-logger.ts";
import { addToTotals, newTotals, TOTALLED, type Totals } from "./totals.ts";

export const RUN_USAGE = `holdfast run <module> [options]

  Hosts the eachMessage or eachBatch that <module> exports in a supervised consumer group.
  Its config export may hold every option of consumerGroup, and brokers; the command line wins.

  --brokers host:port,…     Kafka; absent: an empty Kafka in memory
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
/** Between two looks at the lag. */
const LOOK_MS = 250;
/** Partitions of a topic that the Kafka in memory makes up. */
const EMBEDDED_PARTITIONS = 4;

export async function run(args: string[]): Promise<void> {
  const given = readArguments(args, OPTIONS);
  const [path, ...rest] = given.positionals;
  if (path === undefined)
    throw new CommandError(BAD_INPUT, "run needs a module: holdfast run <module>");
  if (rest.length > 0) {
    throw new CommandError(BAD_INPUT, `run takes one module, and was given ${rest[0]} as well`);
  }
  const level = oneOf("--log-level", given.text("log-level") ?? "info", LOG_LEVELS);
  const options = await groupOf(given, await loadHandlerModule(path));
  const spec = checked(options);
  await checkTopics(options);
  await host(spec, options, {
    level,
    idle: given.flag("exit-when-idle"),
    json: given.flag("json"),
  });
}

// Options

async function groupOf(given: Arguments, module: HandlerModule): Promise<ConsumerGroupOptions> {
  const { brokers, ...config } = module.config as {
    brokers?: unknown;
  } & Partial<ConsumerGroupOptions>;
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
  const list = brokerList(given.text("brokers"), brokers);
  const source = await sourceOf(list, config.source, set.topics);
  return { ...set, ...module.handler, source } as ConsumerGroupOptions;
}

function brokerList(option: string | undefined, configured: unknown): string[] | null {
  const name = option === undefined ? "config.brokers" : "--brokers";
  const list = option?.split(",") ?? configured;
  if (list === undefined) return null;
  if (!Array.isArray(list) || list.length === 0) {
    throw new CommandError(BAD_INPUT, `${name}: not a list; allowed: host:port, one or more`);
  }
  for (const broker of list) {
    const port = /^[^\s:/,]+:(\d{1,5})$/.exec(String(broker))?.[1];
    if (port === undefined || Number(port) < 1 || Number(port) > 65_535) {
      const allowed = "host:port, with a port from 1 to 65535";
      throw new CommandError(BAD_INPUT, `${name}: ${JSON.stringify(broker)}; allowed: ${allowed}`);
    }
  }
  return list as string[];
}

async function sourceOf(
  brokers: string[] | null,
  configured: LogDriver | undefined,
  topics: unknown,
): Promise<LogDriver> {
  if (brokers !== null) {
    // Loaded only here: on the embedded Kafka the command needs no client.
    const { kafkajs } = await import("../drivers/kafkajs.ts");
    return kafkajs({ brokers });
  }
  if (configured !== undefined) return configured;
  const names = Array.isArray(topics) ? topics.map(String) : [];
  const partitions = EMBEDDED_PARTITIONS;
  return memoryKafka({ topics: Object.fromEntries(names.map((name) => [name, { partitions }])) });
}

function checked(options: ConsumerGroupOptions): ReturnType<typeof consumerGroup> {
  try {
    return consumerGroup(options);
  } catch (error) {
    if (error instanceof OptionError) throw new CommandError(BAD_INPUT, error.message);
    throw error;
  }
}

/** Before anything is started: a missing topic is bad input, an absent broker is not. */
async function checkTopics({ source, topics }: ConsumerGroupOptions): Promise<void> {
  const until = performance.now() + START_MS;
  for (;;) {
    const result = await atMost(source.partitions(topics), until - performance.now());
    if (result?.ok) return;
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

// The run

interface HostOptions {
  readonly level: string;
  readonly idle: boolean;
  readonly json: boolean;
}

async function host(
  spec: ReturnType<typeof consumerGroup>,
  group: ConsumerGroupOptions,
  options: HostOptions,
): Promise<void> {
  const system = createSystem({ name: "holdfast", logger: pinoLogger(options.level) });
  const totals = newTotals();
  system.observe((event) => addToTotals(totals, event), TOTALLED);
  const signalled = onSignal();
  const ref = await system.start(spec);
  const ends: Promise<string | null>[] = [
    signalled.then(() => null),
    system.exited(ref).then((reason) => `the group gave up: ${formatReason(reason)}`),
  ];
  const name = group.name ?? group.groupId;
  if (options.idle) ends.push(idle(system, name, group).then(() => null));
  const failure = await Promise.race(ends);
  totals.lag = await lagNow(system, name, group);
  await system.stop();
  if (options.json) console.log(JSON.stringify(totals));
  if (failure !== null) throw new CommandError(FAILED, failure);
}

function onSignal(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => resolve());
  });
}

/** Twice in a row: a record may be on its way while the first look is taken. */
async function idle(system: System, name: string, group: ConsumerGroupOptions): Promise<void> {
  for (let quiet = 0; quiet < 2; ) {
    await sleep(LOOK_MS);
    quiet = (await lagNow(system, name, group)) === 0 ? quiet + 1 : 0;
  }
}

/** The whole group's lag as the broker tells it; null when nobody can be asked. */
async function lagNow(
  system: System,
  name: string,
  group: ConsumerGroupOptions,
): Promise<Totals["lag"]> {
  const manager = system.whereis(groupNames(name).manager, groupManager);
  try {
    const positions = await manager?.call("positions");
    if (positions?.ok !== true) return null;
    return positions.value.reduce((sum, position) => sum + lagOf(position, group), 0);
  } catch {
    return null;
  }
}

/** Without a commit all records count, but for a group that begins at the end. */
function lagOf(
  { committed, earliest, latest }: PartitionPosition,
  group: ConsumerGroupOptions,
): number {
  if (committed !== null) return Math.max(0, latest - committed);
  return group.beginOffset === "latest" ? 1 : latest - earliest;
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function atMost<T>(promise: Promise<T>, ms: number): Promise<T | null> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), Math.max(0, ms));
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
