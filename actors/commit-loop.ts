/**
 * Why this exists: how what is done becomes what is committed: one request in flight, of all that
 * may go forward, and again after a failure, until the broker has confirmed it.
 */
import type { Deferred } from "../src/kernel/actor.ts";
import type { Cancel } from "../src/kernel/host.ts";
import type { Self } from "../src/kernel/self.ts";
import type {
  AssignedPartition,
  CommitResult,
  PartitionCommit,
  Session,
} from "../src/ports/log-driver.ts";
import { type Message, partitionKey } from "../src/ports/record.ts";
import { lowestUnacked, type OffsetWindow, unackedMessages } from "./offset-tracker.ts";

/** Waits after a failed commit: doubling from the first to the last. */
const RETRY_MS = { min: 100, max: 5_000 };

export interface AckerOptions {
  readonly commitIntervalMs: number;
  /** By partition, one above the highest offset that a handler of this member was ever given. */
  readonly handed: ReadonlyMap<string, number>;
}

/** What a worker is told when it asks where to go on. */
export interface Place {
  /** Delivered and not acked, in order: to be handled first. */
  readonly replay: readonly Message[];
  /** Where fetching goes on after that. */
  readonly position: number;
}

export interface AckedPartition extends AssignedPartition {
  readonly window: OffsetWindow;
  /** The worker whose deliveries and acks count. */
  incarnation: number | null;
  /** What the broker confirmed last in this epoch; -1: nothing that counts. */
  committed: number;
  /** Where this epoch began: what a crash falls back to while nothing was confirmed. */
  readonly opened: number;
  /** Whether the place can be found again: committed, or the same by the same rule. */
  pinned: boolean;
  /** The worker that asked for its place and has no answer yet. */
  asking: Deferred<Place | null> | null;
  /** Whether the broker may hold something else than `committed`, so that it must be told again. */
  dirty: boolean;
  /** The log's end, as of the last fetch. */
  end: number;
  /** Whether the worker was told to stop fetching because the window spans too much. */
  throttled: boolean;
  throttle: (on: boolean) => void;
}

export interface AckerState {
  readonly options: AckerOptions;
  readonly partitions: Map<string, AckedPartition>;
  session: Session | null;
  /** The session a commit is under way in. */
  inFlight: Session | null;
  timer: Cancel | null;
  /** Failures in a row. */
  failures: number;
  flushes: Deferred<boolean>[];
}

export function findPartition(
  state: AckerState,
  { topic, partition, epoch }: AssignedPartition,
): AckedPartition | undefined {
  const found = state.partitions.get(partitionKey(topic, partition));
  return found?.epoch === epoch ? found : undefined;
}

/** The epoch is over: whoever asked for a place in it has none. */
export function forget(state: AckerState, which: AssignedPartition): void {
  const partition = findPartition(state, which);
  if (partition === undefined) return;
  state.partitions.delete(partitionKey(which.topic, which.partition));
  partition.asking?.resolve(null);
}

export function answerPlace(partition: AckedPartition): void {
  if (!partition.pinned) return;
  const { window, asking } = partition;
  partition.asking = null;
  asking?.resolve({ replay: unackedMessages(window), position: window.position });
}

export function commitSoon(self: Self<AckerState>): void {
  const { state } = self;
  if (state.timer !== null || state.inFlight !== null) return;
  const { commitIntervalMs } = state.options;
  const retryMs = Math.min(RETRY_MS.max, RETRY_MS.min * 2 ** state.failures);
  const wait = state.failures === 0 ? commitIntervalMs : retryMs;
  state.timer = self.after(wait, "commit", () => {
    state.timer = null;
    commit(self);
  });
}

/** One request in flight, of all that may go forward. */
export function commit(self: Self<AckerState>): void {
  const { state } = self;
  if (state.inFlight !== null) return;
  const commits = due(state);
  if (commits.length === 0 || state.session === null) {
    settleFlushes(state);
    return;
  }
  state.timer?.();
  state.timer = null;
  const { session } = state;
  state.inFlight = session;
  for (const commit of commits) {
    const partition = findPartition(state, commit);
    if (partition !== undefined) partition.dirty = false;
  }
  self.task(
    "commit",
    () => session.commit(commits),
    (outcome) => {
      if (state.inFlight !== session) return;
      state.inFlight = null;
      const result: CommitResult = outcome.ok
        ? outcome.value
        : { status: "rebalancing", reason: String(outcome.error) };
      answered(self, commits, result);
    },
  );
}

/** With the window it was read from: a partition may be opened anew, in the same epoch, meanwhile. */
interface DueCommit extends PartitionCommit {
  readonly window: OffsetWindow;
}

function due(state: AckerState): DueCommit[] {
  const commits: DueCommit[] = [];
  for (const { topic, partition, epoch, window, committed, dirty } of state.partitions.values()) {
    const offset = lowestUnacked(window);
    if (offset > committed || dirty)
      commits.push({ topic, partition, epoch, offset, metadata: "", window });
  }
  return commits;
}

function answered(self: Self<AckerState>, commits: DueCommit[], result: CommitResult): void {
  const { state } = self;
  if (result.status === "committed") {
    state.failures = 0;
    const fenced = new Set(result.fenced.map((p) => partitionKey(p.topic, p.partition)));
    for (const done of commits) {
      confirm(self, done, fenced.has(partitionKey(done.topic, done.partition)));
    }
    if (state.flushes.length > 0) commit(self);
    else if (due(state).length > 0) commitSoon(self);
    return;
  }
  state.failures++;
  for (const lost of commits) {
    const partition = findPartition(state, lost);
    // What became of it is not known: the next one must say it again, whatever it was.
    if (partition !== undefined) partition.dirty = true;
  }
  const why = result.status === "failed" ? result.error.message : result.reason;
  tell(self, { type: "commit_failed", status: result.status, why });
  for (const flush of state.flushes.splice(0)) flush.resolve(false);
  commitSoon(self);
}

function confirm(self: Self<AckerState>, done: DueCommit, fenced: boolean): void {
  const { topic, partition, epoch, offset } = done;
  if (fenced) {
    tell(self, { type: "fenced", topic, partition, epoch, what: "commit" });
    // The driver knows first: that epoch is over, and its work is nobody's here.
    forget(self.state, done);
    return;
  }
  const found = findPartition(self.state, done);
  if (found?.window === done.window) {
    found.committed = offset;
    found.pinned = true;
    answerPlace(found);
  }
  tell(self, { type: "committed", topic, partition, epoch, offset });
}

export function settleFlushes(state: AckerState): void {
  if (state.inFlight !== null || due(state).length > 0) return;
  for (const flush of state.flushes.splice(0)) flush.resolve(true);
}

/** `Omit` over a union would forget which fields belong together. */
type Untold<E> = E extends unknown ? Omit<E, "pid" | "label"> : never;

export function tell(
  self: Self<AckerState>,
  event: Untold<Parameters<Self<AckerState>["emit"]>[0]>,
): void {
  if (!self.listens(event.type)) return;
  self.emit({ pid: self.id, label: self.label, ...event } as Parameters<
    Self<AckerState>["emit"]
  >[0]);
}
