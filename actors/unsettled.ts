/**
 * Why this exists: a JavaScript promise cannot be killed. The handler of a worker that was killed,
 * or lost its partition, may go on for a while; a new incarnation must not start while it does.
 * So what is under way is noted outside of any process, one list for each member of a group.
 */
import { partitionKey } from "../src/ports/record.ts";

export interface Unsettled {
  /** Notes a handler until its promise settles. */
  add(topic: string, partition: number, handling: PromiseLike<unknown>): void;
  /** Resolves when every handler noted so far for the partition has settled; null: none is. */
  settled(topic: string, partition: number): Promise<void> | null;
}

export function createUnsettled(): Unsettled {
  const table = new Map<string, Set<Promise<void>>>();
  return {
    add(topic, partition, handling) {
      const key = partitionKey(topic, partition);
      const entries = table.get(key) ?? new Set();
      table.set(key, entries);
      const done = (): void => {
        entries.delete(entry);
        if (entries.size === 0) table.delete(key);
      };
      const entry: Promise<void> = Promise.resolve(handling).then(done, done);
      entries.add(entry);
    },
    settled(topic, partition) {
      const entries = table.get(partitionKey(topic, partition));
      if (entries === undefined || entries.size === 0) return null;
      return Promise.all(entries).then(() => {});
    },
  };
}
