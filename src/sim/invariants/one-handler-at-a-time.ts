/** Why this exists: a promise cannot be killed, and two handlers of one partition undo each other. */
import { partitionKey } from "../../ports/record.ts";
import { entryOf, forget } from "../tables.ts";
import type { Invariant } from "./invariant.ts";

/** A member's clock may be fast by a tenth. */
const FAST = 1.12;

export const oneHandlerAtATime: Invariant = {
  name: "oneHandlerAtATime",
  states: "a new worker's handler waits for the old one's to end, for as long as settleGraceMs",
  watch({ world, fail }) {
    /** By member and partition: workers with a handler under way. */
    const running = new Map<string, Set<number>>();
    /** By member and worker: when it was told its place. */
    const located = new Map<string, number>();
    return {
      on: {
        member_started: (_fact, member) => {
          forget(running, member);
          forget(located, member);
        },
        located: ({ incarnation }, member) => {
          located.set(`${member} ${incarnation}`, world.nowMs);
        },
        handler_started: ({ topic, partition, incarnation, offsets }, member) => {
          const place = partitionKey(topic, partition);
          const workers = entryOf(running, `${member} ${place}`, () => new Set());
          const graceMs = world.progress.groupOf(topic)?.settleGraceMs ?? 0;
          const { nowMs } = world;
          const waitedMs = nowMs - (located.get(`${member} ${incarnation}`) ?? nowMs);
          const isOver = FAST * waitedMs >= graceMs;
          for (const other of workers) {
            if (other !== incarnation && isOver) continue;
            fail(`${place}: ${offsets[0]} is started in ${member} while another handler goes on`);
          }
          workers.add(incarnation);
        },
        handler_ended: ({ topic, partition, incarnation }, member) => {
          running.get(`${member} ${partitionKey(topic, partition)}`)?.delete(incarnation);
        },
      },
    };
  },
};
