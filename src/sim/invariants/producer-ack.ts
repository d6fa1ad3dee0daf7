/** Why this exists: a record that is said to be stored must be. */
import type { Invariant } from "./invariant.ts";

export const producerAck: Invariant = {
  name: "producerAck",
  states: "produce answers ok only for a record that the broker has stored",
  watch: ({ world, fail }) => ({
    on: {
      produced: ({ topic, partition, offset }) => {
        const end = world.kafka.end(topic, partition);
        if (offset >= 0 && offset < end) return;
        fail(`${topic}/${partition}: ${offset} is said to be stored, and the log ends at ${end}`);
      },
    },
  }),
};
