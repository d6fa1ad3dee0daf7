/** Why this exists: a worker that starts again too high loses records, too low does work twice. */
import type { FactOf } from "../facts.ts";
import type { Court, Invariant } from "./invariant.ts";

export const restartAtUnacked: Invariant = {
  name: "restartAtUnacked",
  states:
    "a partition is opened at the broker's offset, and a new worker begins at the lowest unacked record",
  watch: (court) => ({
    on: {
      opened: (fact, member) => {
        // Late news of a partition that is no longer its own: whoever opens it will start nothing.
        if (court.owners.isOwner(fact, member)) opened(court, fact);
      },
      handler_started: (fact, member) => {
        const opening = court.openings.find(fact, member);
        if (opening === undefined || opening.starter === fact.incarnation) return;
        opening.starter = fact.incarnation;
        const first = fact.offsets[0] ?? 0;
        const at = `${fact.topic}/${fact.partition}: a new worker began at ${first}`;
        if (first < opening.offset || opening.acked.has(first)) {
          court.fail(`${at}, which is done since the partition was opened at ${opening.offset}`);
        }
        const missing = court.openings.nextMissing(fact, opening, opening.offset);
        if (missing !== null && missing < first) {
          court.fail(`${at}, and ${missing} below it is not acked`);
        }
      },
    },
  }),
};

function opened({ world, fail }: Court, fact: FactOf<"opened">): void {
  const { topic, partition, offset, committed } = fact;
  const group = world.progress.groupOf(topic);
  if (group === undefined) return;
  const stored = world.kafka
    .committed(group.groupId)
    .find((its) => its.topic === topic && its.partition === partition);
  const at = `${topic}/${partition}: opened at ${offset}`;
  const held = stored === undefined || stored.offset < 0 ? null : stored.offset;
  if (held !== null && held !== committed) {
    fail(`${at} by a committed offset of ${committed ?? "none"}, and the broker holds ${held}`);
  }
  if (committed === null) return;
  const inRange = committed >= world.kafka.earliest(topic, partition);
  if (offset !== committed && inRange && committed <= world.kafka.end(topic, partition)) {
    fail(`${at}, and the committed offset is ${committed}`);
  }
}
