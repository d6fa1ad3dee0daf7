/** Why this exists: how records become handler calls, and handler results become acks. */
import type { RefOf } from "../src/kernel/ref.ts";
import type { Self } from "../src/kernel/self.ts";
import { isThenable } from "../src/kernel/thenable.ts";
import { type Message, partitionKey } from "../src/ports/record.ts";
import { HandlerError } from "./handler.ts";
import type { worker } from "./worker.ts";
import type { WorkerState } from "./worker-state.ts";

/** Records whose handlers are sync, started in one turn before others get theirs. */
const TURN = 64;
/** And how long such a turn may last before heartbeats get theirs. */
const TURN_MS = 10;
/** Records that are started are forgotten so many at a time. */
const FORGET = 256;
/** How often a worker whose member is not confirmed looks again. */
const LOOK_MS = 50;

/** Starts what may be started, for as long as a turn may be. */
export function pump(self: Self<WorkerState>): void {
  const { state, host } = self;
  if (!canStart(state) || !mayHandle(self)) return;
  const until = host.now() + TURN_MS;
  let late = false;
  try {
    for (let i = 0; i < TURN && !late && canStart(state) && owns(state); i++) {
      if (state.options.group.eachBatch === undefined) startMessage(self);
      else startBatch(self);
      late = host.now() > until;
    }
  } finally {
    // Also when a handler threw: what was done before it is done.
    flushDone(state, self.id);
  }
  if (!canStart(state)) return;
  // Slow sync handlers would keep the loop from the heartbeats: a timer lets I/O go first.
  if (late) self.after(0, "pump", () => pump(self));
  else (self.ref as RefOf<typeof worker>).cast("pump");
}

const owns = ({ options }: WorkerState): boolean => options.session.owns(options.where);

const canStart = (state: WorkerState): boolean =>
  state.open && state.handling === null && state.next < state.queue.length;

/**
 * A member that the broker may have given up starts nothing until it is confirmed again; and from
 * the moment a partition is another's, nothing at all, though the news may still be on its way.
 */
function mayHandle(self: Self<WorkerState>): boolean {
  const { state } = self;
  if (owns(state)) return true;
  if (!state.looking) {
    state.looking = true;
    self.after(LOOK_MS, "owned?", () => {
      state.looking = false;
      pump(self);
    });
  }
  return false;
}

function startMessage(self: Self<WorkerState>): void {
  const { options, queue, next } = self.state;
  const { group, where, produce } = options;
  const message = queue[next] as Message;
  self.state.next++;
  // What was started must not be held by the queue until the queue is empty, which may be never.
  if (self.state.next >= FORGET) self.state.next -= queue.splice(0, FORGET).length;
  const ackByHand = manualAcks(self, [message]);
  start(self, [message], () =>
    group.eachMessage?.({
      topic: where.topic,
      partition: where.partition,
      message,
      produce,
      ack: () => ackByHand(message.offset),
      get signal() {
        return self.signal;
      },
    }),
  );
}

function startBatch(self: Self<WorkerState>): void {
  const { options, queue, next } = self.state;
  const { group, where, produce } = options;
  const messages = next === 0 ? queue : queue.slice(next);
  self.state.queue = [];
  self.state.next = 0;
  const ack = manualAcks(self, messages);
  start(self, messages, () =>
    group.eachBatch?.({
      topic: where.topic,
      partition: where.partition,
      // Its own list: whoever takes records out of it must not take them from us.
      messages: [...messages],
      produce,
      ack,
      get signal() {
        return self.signal;
      },
    }),
  );
}

function start(self: Self<WorkerState>, messages: readonly Message[], handle: () => unknown): void {
  const { state } = self;
  const { where, unsettled, handed } = state.options;
  const { topic, partition, epoch } = where;
  const firstOffset = Number(messages[0]?.offset);
  const lastOffset = Number(messages.at(-1)?.offset);
  const key = partitionKey(topic, partition);
  handed.set(key, Math.max(handed.get(key) ?? 0, lastOffset + 1));
  if (self.listens("handling")) {
    const { id: pid, label } = self;
    const records = messages.length;
    const which = { topic, partition, epoch, firstOffset, lastOffset, records };
    self.emit({ type: "handling", pid, label, ...which });
  }
  let result: unknown;
  try {
    result = handle();
  } catch (error) {
    throw failure(state, messages, error);
  }
  if (!isThenable(result)) {
    finish(self, messages);
    return;
  }
  const promise = Promise.resolve(result);
  unsettled.add(topic, partition, promise);
  state.handling = { messages, promise };
  self.task(
    "handler",
    () => promise,
    (outcome) => {
      state.handling = null;
      for (const idle of state.idle.splice(0)) idle.resolve();
      if (!outcome.ok) throw failure(state, messages, outcome.error);
      finish(self, messages);
      flushDone(state, self.id);
      pump(self);
    },
  );
}

function failure(state: WorkerState, messages: readonly Message[], error: unknown): HandlerError {
  const { topic, partition } = state.options.where;
  return new HandlerError(topic, partition, messages[0]?.offset ?? "", error);
}

// Acking

export function finish(self: Self<WorkerState>, messages: readonly Message[]): void {
  const { state } = self;
  if (state.options.group.ackMode === "manual") return;
  for (const message of messages) state.done.push(Number(message.offset));
  state.flow.remove(messages);
}

export function flushDone(state: WorkerState, incarnation: number): void {
  if (state.done.length === 0) return;
  const offsets = state.done;
  state.done = [];
  state.options.acker.cast("ack", state.options.where, incarnation, offsets);
}

/**
 * The `ack` of a handler's payload. It may be called at any time, from anywhere, twice, or after
 * the worker's end: the first call counts here, and the acker judges who may say so.
 */
function manualAcks(
  self: Self<WorkerState>,
  messages: readonly Message[],
): (offset: string) => void {
  const { options, flow } = self.state;
  if (options.group.ackMode !== "manual") return () => {};
  const open = new Map(messages.map((message) => [message.offset, message]));
  return (offset) => {
    const message = open.get(offset);
    if (message === undefined) return;
    open.delete(offset);
    options.acker.cast("ack", options.where, self.id, [Number(offset)]);
    // A dead worker's flow knows nothing of what the live one has paused.
    if (self.ref.alive) flow.remove([message]);
  };
}
