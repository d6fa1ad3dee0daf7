/** Why this exists: what the broker knows of a group and its topics, in the port's shape. */
import type { Admin } from "kafkajs";
import type { PartitionPosition } from "../ports/log-driver.ts";
import { partitionKey } from "../ports/record.ts";
import { patiently } from "./kafkajs-patience.ts";

type LogRange = Omit<PartitionPosition, "committed" | "metadata">;

interface Committed {
  readonly offset: number;
  readonly metadata: string;
}

type Asked = Pick<Admin, "fetchOffsets" | "fetchTopicOffsets">;

/** Rejects with kafkajs's error, here and below. */
export async function readPositions(
  admin: Asked,
  groupId: string,
  topics: readonly string[],
): Promise<PartitionPosition[]> {
  const committed = await readCommitted(admin, groupId, topics);
  // Asked after the commits, so that no commit seems to lie beyond the log's end.
  return positionsOf(await readLogs(admin, topics), committed);
}

/**
 * The logs are asked first: where nothing is committed, none of these ends can lie beyond what was
 * stored when the group's first commit came, and "latest" passes over nothing that is later.
 */
export async function readBeforeJoin(
  admin: Asked,
  groupId: string,
  topics: readonly string[],
): Promise<PartitionPosition[]> {
  const logs = await readLogs(admin, topics);
  return positionsOf(logs, await readCommitted(admin, groupId, topics));
}

function positionsOf(
  logs: readonly LogRange[],
  committed: ReadonlyMap<string, Committed>,
): PartitionPosition[] {
  return logs.map((log) => {
    const found = committed.get(partitionKey(log.topic, log.partition));
    return {
      ...log,
      // kafkajs writes -1 or -2 when it resets a position: every negative offset means none.
      committed: found === undefined || found.offset < 0 ? null : found.offset,
      metadata: found?.metadata ?? "",
    };
  });
}

async function readLogs(
  admin: Pick<Admin, "fetchTopicOffsets">,
  topics: readonly string[],
): Promise<LogRange[]> {
  const logs = await Promise.all(
    topics.map((topic) => patiently(() => admin.fetchTopicOffsets(topic))),
  );
  return topics.flatMap((topic, index) =>
    (logs[index] ?? []).sort(byPartition).map(({ partition, low, high }) => {
      return { topic, partition, earliest: Number(low), latest: Number(high) };
    }),
  );
}

/** The brokers answer in an order of their own. */
const byPartition = (a: { partition: number }, b: { partition: number }): number =>
  a.partition - b.partition;

async function readCommitted(
  admin: Pick<Admin, "fetchOffsets">,
  groupId: string,
  topics: readonly string[],
): Promise<Map<string, Committed>> {
  const answer = await patiently(() => admin.fetchOffsets({ groupId, topics: [...topics] }));
  return new Map(
    answer.flatMap(({ topic, partitions }) =>
      partitions.map(({ partition, offset, metadata }): [string, Committed] => [
        partitionKey(topic, partition),
        { offset: Number(offset), metadata: metadata ?? "" },
      ]),
    ),
  );
}
