/**
 * Why this exists: the one process that knows which offsets are done, and the only one that
 * commits. It outlives the workers: a new incarnation asks it where to go on.
 *
 * An ack counts only for an offset that was delivered to the live incarnation in the live epoch.
 */
import { actor, type Description } from "../src/kernel/actor.ts";
import type { Self } from "../src/kernel/self.ts";
import "../src/ports/events.ts";
import type { AssignedPartition, Session } from "../src/ports/log-driver.ts";
import { type Batch, type Message, partitionKey } from "../src/ports/record.ts";
import {
  type AckedPartition,
  type AckerOptions,
  type AckerState,
  commit,
  commitSoon,
  findPartition,
  settleFlushes,
  tell,
} from "./commit-loop.ts";
import { ack, deliver, lowestUnacked, openWindow, unackedMessages } from "./offset-tracker.ts";

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

/**
 * How many offsets may lie between the lowest unacked one and the position. Beyond it fetching
 * stops: a record that is never acked must not let the work to be repeated grow for ever.
 */
export const SPAN_MAX = 100_000;

export const acker = actor({
  name: "acker",
  init: (_self, options: AckerOptions): AckerState => ({
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
      const partition = findPartition(self.state, where);
      if (partition === undefined) return null;
      partition.incarnation = incarnation;
      partition.throttle = throttle;
      partition.throttled = false;
      const { window } = partition;
      return { replay: unackedMessages(window), position: window.position } satisfies Place;
    },
    /** The lowest unacked offset: what a supervisor takes for progress. */
    lowest: (self, where: AssignedPartition): number | null => {
      const partition = findPartition(self.state, where);
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
      if (findPartition(self.state, { topic, partition, epoch }) === undefined) return;
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
      const partition = findPartition(self.state, where);
      if (partition === undefined || partition.incarnation !== incarnation) return;
      take(self, partition, batch);
    },
    ack: (self, where: AssignedPartition, incarnation: number, offsets: readonly number[]) => {
      const partition = findPartition(self.state, where);
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

function take(self: Self<AckerState>, partition: AckedPartition, batch: Batch): void {
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

function afterChange(self: Self<AckerState>, partition: AckedPartition): void {
  const lowest = lowestUnacked(partition.window);
  const tooWide = partition.window.position - lowest > SPAN_MAX;
  if (tooWide !== partition.throttled) {
    partition.throttled = tooWide;
    partition.throttle(tooWide);
  }
  if (lowest > partition.committed) commitSoon(self);
}
