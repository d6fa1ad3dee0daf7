/** Why this exists: one consumer group hosted by the command, until it is told to stop or gives up. */
import { groupManager } from "../../actors/group-manager.ts";
import type { ConsumerGroupOptions } from "../../actors/group-options.ts";
import { type consumerGroup, groupNames } from "../../supervisors/consumer-group.ts";
import { createSystem, type System } from "../../supervisors/system.ts";
import { formatReason } from "../kernel/exit.ts";
import type { PartitionPosition } from "../ports/log-driver.ts";
import { partitionKey } from "../ports/record.ts";
import { CommandError, FAILED } from "./command-error.ts";
import { pinoLogger } from "./pino-logger.ts";
import { sleep } from "./sleep.ts";
import { addToTotals, newTotals, TOTALLED } from "./totals.ts";

/** Between two looks at the lag. */
const LOOK_MS = 250;

export interface HostOptions {
  readonly level: string;
  readonly idle: boolean;
  readonly json: boolean;
  /** Resolves when the command is told to stop. */
  readonly signalled: Promise<void>;
  /** Whether the command made the Kafka in memory itself. */
  readonly embedded: boolean;
}

export async function host(
  spec: ReturnType<typeof consumerGroup>,
  group: ConsumerGroupOptions,
  options: HostOptions,
): Promise<void> {
  const logger = pinoLogger(options.level);
  const system = createSystem({ name: "holdfast", logger });
  const totals = newTotals();
  system.observe((event) => addToTotals(totals, event), TOTALLED);
  const committed = new Map<string, number>();
  let gaveUp = "";
  system.observe(
    (event) => {
      if (event.type === "committed") {
        committed.set(partitionKey(event.topic, event.partition), event.offset);
      } else if (event.type === "escalated")
        gaveUp ||= `${event.child}: ${formatReason(event.reason)}`;
    },
    ["committed", "escalated"],
  );
  if (options.embedded) {
    logger.warn({ topics: group.topics }, "no --brokers: running on an empty Kafka in memory");
  }
  const ref = await system.start(spec);
  const ends: Promise<string | null>[] = [
    options.signalled.then(() => null),
    system.exited(ref).then((reason) => `the group gave up: ${gaveUp || formatReason(reason)}`),
  ];
  const name = group.name ?? group.groupId;
  if (options.idle) ends.push(idle(system, name, group).then(() => null));
  const failure = await Promise.race(ends);
  const positions = await positionsNow(system, name);
  await system.stop();
  totals.lag = lagOf(positions === null ? null : afterCommits(positions, committed), group);
  if (options.json) console.log(JSON.stringify(totals));
  if (failure !== null) throw new CommandError(FAILED, failure);
}

/** The commits of the stop itself came after the broker was asked. */
const afterCommits = (
  positions: PartitionPosition[],
  committed: ReadonlyMap<string, number>,
): PartitionPosition[] =>
  positions.map((position) => {
    const later = committed.get(partitionKey(position.topic, position.partition));
    return later === undefined
      ? position
      : { ...position, committed: Math.max(later, position.committed ?? 0) };
  });

/** Twice in a row: a record may be on its way while the first look is taken. */
async function idle(system: System, name: string, group: ConsumerGroupOptions): Promise<void> {
  for (let quiet = 0; quiet < 2; ) {
    await sleep(LOOK_MS);
    quiet = lagOf(await positionsNow(system, name), group) === 0 ? quiet + 1 : 0;
  }
}

/** The group's committed offsets and log ends as the broker tells them; null: nobody can be asked. */
async function positionsNow(system: System, name: string): Promise<PartitionPosition[] | null> {
  const manager = system.whereis(groupNames(name).manager, groupManager);
  try {
    const positions = await manager?.call("positions");
    return positions?.ok === true ? positions.value : null;
  } catch {
    return null;
  }
}

/**
 * Without a commit all records count; a group that begins at the end has still to say where, unless
 * the partition is a new one of a topic that has commits.
 */
function lagOf(positions: PartitionPosition[] | null, group: ConsumerGroupOptions): number | null {
  if (positions === null) return null;
  return positions.reduce((sum, { topic, committed, earliest, latest }) => {
    if (committed !== null) return sum + Math.max(0, latest - committed);
    const isNew = positions.some((its) => its.topic === topic && its.committed !== null);
    return sum + (group.beginOffset === "latest" && !isNew ? 1 : latest - earliest);
  }, 0);
}
