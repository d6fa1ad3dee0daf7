/** Why this exists: at least once: what counts as done was done, and in the end all is. */
import type { Invariant } from "./invariant.ts";

export const noAckedLost: Invariant = {
  name: "noAckedLost",
  states: "a record is acked only after its handler succeeded, and in the end every record is",
  watch: ({ world, ledger, fail }) => ({
    on: {
      acked: (fact) => {
        const early = fact.offsets.find((offset) => !ledger.isDone(fact, offset));
        if (early === undefined) return;
        fail(`${fact.topic}/${fact.partition}: ${early} is acked, and its handler never succeeded`);
      },
    },
    atEnd: () => {
      for (const [{ topic, partition }, end] of world.progress.atClose) {
        const undone = ledger.lowestUndone({ topic, partition });
        if (undone === null || undone >= end) continue;
        fail(`${topic}/${partition}: ${undone} was never handled to success`);
      }
    },
  }),
};
