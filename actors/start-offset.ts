/**
 * Why this exists: where a gained partition begins. A pure decision, since each wrong answer loses
 * records in silence: "latest" resolved twice skips what came between, a forgotten new partition
 * skips its beginning, an old position out of the log's range skips to its end.
 */
import type { PartitionPosition } from "../src/ports/log-driver.ts";
import type { GroupOptions } from "./group-options.ts";

export interface StartOffset {
  readonly offset: number;
  /** The broker must be told at once: this offset will not be found again by the same rule. */
  readonly pin: boolean;
  /** The committed offset that the log no longer has; null in every other case. */
  readonly resetFrom: number | null;
}

type Policy = Pick<GroupOptions, "beginOffset" | "offsetResetPolicy">;

/**
 * `now`: the broker's answer for the partition, asked after it was gained. `before`: all positions
 * just before this process first joined. A partition is new, and read from its start, if its topic
 * had commits before and it had none; commits made since the join say nothing, for they may be the
 * pins of members that joined at the same time. "latest" is the end of then, never of now: another
 * member may have held the partition since, and gone before it could commit.
 */
export function startOffset(
  policy: Policy,
  now: PartitionPosition,
  before: readonly PartitionPosition[],
): StartOffset {
  const { committed, earliest, latest } = now;
  if (committed !== null) {
    if (committed >= earliest && committed <= latest) {
      return { offset: committed, pin: false, resetFrom: null };
    }
    const offset = policy.offsetResetPolicy === "reset_to_earliest" ? earliest : latest;
    return { offset, pin: true, resetFrom: committed };
  }
  if (policy.beginOffset === "earliest") return { offset: earliest, pin: false, resetFrom: null };
  // Pinned in either case: members that joined at other times would decide otherwise.
  const end = endBefore(now, before) ?? earliest;
  return { offset: Math.min(Math.max(end, earliest), latest), pin: true, resetFrom: null };
}

/** Where a partition without commits ended; null: it is new, and there is nothing to pass over. */
function endBefore(
  { topic, partition }: PartitionPosition,
  before: readonly PartitionPosition[],
): number | null {
  const siblings = before.filter((position) => position.topic === topic);
  const known = siblings.find((position) => position.partition === partition);
  const hasBegun = siblings.some(({ committed }) => committed !== null);
  return known === undefined || hasBegun ? null : known.latest;
}
