/** Why this exists: a commit that goes back has others do again what was done. */
import { partitionKey, type TopicPartition } from "../../ports/record.ts";
import type { Invariant } from "./invariant.ts";

export const commitMonotonic: Invariant = {
  name: "commitMonotonic",
  states: "the committed offset of a partition never goes back, but for a reset by policy",
  watch({ fail }) {
    const last = new Map<string, number>();
    const key = (groupId: string, { topic, partition }: TopicPartition): string =>
      `${groupId} ${partitionKey(topic, partition)}`;
    /** By partition alone: a reset does not say of which group. */
    const resets = new Map<string, number>();
    return {
      on: {
        offset_reset: ({ topic, partition, to }) => {
          resets.set(partitionKey(topic, partition), to);
        },
        commit_applied: (fact) => {
          const { topic, partition, offset } = fact;
          // Below zero is what the client library does to a position out of range.
          if (offset < 0) return;
          const where = key(fact.groupId, fact);
          const before = last.get(where) ?? -1;
          const place = partitionKey(topic, partition);
          const reset = resets.get(place) === offset;
          resets.delete(place);
          if (offset < before && !reset) {
            fail(
              `${topic}/${partition}: the committed offset goes back from ${before} to ${offset}`,
            );
          }
          last.set(where, offset);
        },
      },
    };
  },
};
