/** Why this exists: what a group's manager knows, shared by the files that act on it. */
import type { Actor } from "../src/kernel/actor.ts";
import type { Ref, RefOf } from "../src/kernel/ref.ts";
import type { Self } from "../src/kernel/self.ts";
import type { ChildInfo, SupervisorCalls } from "../src/ports/child-spec.ts";
import type {
  AssignedPartition,
  Assignment,
  PartitionPosition,
  Session,
} from "../src/ports/log-driver.ts";
import { partitionKey } from "../src/ports/record.ts";
import type { acker } from "./acker.ts";
import type { ManagerLifecycle } from "./group-manager-machine.ts";
import type { GroupOptions } from "./group-options.ts";
import type { Unsettled } from "./unsettled.ts";
import type { worker } from "./worker.ts";

export interface ManagerOptions {
  readonly group: GroupOptions;
  readonly ackerName: string;
  readonly producerName: string;
  /** The supervisor of the workers: the name it gets, and its definition. */
  readonly workersName: string;
  readonly supervisor: Actor<unknown[], SupervisorCalls, object>;
  /** These outlive the manager: the first two as handlers do. */
  readonly unsettled: Unsettled;
  readonly handed: Map<string, number>;
  readonly began: Began;
}

/**
 * What the broker held before this process joined for the first time; null until it has. A later
 * session, or a new manager, would find a log that is longer, and commits that are its own.
 */
export interface Began {
  positions: readonly PartitionPosition[] | null;
}

export interface Owned extends AssignedPartition {
  /** Whether the acker and a worker know of it. */
  open: boolean;
  /** The position that the log was found not to have: by now the committed offset may be gone. */
  lost: number | null;
}

export interface ManagerState {
  readonly options: ManagerOptions;
  readonly owned: Map<string, Owned>;
  readonly gate: { held: boolean };
  lifecycle: ManagerLifecycle;
  session: Session | null;
  /** Counts sessions: what an old one says is not heard. */
  token: number;
  /** Counts drains, likewise. */
  drains: number;
  assignment: Assignment | null;
  acker: RefOf<typeof acker> | null;
  /** Attempts to join in a row that failed. */
  failures: number;
  /** A round of opening is under way. */
  opening: boolean;
}

/** How long a commit that somebody waits for may take. */
export const FLUSH_MS = 5_000;
/** Between two looks for something that is about to be there. */
export const LOOK_MS = 10;

export function findOwned(
  state: ManagerState,
  { topic, partition, epoch }: AssignedPartition,
): Owned | undefined {
  const owned = state.owned.get(partitionKey(topic, partition));
  return owned?.epoch === epoch ? owned : undefined;
}

/** A worker's id below its supervisor, and its label in the tree. */
export const idOf = ({ topic, partition }: AssignedPartition): string =>
  partitionKey(topic, partition);

export const plain = ({ topic, partition, epoch }: AssignedPartition): AssignedPartition => ({
  topic,
  partition,
  epoch,
});

/** The supervisor of the workers, once it is up. */
export function workersOf(self: Self<ManagerState>): Ref<SupervisorCalls> | undefined {
  const { workersName, supervisor } = self.state.options;
  return self.whereis(workersName, supervisor);
}

/** However long the answer takes: a worker that is not told something goes on. */
export const childrenOf = (workers: Ref<SupervisorCalls>): Promise<ChildInfo[]> =>
  workers.callWithin(Number.POSITIVE_INFINITY, "whichChildren");

/** Tells the workers there are, or the one of `id`. */
export function withWorkers(
  self: Self<ManagerState>,
  tell: (ref: RefOf<typeof worker>) => void,
  id?: string,
): void {
  const workers = workersOf(self);
  if (workers === undefined) return;
  self.task(
    "workers",
    () => childrenOf(workers),
    (outcome) => {
      if (!outcome.ok) return;
      for (const { id: its, ref } of outcome.value) {
        if (ref !== null && (id === undefined || id === its)) tell(ref as RefOf<typeof worker>);
      }
    },
  );
}
