/** Why this exists: two owners of a partition undo each other; a dead one's word must not count. */
import { partitionKey } from "../../ports/record.ts";
import { entryOf, forget } from "../tables.ts";
import type { Invariant } from "./invariant.ts";

export const singleOwner: Invariant = {
  name: "singleOwner",
  states: "only the owner starts handlers, and only the live worker's handlers count as done",
  watch({ world, openings, owners, fail }) {
    /** Which workers finished a record, by member and record. */
    const finished = new Map<string, Set<number>>();
    const note = (
      fact: { topic: string; partition: number; incarnation: number; offsets: readonly number[] },
      member: string,
    ): void => {
      for (const offset of fact.offsets) {
        const record = `${member} ${partitionKey(fact.topic, fact.partition)} ${offset}`;
        entryOf(finished, record, () => new Set()).add(fact.incarnation);
      }
    };
    return {
      on: {
        member_started: (_fact, member) => forget(finished, member),
        handler_ended: note,
        user_acked: note,
        handler_started: (fact, member) => {
          const { topic, partition, offsets } = fact;
          // How long a session lasts is measured by clocks: one that drifts may be wrong.
          if (world.member(member)?.drifts === true) return;
          const other = owners.other(fact, member);
          if (other === null) return;
          fail(`${topic}/${partition}: ${member} starts ${offsets[0]}, and ${other} owns it`);
        },
        acked: (fact, member) => {
          const { topic, partition, offsets } = fact;
          const incarnation = openings.find(fact, member)?.incarnation ?? -1;
          for (const offset of offsets) {
            const by = finished.get(`${member} ${partitionKey(topic, partition)} ${offset}`);
            if (by === undefined || by.has(incarnation)) continue;
            fail(`${topic}/${partition}: ${offset} is acked for a worker that never handled it`);
          }
        },
      },
    };
  },
};
