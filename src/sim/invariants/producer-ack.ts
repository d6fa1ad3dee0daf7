/** Why this exists: a record that is said to be stored must be. */
import type { Invariant } from "./invariant.ts";

export const producerAck: Invariant = {
  name: "producerAck",
  states: "produce answers ok only for a record that the broker has stored",
  watch: ({ world, fail }) => ({
    on: {
      produced: ({ topic, partition, offset, value }) => {
        const at = `${topic}/${partition}: ${offset} is said to be stored`;
        const end = world.kafka.end(topic, partition);
        if (!(offset >= 0 && offset < end)) fail(`${at}, and the log ends at ${end}`);
        const stored = world.kafka.valueAt(topic, partition, offset);
        // A log may have lost it again, by compaction or retention.
        if (stored !== undefined && stored !== value) fail(`${at}, and another record is there`);
      },
    },
  }),
};
