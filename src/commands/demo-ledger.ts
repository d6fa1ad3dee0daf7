/**
 * Why this exists: the demo's judge. It sees what the handler did and what the broker was told, and
 * asks no actor anything.
 */
import type { MemoryKafka } from "../drivers/memory-kafka.ts";

export interface DemoTotals {
  readonly records: number;
  readonly handled: number;
  readonly lost: number;
  readonly redelivered: number;
  readonly crashes: number;
  readonly restarts: number;
  readonly commitRegressions: number;
  readonly commitsPastUnacked: number;
  readonly lag: number;
}

export interface LedgerPartition {
  readonly partition: number;
  readonly committed: number;
  readonly lowestUndone: number;
  readonly end: number;
}

export interface Ledger {
  /** True the first time. */
  started(partition: number, offset: number): boolean;
  done(partition: number, offset: number): void;
  crashed(): void;
  restarted(): void;
  partitions(): LedgerPartition[];
  /** Records that the broker's committed offsets do not cover. */
  lag(): number;
  totals(): DemoTotals;
}

interface Entry {
  /** How often each offset was started, and whether it was done. */
  readonly starts: Map<number, number>;
  readonly done: Set<number>;
  /** Everything below is done. */
  lowest: number;
  committed: number;
}

export function createLedger(
  kafka: MemoryKafka,
  of: { topic: string; partitions: number; groupId: string },
): Ledger {
  const entries = Array.from(
    { length: of.partitions },
    (): Entry => ({ starts: new Map(), done: new Set(), lowest: 0, committed: 0 }),
  );
  const entry = (partition: number): Entry => entries[partition] as Entry;
  const counts = { crashes: 0, restarts: 0, regressions: 0, pastUnacked: 0 };
  const end = (partition: number): number => kafka.end(of.topic, partition);

  kafka.onCommit(({ groupId, partition, offset }) => {
    if (groupId !== of.groupId) return;
    const its = entry(partition);
    if (offset < its.committed) counts.regressions++;
    if (offset > its.lowest) counts.pastUnacked++;
    its.committed = offset;
  });

  const sum = (value: (entry: Entry, partition: number) => number): number =>
    entries.reduce((total, its, partition) => total + value(its, partition), 0);
  const lag = (): number => sum((its, partition) => end(partition) - its.committed);

  return {
    started(partition, offset) {
      const { starts } = entry(partition);
      const times = starts.get(offset) ?? 0;
      starts.set(offset, times + 1);
      return times === 0;
    },
    done(partition, offset) {
      const its = entry(partition);
      its.done.add(offset);
      while (its.done.has(its.lowest)) its.lowest++;
    },
    crashed: () => void counts.crashes++,
    restarted: () => void counts.restarts++,
    partitions: () =>
      entries.map(({ committed, lowest }, partition) => ({
        partition,
        committed,
        lowestUndone: lowest,
        end: end(partition),
      })),
    lag,
    totals: () => ({
      records: sum((_, partition) => end(partition)),
      handled: sum(({ done }) => done.size),
      lost: sum(({ done }, partition) => end(partition) - done.size),
      redelivered: sum(({ starts }) => [...starts.values()].reduce((n, times) => n + times - 1, 0)),
      crashes: counts.crashes,
      restarts: counts.restarts,
      commitRegressions: counts.regressions,
      commitsPastUnacked: counts.pastUnacked,
      lag: lag(),
    }),
  };
}
