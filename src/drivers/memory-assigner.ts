/** Why this exists: members of one group divide partitions as kafkajs's RoundRobinAssigner does. */
import type { TopicPartition } from "../ports/record.ts";
import type { Division } from "./memory-protocol.ts";

/** Deals the partitions of all topics in turn to the members in the order of their ids. */
export function roundRobin(
  memberIds: readonly string[],
  topics: readonly string[],
  counts: readonly number[],
): Division {
  const sorted = [...memberIds].sort();
  const division = new Map<string, TopicPartition[]>(sorted.map((id) => [id, []]));
  let dealt = 0;
  topics.forEach((topic, index) => {
    for (let partition = 0; partition < (counts[index] ?? 0); partition += 1) {
      division.get(sorted[dealt++ % sorted.length] ?? "")?.push({ topic, partition });
    }
  });
  return division;
}
