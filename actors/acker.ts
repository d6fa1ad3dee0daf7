/**
 * Why this exists: the one process that knows which offsets are done, and the only one that
 * commits. It outlives the workers: a new incarnation asks it where to go on.
 *
 * An ack counts only for an offset that was delivered to the live incarnation in the live epoch.
 */
import { actor, type Deferred, type Description } from "../src/kernel/actor.ts";
import type { Cancel } from "../src/kernel/host.ts";
import type { Self } from "../src/kernel/self.ts";
import "../src/ports/events.ts";
import type {
  AssignedPartition,
  CommitResult,
  PartitionCommit,
  Session,
} from "../src/ports/log-driver.ts";
import { type Batch, type Message, partitionKey } from "../src/ports/record.ts";
import {
  ack,
  deliver,
  lowestUnacked,
  type OffsetWindow,
  openWindow,
  unackedMessages,
} from "./offset-tracker.ts";

export interface AckerOptions {
  readonly commitIntervalMs: number;
}

/** From where on a partition is read, and what the broker holds. */
export interface Opening extends AssignedPartition {
  readonly offset: number;
  /** The broker's committed offset; null: none, or none that counts. */
  readonly committed: number | null;
  /** Commit `offset` at once, before anything is acked: a pinned "latest", or a reset position. */
  readonly pin: boolean;
}

/** What a worker is told when it asks where to go on. */
export interface Place {
  /** Delivered and not acked, in order: to be handled first. */
  readonly replay: readonly Message[];
  /** Where fetching goes on after that. */
  readonly position: number;
}

interface Partition extends AssignedPartition {
  readonly window: OffsetWindow;
  /** The worker whose deliveries and acks count. */
  incarnation: number | null;
  /** What the broker confirmed last in this epoch; -1: nothing that counts. */
  committed: number;
  /** Where this epoch began: what a crash falls back to while nothing was confirmed. */
  readonly opened: number;
  /** Whether the broker may hold something else than `committed`, so that it must be told again. */
  dirty: boolean;
  /** The log's end, as of the last fetch. */
  end: number;
  /** Whether the worker was told to stop fetching because the window spans too much. */
  throttled: boolean;
  throttle: (on: boolean) => void;
}

interface State {
  readonly options: AckerOptions;
  readonly partitions: Map<string, Partition>;
  session: Session | null;
  inFlight: boolean;
  timer: Cancel | null;
  /** Failures in a row. */
  failures: number;
  flushes: Deferred<boolean>[];
}

/**
 * How many offsets may lie between the lowest unacked one and the position. Beyond it fetching
 * stops: a record that is never acked must not let the work to be repeated grow for ever.
 */
export const SPAN_MAX = 100_000;

export const acker = actor({
  name: "acker",
  init: (_self, options: AckerOptions): State => ({
    options,
    partitions: new Map(),
    session: null,
    inFlight: false,
    timer: null,
    failures: 0,
    flushes: [],
  }),
  calls: {
    /** A worker's incarnation takes its partition over. Null: that epoch is over. */
    where: (
      self,
      where: AssignedPartition,
      incarnation: number,
      throttle: (on: boolean) => void,
    ) => {
      const partition = find(self.state, where);
      if (partition === undefined) return null;
      partition.incarnation = incarnation;
      partition.throttle = throttle;
      partition.throttled = false;
      const { window } = partition;
      return { replay: unackedMessages(window), position: window.position } satisfies Place;
    },
    /** The lowest unacked offset: what a supervisor takes for progress. */
    lowest: (self, where: AssignedPartition): number | null => {
      const partition = find(self.state, where);
      return partition === undefined ? null : lowestUnacked(partition.window);
    },
    /** Commits all there is and answers whether the broker confirmed it. */
    flush: (self) => {
      const done = self.defer<boolean>();
      self.state.flushes.push(done);
      commit(self);
      return done;
    },
  },
  casts: {
    open: (self, session: Session, opening: Opening) => {
      const { topic, partition, epoch, offset, committed, pin } = opening;
      self.state.session = session;
      self.state.partitions.set(partitionKey(topic, partition), {
        topic,
        partition,
        epoch,
        window: openWindow(offset),
        incarnation: null,
        committed: pin ? -1 : (committed ?? -1),
        opened: offset,
        dirty: pin,
        end: offset,
        throttled: false,
        throttle: () => {},
      });
      tell(self, { type: "opened", topic, partition, epoch, offset, committed });
      if (pin) commit(self);
    },
    close: (self, { topic, partition, epoch }: AssignedPartition) => {
      if (find(self.state, { topic, partition, epoch }) === undefined) return;
      self.state.partitions.delete(partitionKey(topic, partition));
      tell(self, { type: "closed", topic, partition, epoch });
      settleFlushes(self.state);
    },
    /** Commits may be tried again: a generation has begun. */
    resume: (self) => {
      self.state.failures = 0;
      commit(self);
    },
    delivered: (self, where: AssignedPartition, incarnation: number, batch: Batch) => {
      const partition = find(self.state, where);
      if (partition === undefined || partition.incarnation !== incarnation) return;
      take(self, partition, batch);
    },
    ack: (self, where: AssignedPartition, incarnation: number, offsets: readonly number[]) => {
      const partition = find(self.state, where);
      const { topic, partition: number, epoch } = where;
      if (partition === undefined || partition.incarnation !== incarnation) {
        tell(self, { type: "fenced", topic, partition: number, epoch, what: "ack" });
        return;
      }
      for (const offset of offsets) ack(partition.window, offset);
      tell(self, { type: "acked", topic, partition: number, epoch, offsets });
      afterChange(self, partition);
    },
  },
  describe: ({ state }): Description => ({
    inFlight: state.inFlight ? "commit in flight" : null,
    partitions: [...state.partitions.values()].map((partition) => ({
      topic: partition.topic,
      partition: partition.partition,
      epoch: partition.epoch,
      committed: partition.committed < 0 ? null : partition.committed,
      restartsAt: partition.committed < 0 ? partition.opened : partition.committed,
      lowestUnacked: lowestUnacked(partition.window),
      position: partition.window.position,
      unacked: partition.window.unacked,
      end: partition.end,
    })),
  }),
});

function find(state: State, { topic, partition, epoch }: AssignedPartition): Partition | undefined {
  const found = state.partitions.get(partitionKey(topic, partition));
  return found?.epoch === epoch ? found : undefined;
}

function take(self: Self<State>, partition: Partition, batch: Batch): void {
  const { topic, partition: number, epoch, window } = partition;
  const { firstOffset, nextOffset, resetFrom } = batch;
  deliver(window, batch);
  partition.end = Math.max(partition.end, batch.highWatermark);
  const records = batch.messages.length;
  tell(self, {
    type: "fetched",
    topic,
    partition: number,
    epoch,
    firstOffset,
    nextOffset,
    records,
  });
  if (resetFrom !== undefined) {
    // Whoever reset the position may have committed a negative offset over ours: say ours again.
    partition.dirty = true;
    tell(self, {
      type: "offset_reset",
      topic,
      partition: number,
      from: resetFrom,
      to: firstOffset,
    });
    commit(self);
  }
  afterChange(self, partition);
}

function afterChange(self: Self<State>, partition: Partition): void {
  const lowest = lowestUnacked(partition.window);
  const tooWide = partition.window.position - lowest > SPAN_MAX;
  if (tooWide !== partition.throttled) {
    partition.throttled = tooWide;
    partition.throttle(tooWide);
  }
  if (lowest > partition.committed) commitSoon(self);
}

function commitSoon(self: Self<State>): void {
  const { state } = self;
  if (state.timer !== null || state.inFlight) return;
  const wait = state.options.commitIntervalMs * Math.min(2 ** state.failures, 16);
  state.timer = self.after(wait, "commit", () => {
    state.timer = null;
    commit(self);
  });
}

/** One request in flight, of all that may go forward. */
function commit(self: Self<State>): void {
  const { state } = self;
  if (state.inFlight) return;
  const commits = due(state);
  if (commits.length === 0 || state.session === null) {
    settleFlushes(state);
    return;
  }
  state.timer?.();
  state.timer = null;
  state.inFlight = true;
  const { session } = state;
  for (const commit of commits) {
    const partition = find(state, commit);
    if (partition !== undefined) partition.dirty = false;
  }
  self.task(
    "commit",
    () => session.commit(commits),
    (outcome) => {
      state.inFlight = false;
      const result: CommitResult = outcome.ok
        ? outcome.value
        : { status: "rebalancing", reason: String(outcome.error) };
      answered(self, commits, result);
    },
  );
}

function due(state: State): PartitionCommit[] {
  const commits: PartitionCommit[] = [];
  for (const { topic, partition, epoch, window, committed, dirty } of state.partitions.values()) {
    const offset = lowestUnacked(window);
    if (offset > committed || dirty)
      commits.push({ topic, partition, epoch, offset, metadata: "" });
  }
  return commits;
}

function answered(self: Self<State>, commits: PartitionCommit[], result: CommitResult): void {
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
    const partition = find(state, lost);
    // What became of it is not known: the next one must say it again, whatever it was.
    if (partition !== undefined) partition.dirty = true;
  }
  const why = result.status === "failed" ? result.error.message : result.reason;
  tell(self, { type: "commit_failed", status: result.status, why });
  for (const flush of state.flushes.splice(0)) flush.resolve(false);
  commitSoon(self);
}

function confirm(self: Self<State>, done: PartitionCommit, fenced: boolean): void {
  const { topic, partition, epoch, offset } = done;
  if (fenced) {
    tell(self, { type: "fenced", topic, partition, epoch, what: "commit" });
    // The driver knows first: that epoch is over, and its work is nobody's here.
    if (find(self.state, done) !== undefined) {
      self.state.partitions.delete(partitionKey(topic, partition));
    }
    return;
  }
  const found = find(self.state, done);
  if (found !== undefined) found.committed = Math.max(found.committed, offset);
  tell(self, { type: "committed", topic, partition, epoch, offset });
}

function settleFlushes(state: State): void {
  if (state.inFlight || due(state).length > 0) return;
  for (const flush of state.flushes.splice(0)) flush.resolve(true);
}

/** `Omit` over a union would forget which fields belong together. */
type Untold<E> = E extends unknown ? Omit<E, "pid" | "label"> : never;

function tell(self: Self<State>, event: Untold<Parameters<Self<State>["emit"]>[0]>): void {
  if (!self.listens(event.type)) return;
  self.emit({ pid: self.id, label: self.label, ...event } as Parameters<Self<State>["emit"]>[0]);
}
