/** Why this exists: one row per partition that joins what the broker, the acker and the worker know. */
import type { Description, Plain } from "../src/kernel/actor.ts";
import type { TreeNode } from "./tree.ts";

export interface PartitionStatus {
  readonly topic: string;
  readonly partition: number;
  /** As the broker confirmed it; null: nothing yet in this epoch. */
  readonly committed: number | null;
  readonly lowestUnacked: number;
  /** Where fetching goes on. */
  readonly position: number;
  /** The log's end as of the last fetch, and how far the commit is behind it. */
  readonly end: number;
  readonly lag: number;
  /** Delivered and not acked. */
  readonly unacked: number;
  /** The most records that a crash of this process now would have handled again. */
  readonly exposure: number;
  /** The worker's: `running`, `held`, `restarting` …; `none` when there is none. */
  readonly worker: string;
  readonly restarts: number;
}

/** The partitions of the group `name` that this system owns now, by topic and number. */
export function groupStatus(tree: TreeNode, name: string): PartitionStatus[] {
  const group = find(tree, name);
  const acker = group?.children.find((node) => node.label === "acker");
  const workers = group?.children.find((node) => node.label === "workers")?.children ?? [];
  const partitions = (acker?.detail.partitions ?? []) as readonly Description[];
  return partitions
    .map((partition) => row(partition, workers))
    .sort((a, b) => (a.topic === b.topic ? a.partition - b.partition : a.topic < b.topic ? -1 : 1));
}

function row(partition: Description, workers: readonly TreeNode[]): PartitionStatus {
  const topic = String(partition.topic);
  const number = count(partition.partition);
  const worker = workers.find((node) => node.label === `${topic}/${number}`);
  const committed = partition.committed as number | null;
  const lowestUnacked = count(partition.lowestUnacked);
  const end = count(partition.end);
  const from = count(partition.restartsAt, lowestUnacked);
  return {
    topic,
    partition: number,
    committed,
    lowestUnacked,
    position: count(partition.position),
    end,
    lag: Math.max(0, end - from),
    unacked: count(partition.unacked),
    exposure: Math.max(0, count(partition.handedTo, from) - from),
    worker: worker === undefined ? "none" : String(worker.detail.phase ?? worker.status),
    restarts: worker?.restarts ?? 0,
  };
}

const count = (value: Plain | undefined, otherwise = 0): number =>
  typeof value === "number" ? value : otherwise;

function find(node: TreeNode, label: string): TreeNode | undefined {
  if (node.label === label) return node;
  for (const child of node.children) {
    const found = find(child, label);
    if (found !== undefined) return found;
  }
  return undefined;
}
