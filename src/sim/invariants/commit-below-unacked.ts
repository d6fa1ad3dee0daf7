/** Why this exists: a commit that passes a record that is not done loses it at the next crash. */
import type { TopicPartition } from "../../ports/record.ts";
import type { Court, Invariant } from "./invariant.ts";

export const commitBelowUnacked: Invariant = {
  name: "commitBelowUnacked",
  states: "no commit, asked for or stored, passes a record whose handler has not succeeded",
  watch: (court) => ({
    on: {
      commit_requested: ({ commits }, member) => {
        for (const commit of commits) {
          // Whoever has not heard yet that it is another's asks in vain: it must not be stored.
          if (!court.owners.isOwner(commit, member)) continue;
          check(court, commit, commit.offset, "asked for");
        }
      },
      commit_applied: (fact) => check(court, fact, fact.offset, "stored"),
    },
  }),
};

function check({ ledger, world, fail }: Court, where: TopicPartition, to: number, how: string) {
  if (to < 0 || ledger.isPin(where, to)) return;
  const undone = ledger.lowestUndone(where);
  const { topic, partition } = where;
  if (undone !== null && to > undone) {
    fail(`${topic}/${partition}: commit ${to} is ${how} while ${undone} is not done`);
  }
  const end = world.kafka.end(topic, partition);
  if (to > end) fail(`${topic}/${partition}: commit ${to} is ${how}, and the log ends at ${end}`);
}
