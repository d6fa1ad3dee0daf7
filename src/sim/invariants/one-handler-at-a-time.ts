/** Why this exists: a promise cannot be killed, and two handlers of one partition undo each other. */
import { partitionKey } from "../../ports/record.ts";
import { forget, type Invariant } from "./invariant.ts";

/** A member's clock may be fast by a tenth. */
const FAST = 1.12;

export const oneHandlerAtATime: Invariant = {
  name: "oneHandlerAtATime",
  states: "a new worker's handler waits for the old one's to end, for as long as settleGraceMs",
  watch({ world, fail }) {
    /** By member and partition: handlers under way of each worker. */
    const running = new Map<string, Map<number, number>>();
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
          const workers = running.get(`${member} ${place}`) ?? new Map<number, number>();
          running.set(`${member} ${place}`, workers);
          const graceMs = world.progress.groupOf(topic)?.settleGraceMs ?? 0;
          const { nowMs } = world;
          const waitedMs = nowMs - (located.get(`${member} ${incarnation}`) ?? nowMs);
          const isOver = FAST * waitedMs >= graceMs;
          for (const other of workers.keys()) {
            if (other !== incarnation && isOver) continue;
            fail(`${place}: ${offsets[0]} is started in ${member} while another handler goes on`);
          }
          workers.set(incarnation, 1 + (workers.get(incarnation) ?? 0));
        },
        handler_ended: ({ topic, partition, incarnation }, member) => {
          running.get(`${member} ${partitionKey(topic, partition)}`)?.delete(incarnation);
        },
      },
    };
  },
};
