/** Why this exists: one worker works off its partition in order, and passes nothing over. */
import { forget } from "../tables.ts";
import type { Invariant } from "./invariant.ts";

export const orderPerEpoch: Invariant = {
  name: "orderPerEpoch",
  states: "a worker's handlers start in the order of offsets, and no unacked record is passed over",
  watch({ openings, fail }) {
    /** By worker: the last record it was given. */
    const lasts = new Map<string, number>();
    return {
      on: {
        member_started: (_fact, member) => forget(lasts, member),
        handler_started: (fact, member) => {
          const { topic, partition, incarnation, offsets } = fact;
          const worker = `${member} ${incarnation}`;
          let last = lasts.get(worker) ?? -1;
          const opening = openings.find(fact, member);
          for (const offset of offsets) {
            const at = `${topic}/${partition}: ${offset} is started after ${last}`;
            if (offset <= last) fail(at);
            const missing =
              last < 0 || opening === undefined
                ? null
                : openings.nextMissing(fact, opening, last + 1);
            if (missing !== null && missing < offset) fail(`${at}, and ${missing} is passed over`);
            last = offset;
          }
          lasts.set(worker, last);
        },
      },
    };
  },
};
