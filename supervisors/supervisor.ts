/**
 * Why this exists: who is started again when it fails, how soon, how often, and in which order
 * everything stops. OTP's supervisor, one_for_one, in which nothing waits: a child that takes its
 * time to start or to stop keeps no sibling from being restarted.
 */

import type { Deferred } from "../src/kernel/actor.ts";
import { type AnyActor, actor, type Description, type Plain } from "../src/kernel/actor.ts";
import {
  type Backoff,
  type ChildInfo,
  type ChildSpec,
  type ChildStatus,
  checkChildSpec,
  type StartChildResult,
} from "../src/kernel/child-spec.ts";
import { OptionError } from "../src/kernel/errors.ts";
import { type ExitReason, formatReason, isOrderly } from "../src/kernel/exit.ts";
import type { Cancel } from "../src/kernel/host.ts";
import type { Ref } from "../src/kernel/ref.ts";
import type { Exit, Self, StartOutcome } from "../src/kernel/self.ts";
import { createRestartWindow, type RestartWindow } from "./restart-window.ts";

export interface SupervisorOptions {
  /** Only the child that ended is started again. */
  readonly strategy?: "one_for_one";
  /** Restarts allowed within `periodMs`, of all children without a budget of their own; default 1. */
  readonly intensity?: number;
  /** Default 5,000 ms. */
  readonly periodMs?: number;
  /** Started in this order, each when the one before it is up; stopped in reverse. */
  readonly children?: readonly ChildSpec[];
}

interface Child {
  readonly spec: ChildSpec;
  /** Added while running: forgotten when it ends, stopped together with its like. */
  readonly dynamic: boolean;
  ref: Ref | null;
  status: ChildStatus;
  startedAt: number;
  restarts: number;
  /** Restarts since the last sign of progress. */
  streak: number;
  /** What `budget.progress` said at the last crash. */
  mark: unknown;
  lastExit: ExitReason | null;
  /** The restart's or the kill's timer. */
  timer: Cancel | null;
  starter: Deferred<StartChildResult> | null;
  stoppers: Deferred<"ok" | "not_found">[];
}

interface State {
  readonly intensity: number;
  readonly periodMs: number;
  readonly window: RestartWindow;
  readonly children: Map<string, Child>;
  readonly byPid: Map<number, Child>;
}

const SHUTDOWN_MS = 5_000;
const DOUBLINGS_MAX = 50;

export const supervisor = actor({
  name: "supervisor",
  init: async (self, options: SupervisorOptions): Promise<State> => {
    const state = newState(options);
    self.trapExit = true;
    for (const spec of options.children ?? []) {
      const child = newChild(spec, false);
      state.children.set(spec.id, child);
      const reason = await startFirst(self, state, child);
      if (reason === null) continue;
      await stopAll(self, state);
      self.stop({ shutdown: `child ${spec.id} did not start: ${formatReason(reason)}` });
      return state;
    }
    return state;
  },
  calls: {
    startChild: (self, spec: ChildSpec) => {
      const reply = self.defer<StartChildResult>();
      try {
        checkChildSpec(spec, "spec");
      } catch (error) {
        // The mistake of whoever asks: no reason for the other children to fall.
        reply.reject(error);
        return reply;
      }
      const old = self.state.children.get(spec.id);
      if (old !== undefined && old.status !== "stopped") {
        reply.resolve({ status: "already_started" });
        return reply;
      }
      const child = newChild(spec, old === undefined);
      child.starter = reply;
      self.state.children.set(spec.id, child);
      begin(self, child);
      return reply;
    },
    terminateChild: (self, id: string) => {
      const reply = self.defer<"ok" | "not_found">();
      const child = self.state.children.get(id);
      if (child === undefined) reply.resolve("not_found");
      else {
        child.stoppers.push(reply);
        end(self, child);
      }
      return reply;
    },
    whichChildren: (self): ChildInfo[] =>
      [...self.state.children.values()].map(({ spec, ref, status, restarts }) => ({
        id: spec.id,
        ref,
        status,
        type: spec.type ?? "worker",
        restarts,
      })),
  },
  casts: {
    /** A child's `init` is over: sent from within the child's turn, before any exit of it. */
    started: (self, id: string, pid: number, outcome: StartOutcome) => {
      const child = self.state.children.get(id);
      if (child?.ref?.id === pid && child.status === "starting") begun(self, child, outcome);
    },
  },
  info: (self, message) => {
    const exit = message as Partial<Exit> | null | undefined;
    if (exit?.type !== "EXIT" || exit.ref === undefined || exit.reason === undefined) return;
    const child = self.state.byPid.get(exit.ref.id);
    if (child !== undefined) ended(self, child, exit.reason);
  },
  terminate: (self) => stopAll(self, self.state),
  describe: (self): Description => describe(self),
});

function newState(options: SupervisorOptions): State {
  const { intensity = 1, periodMs = 5_000, strategy = "one_for_one" } = options;
  if (strategy !== "one_for_one") throw new OptionError("strategy", strategy, `"one_for_one"`);
  if (!(Number.isInteger(intensity) && intensity >= 0)) {
    throw new OptionError("intensity", intensity, "a whole number from 0");
  }
  if (!(periodMs > 0)) throw new OptionError("periodMs", periodMs, "milliseconds above 0");
  const ids = new Set<string>();
  for (const [i, spec] of (options.children ?? []).entries()) {
    checkChildSpec(spec, `children[${i}]`);
    if (ids.has(spec.id)) throw new OptionError(`children[${i}].id`, spec.id, "an id used once");
    ids.add(spec.id);
  }
  const window = createRestartWindow(intensity, periodMs);
  return { intensity, periodMs, window, children: new Map(), byPid: new Map() };
}

const newChild = (spec: ChildSpec, dynamic: boolean): Child => ({
  spec,
  dynamic,
  ref: null,
  status: "starting",
  startedAt: 0,
  restarts: 0,
  streak: 0,
  mark: undefined,
  lastExit: null,
  timer: null,
  starter: null,
  stoppers: [],
});

// Starting

/** For `init`, which hears no messages yet: the reason it did not start, or null. */
function startFirst(self: Self<unknown>, state: State, child: Child): Promise<ExitReason | null> {
  return new Promise((resolve) => {
    spawn(self, state, child, (outcome) => {
      if (outcome.status === "failed") resolve(outcome.reason);
      else {
        child.status = outcome.status === "started" ? "running" : "stopped";
        if (child.status === "stopped") forgetRef(state, child);
        resolve(null);
      }
    });
  });
}

function begin(self: Self<State>, child: Child): void {
  const { id } = child.spec;
  spawn(self, self.state, child, (outcome) => {
    (self.ref as Ref<object, { started: (...args: unknown[]) => void }>).cast(
      "started",
      id,
      child.ref?.id,
      outcome,
    );
  });
}

function spawn(
  self: Self<unknown>,
  state: State,
  child: Child,
  onStart: (outcome: StartOutcome) => void,
): void {
  const { start, args, name, id } = child.spec;
  child.status = "starting";
  child.startedAt = self.host.now();
  const ref: Ref = self.spawnLink(start, args as never, {
    label: id,
    onStart,
    ...(name === undefined ? {} : { name }),
  });
  child.ref = ref;
  state.byPid.set(ref.id, child);
}

function begun(self: Self<State>, child: Child, outcome: StartOutcome): void {
  const { starter, ref } = child;
  child.starter = null;
  if (outcome.status === "started" && ref !== null) {
    child.status = "running";
    starter?.resolve({ status: "started", ref });
    return;
  }
  if (outcome.status === "failed" && starter === null) {
    ended(self, child, outcome.reason);
    return;
  }
  forgetRef(self.state, child);
  settle(self, child);
  starter?.resolve(
    outcome.status === "failed"
      ? { status: "failed", reason: outcome.reason }
      : { status: "ignored" },
  );
}

// Ending

function ended(self: Self<State>, child: Child, reason: ExitReason): void {
  forgetRef(self.state, child);
  child.lastExit = reason;
  // Told to stop before it was up.
  child.starter?.resolve({ status: "failed", reason });
  child.starter = null;
  const { restart: policy = "permanent" } = child.spec;
  const again = policy === "permanent" || (policy === "transient" && !isOrderly(reason));
  if (child.status !== "stopping" && again) restart(self, child, reason);
  else settle(self, child);
}

/** If its exit is still to come, that says nothing new. */
function forgetRef(state: State, child: Child): void {
  if (child.ref !== null) state.byPid.delete(child.ref.id);
  child.ref = null;
}

/** It is down for good, or until somebody asks for it. */
function settle(self: Self<State>, child: Child): void {
  child.timer?.();
  child.timer = null;
  child.status = "stopped";
  if (child.dynamic) self.state.children.delete(child.spec.id);
  for (const stopper of child.stoppers.splice(0)) stopper.resolve("ok");
}

function restart(self: Self<State>, child: Child, reason: ExitReason): void {
  const { budget } = child.spec;
  child.status = "restarting";
  if (budget?.progress === undefined) {
    // Without a measure of progress, and a budget of it, a period of life is one.
    const age = self.host.now() - child.startedAt;
    if (budget === undefined && age >= self.state.periodMs) child.streak = 0;
    restartOrGiveUp(self, child, reason);
    return;
  }
  const { progress } = budget;
  // As a task: whoever knows may be slow, or down as well, and no sibling is to wait for that.
  self.task("progress", progress, (answer) => {
    if (child.status !== "restarting") return;
    if (answer.ok && answer.value !== child.mark) child.streak = 0;
    if (answer.ok) child.mark = answer.value;
    restartOrGiveUp(self, child, reason);
  });
}

function restartOrGiveUp(self: Self<State>, child: Child, reason: ExitReason): void {
  child.streak++;
  child.restarts++;
  const { backoff, budget, id } = child.spec;
  const admitted =
    budget === undefined
      ? self.state.window.admit(self.host.now())
      : child.streak <= budget.restarts;
  const { id: pid, label } = self;
  const { intensity, periodMs } = self.state;
  const what = {
    child: id,
    reason,
    restarts: child.streak,
    allowed: budget?.restarts ?? intensity,
    periodMs: budget === undefined ? periodMs : null,
  };
  if (!admitted) {
    child.status = "stopped";
    self.emit({ type: "escalated", pid, label, ...what });
    self.stop("shutdown");
    return;
  }
  const delayMs = backoff === undefined ? 0 : delay(self, backoff, child.streak);
  self.emit({ type: "restarting", pid, label, delayMs, ...what });
  if (delayMs === 0) begin(self, child);
  else child.timer = self.after(delayMs, "restart", () => begin(self, child));
}

/** Jitter of a fifth either way, so that what fell together does not rise together. */
function delay(self: Self<State>, backoff: Backoff, streak: number): number {
  if (streak <= 1) return 0;
  // Beyond that any wait is the longest; and nothing times infinity would be no number.
  const doublings = Math.min(streak - 2, DOUBLINGS_MAX);
  const ms = Math.min(backoff.maxMs, backoff.minMs * 2 ** doublings);
  return Math.round(ms * (0.8 + self.host.choose(401) / 1000));
}

// Stopping

function end(self: Self<State>, child: Child): void {
  const { ref } = child;
  if (child.status === "stopping") return;
  child.timer?.();
  if (ref === null) {
    settle(self, child);
    return;
  }
  const ms = askToStop(self, child, ref);
  if (ms !== null) child.timer = self.after(ms, "kill", () => self.exit(ref, "kill"));
}

const isSupervisor = ({ type, start }: ChildSpec): boolean =>
  type === "supervisor" || start === (supervisor as AnyActor);

/** Sends the signal; the time after which it must be followed by a kill, if any. */
function askToStop(self: Self<unknown>, child: Child, ref: Ref): number | null {
  const { shutdownMs = isSupervisor(child.spec) ? "infinity" : SHUTDOWN_MS } = child.spec;
  child.status = "stopping";
  self.exit(ref, shutdownMs === "brutal_kill" ? "kill" : "shutdown");
  return typeof shutdownMs === "number" ? shutdownMs : null;
}

/** For `init` and `terminate`, which hear no messages: the dynamic ones together, then in reverse. */
async function stopAll(self: Self<unknown>, state: State): Promise<void> {
  const children = [...state.children.values()].reverse();
  await Promise.all(children.filter((child) => child.dynamic).map((child) => stop(self, child)));
  for (const child of children) if (!child.dynamic) await stop(self, child);
}

async function stop(self: Self<unknown>, child: Child): Promise<void> {
  const { ref } = child;
  child.timer?.();
  if (ref === null) return;
  const ms = askToStop(self, child, ref);
  const cancel = ms === null ? null : self.host.timer(ms, () => self.exit(ref, "kill"));
  await self.exited(ref);
  cancel?.();
  child.ref = null;
  child.status = "stopped";
}

function describe(self: Self<State>): Description {
  const { intensity, periodMs, window, children } = self.state;
  return {
    strategy: "one_for_one",
    intensity,
    periodMs,
    recentRestarts: window.recent(self.host.now()),
    children: [...children.values()].map(
      ({ spec, ref, status, restarts, lastExit }): Plain => ({
        id: spec.id,
        pid: ref?.id ?? null,
        status,
        restarts,
        lastExit: lastExit === null ? null : formatReason(lastExit),
      }),
    ),
  };
}
