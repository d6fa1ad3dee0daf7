/** Why this exists: the broker takes a commit from any member for any partition: we must not send it. */
import type { Invariant } from "./invariant.ts";

export const commitFenced: Invariant = {
  name: "commitFenced",
  states: "only a partition's owner in the present generation changes its committed offset",
  watch: ({ world, fail }) => ({
    on: {
      commit_applied: ({ groupId, memberId, generation, topic, partition, offset }) => {
        if (offset < 0 || memberId === "") return;
        const group = world.kafka.describe(groupId);
        const at = `${topic}/${partition}: commit ${offset} of ${memberId}`;
        if (group.generation !== generation) {
          fail(`${at} in generation ${generation} took effect in generation ${group.generation}`);
        }
        const member = group.members.find((its) => its.memberId === memberId);
        const owns = member?.partitions.some((p) => p.topic === topic && p.partition === partition);
        if (owns !== true) fail(`${at} took effect, and it does not own the partition`);
      },
    },
  }),
};
