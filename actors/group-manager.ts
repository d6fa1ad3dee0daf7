/**
 * Why this exists: this member's place in its group. It joins, learns which partitions are its own,
 * has each opened at the right offset with a worker on it, drains before any is taken away, and
 * joins anew when the session is lost. The session is bound to this incarnation: however the
 * process ends, the member leaves the group.
 */
import { actor, type Description } from "../src/kernel/actor.ts";
import { type ExitReason, isOrderly } from "../src/kernel/exit.ts";
import type { RefOf } from "../src/kernel/ref.ts";
import type { Down, Self } from "../src/kernel/self.ts";
import { DriverError } from "../src/ports/driver-error.ts";
import type { AssignedPartition, Assignment, OutOfRange } from "../src/ports/log-driver.ts";
import { partitionKey } from "../src/ports/record.ts";
import { failed } from "../src/ports/result.ts";
import { acker } from "./acker.ts";
import {
  type ManagerAction,
  type ManagerEvent,
  newLifecycle,
  nextLifecycle,
} from "./group-manager-machine.ts";
import {
  childrenOf,
  FLUSH_MS,
  findOwned,
  idOf,
  LOOK_MS,
  type ManagerOptions,
  type ManagerState,
  type Owned,
  plain,
  withWorkers,
  workersOf,
} from "./group-manager-state.ts";
import { openAll } from "./partition-opener.ts";
import type { worker } from "./worker.ts";

/** Waits between attempts to join: doubling from the first to the last. */
const RETRY_MS = { min: 100, max: 5_000 };

export const groupManager = actor({
  name: "group-manager",
  init: (self, options: ManagerOptions): ManagerState => {
    self.trapExit = true;
    self.continue(() => {
      findAcker(self as Self<ManagerState>);
      step(self as Self<ManagerState>, { type: "CONNECT" });
    });
    return {
      options,
      owned: new Map(),
      gate: { held: false },
      lifecycle: newLifecycle(),
      session: null,
      token: 0,
      drains: 0,
      assignment: null,
      acker: null,
      failures: 0,
      opening: false,
    };
  },
  calls: {
    /** Committed offsets and log ranges of all partitions of the group's topics, from the broker. */
    positions: (self) => {
      const { session } = self.state;
      const none = new DriverError("closed", "not joined", { retriable: true });
      return session === null ? failed(none) : session.positions();
    },
  },
  casts: {
    assigned: (self, token: number, assignment: Assignment) => {
      if (token !== self.state.token) return;
      self.state.assignment = assignment;
      step(self, { type: "ASSIGNED" });
    },
    revoking: (self, token: number) => {
      if (token === self.state.token) step(self, { type: "REVOKING" });
    },
    lost: (self, token: number, error: DriverError) => {
      if (token === self.state.token) lost(self, error);
    },
    /** A worker's position lies outside the log: its place is decided again. */
    outOfRange: (self, where: AssignedPartition, range: OutOfRange) => {
      const owned = findOwned(self.state, where);
      if (owned === undefined) return;
      const { topic, partition } = where;
      self.log("warn", "the log no longer has the next record", { topic, partition, ...range });
      owned.open = false;
      owned.lost = range.position;
      openAll(self);
    },
  },
  info: (self, message) => {
    const down = message as Down;
    if (down.type !== "DOWN" || down.ref.id !== self.state.acker?.id) return;
    // Its window is gone, and the workers with it: the broker's offsets are what is left.
    self.state.acker = null;
    for (const owned of self.state.owned.values()) owned.open = false;
    findAcker(self);
  },
  terminate: (self, reason) => leave(self, reason),
  describe: ({ state }): Description => ({
    state: String(state.lifecycle.value),
    member: state.assignment?.memberId ?? null,
    generation: state.assignment?.generation ?? null,
    partitions: state.owned.size,
  }),
});

function step(self: Self<ManagerState>, event: ManagerEvent): void {
  const [next, actions] = nextLifecycle(self.state.lifecycle, event);
  self.state.lifecycle = next;
  for (const action of actions) ACTIONS[action](self);
}

const ACTIONS: Record<ManagerAction, (self: Self<ManagerState>) => void> = {
  join,
  settle,
  drain,
  rejoin: (self) => self.state.session?.rejoin(),
  dropAll: (self) => {
    for (const owned of self.state.owned.values()) drop(self, owned);
    self.state.acker?.cast("reset");
    self.state.owned.clear();
    self.state.session = null;
    self.state.assignment = null;
  },
  retryLater: (self) => {
    const { state } = self;
    const ms = Math.min(RETRY_MS.max, RETRY_MS.min * 2 ** state.failures++);
    const jitter = 0.8 + self.host.choose(401) / 1000;
    self.after(ms * jitter, "join", () => step(self, { type: "CONNECT" }));
  },
};

// The session

function join(self: Self<ManagerState>): void {
  const { state } = self;
  const { group } = state.options;
  const token = ++state.token;
  self.log("info", "joining", { group: group.groupId, source: group.source.name });
  const me = self.ref as RefOf<typeof groupManager>;
  state.session = group.source.join(
    {
      groupId: group.groupId,
      topics: group.topics,
      sessionTimeout: group.sessionTimeout,
      heartbeatInterval: group.heartbeatInterval,
      rebalanceTimeout: group.rebalanceTimeout,
      maxBytesPerPartition: group.prefetchBytes,
      resetPolicy: group.offsetResetPolicy === "reset_to_earliest" ? "earliest" : "latest",
      signal: self.signal,
    },
    {
      assigned: (assignment) => me.cast("assigned", token, assignment),
      revoking: () => me.cast("revoking", token),
      lost: (error) => me.cast("lost", token, error),
    },
  );
}

function lost(self: Self<ManagerState>, error: DriverError): void {
  const { id: pid, label } = self;
  const { group } = self.state.options;
  const { code, message: why } = error;
  self.emit({ type: "session_lost", pid, label, group: group.groupId, code, why });
  step(self, { type: "LOST" });
  if (error.retriable) self.log("warn", `session lost, joining again: ${why}`, { code });
  else self.stop({ error });
}

/** A new assignment: let go of what is lost, let go on what is kept, open what is gained. */
function settle(self: Self<ManagerState>): void {
  const { state } = self;
  const { assignment, options } = state;
  if (assignment === null) return;
  state.failures = 0;
  options.began.positions ??= assignment.beforeJoin;
  const { memberId, partitions } = assignment;
  const { id: pid, label } = self;
  self.emit({ type: "joined", pid, label, group: options.group.groupId, memberId, partitions });
  self.log("info", "joined", { memberId, partitions: partitions.length });
  const kept = new Map<string, Owned>();
  for (const { topic, partition, epoch } of partitions) {
    const owned = findOwned(state, { topic, partition, epoch }) ?? {
      topic,
      partition,
      epoch,
      open: false,
      lost: null,
    };
    kept.set(partitionKey(topic, partition), owned);
  }
  for (const [key, owned] of state.owned) if (kept.get(key) !== owned) drop(self, owned);
  state.owned.clear();
  for (const [key, owned] of kept) state.owned.set(key, owned);
  state.gate.held = false;
  withWorkers(self, (ref) => ref.cast("release"));
  state.acker?.cast("resume");
  openAll(self);
}

function drop(self: Self<ManagerState>, owned: Owned): void {
  self.state.acker?.cast("close", plain(owned));
  withWorkers(self, (ref) => ref.cast("revoked"), idOf(owned));
}

/** Nothing new starts; when all is quiet, or the deadline passes, commit and let the group go on. */
function drain(self: Self<ManagerState>): void {
  const { state } = self;
  const round = ++state.drains;
  state.gate.held = true;
  const quiet = async (): Promise<void> => {
    await holdWorkers(self);
    await state.acker?.callWithin(FLUSH_MS, "flush");
  };
  self.task("drain", quiet, () => {
    if (round === state.drains) step(self, { type: "DRAINED" });
  });
}

/** Resolves when no handler is under way, or at the deadline; a worker that is gone is quiet. */
async function holdWorkers(self: Self<ManagerState>): Promise<void> {
  const { drainTimeoutMs } = self.state.options.group;
  const workers = workersOf(self);
  try {
    const children = workers === undefined ? [] : await childrenOf(workers);
    const held = children.map(({ ref }) =>
      (ref as RefOf<typeof worker> | null)?.callWithin(drainTimeoutMs, "hold"),
    );
    await Promise.allSettled(held);
  } catch {
    // The supervisor is on its way out, and its workers with it.
  }
}

// The acker

function findAcker(self: Self<ManagerState>): void {
  const { state } = self;
  const found = self.whereis(state.options.ackerName, acker);
  if (found === undefined) {
    self.after(LOOK_MS, "acker?", () => findAcker(self));
    return;
  }
  state.acker = found;
  // What it may still hold was opened by a manager that is no more.
  found.cast("reset");
  self.monitor(found);
  openAll(self);
}

// Leaving

/**
 * After a crash nothing is waited for: the name must be free for the next incarnation, and the
 * session leaves by itself.
 */
async function leave(self: Self<ManagerState>, reason: ExitReason): Promise<void> {
  const { session, acker: to } = self.state;
  if (session === null || !isOrderly(reason)) return;
  if (to !== null) await lastCommit(self, to);
  await session.close();
}

async function lastCommit(self: Self<ManagerState>, to: RefOf<typeof acker>): Promise<void> {
  const until = self.host.now() + FLUSH_MS;
  while (self.host.now() < until) {
    try {
      if (await to.callWithin(until - self.host.now(), "flush")) return;
    } catch {
      break;
    }
    await new Promise<void>((resolve) => self.host.timer(RETRY_MS.min, resolve));
  }
  self.log("warn", "left the group without a confirmed last commit");
}
