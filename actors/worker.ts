/**
 * Why this exists: one process per partition runs the user's handler. When it crashes, it alone
 * starts again, at the lowest unacked record; the acker keeps the place, the worker keeps nothing.
 *
 * A handler is a task whose result comes back as a message: a worker that awaited it would be deaf
 * to a revoke, a stop and every exit for as long as the handler takes.
 */
import { actor, type Description } from "../src/kernel/actor.ts";
import type { ExitReason } from "../src/kernel/exit.ts";
import type { RefOf } from "../src/kernel/ref.ts";
import type { Down, Self } from "../src/kernel/self.ts";
import type { Batch, Message } from "../src/ports/record.ts";
import type { Place } from "./commit-loop.ts";
import { createFlow } from "./flow.ts";
import { finish, flushDone, pump } from "./record-handling.ts";
import {
  mayStart,
  newLifecycle,
  nextLifecycle,
  phaseOf,
  type WorkerEvent,
} from "./worker-machine.ts";
import type { WorkerOptions, WorkerState } from "./worker-state.ts";

export const worker = actor({
  name: "worker",
  init: (self, options: WorkerOptions): WorkerState => {
    self.trapExit = true;
    self.monitor(options.acker);
    self.monitor(options.manager);
    self.continue(() => locate(self as Self<WorkerState>));
    return {
      options,
      flow: createFlow(options.group, options.session, options.where),
      lifecycle: newLifecycle(options.gate.held),
      open: false,
      queue: [],
      next: 0,
      handling: null,
      done: [],
      idle: [],
      looking: false,
    };
  },
  calls: {
    /** Starts nothing from now on; answers when no handler is under way. */
    hold: (self) => {
      step(self, { type: "HOLD" });
      const idle = self.defer<void>();
      if (self.state.handling === null) idle.resolve();
      else self.state.idle.push(idle);
      return idle;
    },
  },
  casts: {
    release: (self) => step(self, { type: "RELEASE" }),
    /** The partition is another's: whatever is under way counts for nothing. */
    revoked: (self) => self.stop({ shutdown: "revoked" }),
    batch: (self, batch: Batch) => {
      const { state } = self;
      if (state.next === state.queue.length) {
        state.queue = [];
        state.next = 0;
      }
      for (const message of batch.messages) state.queue.push(message);
      pump(self);
    },
    pump: (self) => pump(self),
  },
  info: (self, message) => {
    const down = message as Down;
    if (down.type !== "DOWN") return;
    const lost = down.ref.id === self.state.options.acker.id ? "acker_lost" : "manager_lost";
    self.stop({ shutdown: lost });
  },
  terminate: (self, reason) => leave(self, reason),
  describe: ({ state }): Description => ({
    phase: phaseOf(state.lifecycle),
    handling: state.handling === null ? 0 : state.handling.messages.length,
    buffered: state.queue.length - state.next,
  }),
});

// Finding its place

function locate(self: Self<WorkerState>): void {
  const { options, flow } = self.state;
  const ask = (): Promise<Place | null> =>
    options.acker.callWithin(Number.POSITIVE_INFINITY, "where", options.where, self.id, (on) =>
      flow.throttle(on),
    );
  self.task("where", ask, (answer) => {
    if (!answer.ok) self.stop({ shutdown: "acker_lost" });
    else if (answer.value === null) self.stop({ shutdown: "revoked" });
    else located(self, answer.value);
  });
}

function located(self: Self<WorkerState>, place: Place): void {
  const { state } = self;
  const { where, session, acker, manager, unsettled, group } = state.options;
  state.queue = [...place.replay];
  state.flow.add(place.replay);
  const ref = self.ref as RefOf<typeof worker>;
  const attached = session.attach({
    ...where,
    offset: place.position,
    deliver: (batch) => {
      // A dead worker's route: fetching on would be for nobody.
      if (!ref.alive) return session.pause(where);
      acker.cast("delivered", where, ref.id, batch);
      ref.cast("batch", batch);
      state.flow.add(batch.messages);
    },
    outOfRange: (range) => manager.cast("outOfRange", where, range),
  });
  if (!attached) {
    self.stop({ shutdown: "revoked" });
    return;
  }
  state.flow.attached();
  step(self, { type: "LOCATED" });
  const old = unsettled.settled(where.topic, where.partition);
  if (old === null) {
    step(self, { type: "SETTLED" });
    return;
  }
  const { topic, partition } = where;
  const cancel = self.after(group.settleGraceMs, "grace", () => {
    self.log("warn", "an earlier handler has not ended; going on without it", { topic, partition });
    step(self, { type: "SETTLED" });
  });
  self.task(
    "settle",
    () => old,
    () => {
      cancel();
      step(self, { type: "SETTLED" });
    },
  );
}

function step(self: Self<WorkerState>, event: WorkerEvent): void {
  const { state } = self;
  state.lifecycle = nextLifecycle(state.lifecycle, event);
  state.open = mayStart(state.lifecycle);
  pump(self);
}

// Ending

async function leave(self: Self<WorkerState>, reason: ExitReason): Promise<void> {
  const { state } = self;
  const { session, where } = state.options;
  const { handling } = state;
  state.open = false;
  session.pause(where);
  // Only a stop from above waits. A crash has nothing to wait for, and the work on a partition
  // that is lost, or whose acker is, counts for nothing.
  if (handling !== null && reason === "shutdown") {
    const outcome = await waitFor(self, handling.promise);
    if (outcome === "done") {
      finish(self, handling.messages);
      flushDone(state, self.id);
    } else if (outcome === "deadline") giveUp(self, handling.messages);
    // Killed meanwhile: the route may be the next incarnation's by now.
    if (!self.ref.alive) return;
  }
  session.detach(where);
  for (const idle of state.idle.splice(0)) idle.resolve();
}

type Waited = "done" | "failed" | "deadline" | "lost";

function waitFor(self: Self<WorkerState>, promise: Promise<unknown>): Promise<Waited> {
  const { acker, manager, group } = self.state.options;
  return new Promise((resolve) => {
    const cancel = self.host.timer(group.drainTimeoutMs, () => resolve("deadline"));
    const end = (how: Waited) => (): void => {
      cancel();
      resolve(how);
    };
    promise.then(end("done"), end("failed"));
    void self.exited(acker).then(end("lost"));
    void self.exited(manager).then(end("lost"));
  });
}

function giveUp(self: Self<WorkerState>, messages: readonly Message[]): void {
  const { topic, partition } = self.state.options.where;
  const firstOffset = Number(messages[0]?.offset);
  const lastOffset = Number(messages.at(-1)?.offset);
  const { id: pid, label } = self;
  const what = { topic, partition, firstOffset, lastOffset, records: messages.length };
  self.emit({ type: "given_up", pid, label, ...what });
  self.log("warn", "gave a handler up at the deadline; its records will come again", what);
}
