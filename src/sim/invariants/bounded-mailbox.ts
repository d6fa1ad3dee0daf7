/** Why this exists: a partition that fetches ahead without bound fills the memory of a slow consumer. */
import { partitionKey } from "../../ports/record.ts";
import { entryOf } from "../tables.ts";
import type { Invariant } from "./invariant.ts";

export const boundedMailbox: Invariant = {
  name: "boundedMailbox",
  states: "a worker that holds more records and more bytes than it may ahead is given no more",
  watch({ world, fail }) {
    /** By member and partition: the bytes of each record that was delivered and is not done. */
    const held = new Map<string, Map<number, number>>();
    const at = (
      where: { topic: string; partition: number },
      member: string,
    ): Map<number, number> => {
      const key = `${member} ${partitionKey(where.topic, where.partition)}`;
      return entryOf(held, key, () => new Map());
    };
    return {
      on: {
        attached: (fact, member) => at(fact, member).clear(),
        handler_ended: (fact, member) => {
          for (const offset of fact.offsets) at(fact, member).delete(offset);
        },
        user_acked: (fact, member) => {
          for (const offset of fact.offsets) at(fact, member).delete(offset);
        },
        delivered: (fact, member) => {
          const { topic, partition, records } = fact;
          const table = at(fact, member);
          const group = world.progress.groupOf(topic);
          if (group === undefined) return;
          let bytes = 0;
          for (const its of table.values()) bytes += its;
          if (table.size >= group.prefetchCount && bytes >= group.prefetchBytes) {
            fail(
              `${topic}/${partition}: ${records.length} more records to a worker that holds ` +
                `${table.size} of ${group.prefetchCount} and ${bytes} of ${group.prefetchBytes} bytes`,
            );
          }
          for (const record of records) table.set(record.offset, record.bytes);
        },
      },
    };
  },
};
