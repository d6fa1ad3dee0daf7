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
import { type Batch, partitionKey } from "../src/ports/record.ts";
import {
  type AckedPartition,
  type AckerOptions,
  type AckerState,
  answerPlace,
  commit,
  commitSoon,
  findPartition,
  forget,
  type Place,
  settleFlushes,
  tell,
} from "./commit-loop.ts";
import { ack, deliver, lowestUnacked, openWindow } from "./offset-tracker.ts";

/** From where on a partition is read, and what the broker holds. */
export interface Opening extends AssignedPartition {
  readonly offset: number;
  /** The broker's committed offset; null: none, or none that counts. */
  readonly committed: number | null;
  /** Commit `offset` at once, before anything is acked: a pinned "latest", or a reset position. */
  readonly pin: boolean;
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
    inFlight: null,
    timer: null,
    failures: 0,
    flushes: [],
  }),
  calls: {
    /**
     * A worker's incarnation takes its partition over. Null: that epoch is over. Answered only when
     * the broker holds the place if it would not be found again: nobody handles a record before.
     */
    where: (
      self,
      where: AssignedPartition,
      incarnation: number,
      throttle: (on: boolean) => void,
    ) => {
      const place = self.defer<Place | null>();
      const partition = findPartition(self.state, where);
      if (partition === undefined) place.resolve(null);
      else {
        partition.incarnation = incarnation;
        partition.throttle = throttle;
        partition.throttled = false;
        partition.asking = place;
        const { topic, partition: number, epoch } = partition;
        tell(self, { type: "located", topic, partition: number, epoch, incarnation });
        answerPlace(partition);
      }
      return place;
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
    /** All that a member gained at once: so that their places are pinned by one request. */
    open: (self, session: Session, openings: readonly Opening[]) => {
      self.state.session = session;
      for (const opening of openings) open(self, opening);
      if (openings.some(({ pin }) => pin)) commit(self);
    },
    close: (self, { topic, partition, epoch }: AssignedPartition) => {
      if (findPartition(self.state, { topic, partition, epoch }) === undefined) return;
      forget(self.state, { topic, partition, epoch });
      tell(self, { type: "closed", topic, partition, epoch });
      settleFlushes(self.state);
    },
    /** The session is over, or its owner is: nothing that was opened in it counts any more. */
    reset: ({ state }) => {
      for (const partition of [...state.partitions.values()]) forget(state, partition);
      state.session = null;
      state.inFlight = null;
      state.failures = 0;
      settleFlushes(state);
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
    inFlight: state.inFlight === null ? null : "commit in flight",
    partitions: [...state.partitions.values()].map((partition) => ({
      topic: partition.topic,
      partition: partition.partition,
      epoch: partition.epoch,
      committed: partition.committed < 0 ? null : partition.committed,
      restartsAt: partition.committed < 0 ? partition.opened : partition.committed,
      handedTo:
        state.options.handed.get(partitionKey(partition.topic, partition.partition)) ?? null,
      lowestUnacked: lowestUnacked(partition.window),
      position: partition.window.position,
      unacked: partition.window.unacked,
      end: partition.end,
    })),
  }),
});

function open(self: Self<AckerState>, opening: Opening): void {
  const { topic, partition, epoch, offset, committed, pin } = opening;
  self.state.partitions.set(partitionKey(topic, partition), {
    topic,
    partition,
    epoch,
    window: openWindow(offset),
    incarnation: null,
    committed: pin ? -1 : (committed ?? -1),
    opened: offset,
    pinned: !pin,
    dirty: pin,
    asking: null,
    end: offset,
    throttled: false,
    throttle: () => {},
  });
  tell(self, { type: "opened", topic, partition, epoch, offset, committed });
}

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
