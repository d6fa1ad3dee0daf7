/**
 * Why this exists: how a supervisor starts a child, and what it does when one has ended. Alone it
 * is started again without anybody waiting for that; together with others as in OTP: the supervisor
 * hears nothing else until all of them are up.
 */

import { type ExitReason, isOrderly } from "../src/kernel/exit.ts";
import { asProcess, type Process } from "../src/kernel/process.ts";
import type { Outcome, Self, StartOutcome } from "../src/kernel/self.ts";
import type { Backoff } from "../src/ports/child-spec.ts";
import { settle, stop } from "./stopping.ts";
import { type Child, clearTimer, type SupervisorState } from "./supervisor-state.ts";

type S = Self<SupervisorState>;

const DOUBLINGS_MAX = 50;
/** For so long is a child's progress waited for. */
const PROGRESS_MS = 5_000;

// Starting

/** For whoever hears no messages meanwhile: the reason it did not start, or null. */
export function startFirst(self: Self<unknown>, child: Child): Promise<ExitReason | null> {
  return new Promise((resolve) => {
    spawn(self, child, (outcome) => {
      if (outcome.status === "failed") resolve(outcome.reason);
      else {
        child.fresh = false;
        child.upAt = self.host.now();
        child.status = outcome.status === "started" ? "running" : "stopped";
        if (child.status === "stopped") child.ref = null;
        resolve(null);
      }
    });
  });
}

/** The outcome comes as a message, before that of any exit. */
export function begin(self: S, child: Child): void {
  const ref = spawn(self, child, (outcome) => {
    asProcess(self.ref).post("started", () =>
      // It may be down by then, or another may have been started.
      child.ref === ref && child.status === "starting" ? begun(self, child, outcome) : undefined,
    );
  });
}

function spawn(
  self: Self<unknown>,
  child: Child,
  onStart: (outcome: StartOutcome) => void,
): Process {
  const { start, args, name, id } = child.spec;
  child.status = "starting";
  child.upAt = null;
  // It is started now, whatever it waited for.
  clearTimer(child);
  const options = name === undefined ? { label: id, onStart } : { label: id, onStart, name };
  // Not `self.spawnLink`: the specification was checked when it came, and not again at every restart.
  const parent = asProcess(self.ref);
  const process = parent.kernel.spawn(start, args as never, parent, options);
  child.ref = process;
  return process;
}

export function begun(self: S, child: Child, outcome: StartOutcome): unknown {
  const { starter, ref } = child;
  child.starter = null;
  if (outcome.status === "started" && ref !== null) {
    child.status = "running";
    child.fresh = false;
    child.upAt = self.host.now();
    starter?.resolve({ status: "started", ref });
    return;
  }
  if (outcome.status === "failed" && starter === null) return ended(self, child, outcome.reason);
  child.ref = null;
  // What ignored its start may be asked again.
  if (outcome.status === "ignored") child.fresh = false;
  settle(self.state, child);
  starter?.resolve(
    outcome.status === "failed"
      ? { status: "failed", reason: outcome.reason }
      : { status: "ignored" },
  );
}

// Starting again

export function ended(self: S, child: Child, reason: ExitReason): unknown {
  const now = self.host.now();
  // Without a measure of progress, and a budget of it, a period of life is one. A start that fails is none,
  // however long it took.
  const { budget } = child.spec;
  const age = child.upAt === null ? 0 : now - child.upAt;
  if (budget === undefined && age >= self.state.periodMs) child.streak = 0;
  child.ref = null;
  child.lastExit = reason;
  // Told to stop before it was up.
  child.starter?.resolve({ status: "failed", reason });
  child.starter = null;
  const asked = child.status === "stopping";
  if (!asked && startsAgain(child, reason)) return restart(self, child, reason, now);
  settle(self.state, child);
  if (!asked) stopIfDue(self, child);
}

function startsAgain({ spec }: Child, reason: ExitReason): boolean {
  const { restart: policy = "permanent" } = spec;
  return policy === "permanent" || (policy === "transient" && !isOrderly(reason));
}

/** It is down for good. */
function stopIfDue(self: S, child: Child): void {
  if (child.spec.significant && isShutdownDue(self.state, child)) self.stop("shutdown");
}

/** Whether those that matter are down: any is enough, or it takes all. */
function isShutdownDue({ autoShutdown, children }: SupervisorState, ended: Child): boolean {
  const goOn = [...children.values()].some(
    (child) => child !== ended && child.spec.significant === true && child.status !== "stopped",
  );
  return autoShutdown === "any_significant" || (autoShutdown === "all_significant" && !goOn);
}

function restart(self: S, child: Child, reason: ExitReason, now: number): unknown {
  const progress = child.spec.budget?.progress;
  child.status = "restarting";
  child.waits = true;
  if (progress === undefined) return restartOrGiveUp(self, child, reason, now);
  const asked = ++child.asked;
  const goOn = (answer: Outcome<unknown>): unknown => {
    // Answered twice, or for an earlier crash.
    if (child.status !== "restarting" || child.asked !== asked) return;
    child.asked++;
    cancel();
    if (answer.ok && answer.value !== child.mark) child.streak = 0;
    if (answer.ok) child.mark = answer.value;
    return restartOrGiveUp(self, child, reason, self.host.now());
  };
  const late: Outcome<unknown> = { ok: false, error: "no answer" };
  const cancel = self.after(PROGRESS_MS, "progress", () => goOn(late));
  // As a task: whoever knows may be slow, or down as well, and no sibling is to wait for that.
  self.task("progress", progress, goOn);
}

function restartOrGiveUp(self: S, child: Child, reason: ExitReason, now: number): unknown {
  child.streak++;
  child.restarts++;
  const { backoff, budget } = child.spec;
  const admitted =
    budget === undefined ? self.state.window.admit(now) : child.streak <= budget.restarts;
  if (!admitted) {
    child.status = "stopped";
    self.emit({ type: "escalated", ...account(self, child, reason, now, 1) });
    self.stop("shutdown");
    return;
  }
  const delayMs = backoff === undefined ? 0 : delay(self, backoff, child.streak);
  if (self.listens("restarting")) {
    self.emit({ type: "restarting", delayMs, ...account(self, child, reason, now, 0) });
  }
  if (delayMs === 0) return startAgain(self, child);
  child.timer = self.after(delayMs, "restart", () => startAgain(self, child));
}

/** What its events say of a restart. `more`: those that the window did not admit. */
function account(self: S, child: Child, reason: ExitReason, now: number, more: 0 | 1) {
  const { id: pid, label, state } = self;
  const { budget, id } = child.spec;
  const own = { pid, label, child: id, reason };
  if (budget === undefined) {
    const { intensity, periodMs, window } = state;
    return { ...own, restarts: window.recent(now) + more, allowed: intensity, periodMs };
  }
  return { ...own, restarts: child.streak, allowed: budget.restarts, periodMs: null };
}

/** Jitter of a fifth either way, so that what fell together does not rise together. */
function delay(self: S, backoff: Backoff, streak: number): number {
  if (streak <= 1) return 0;
  // Beyond that any wait is the longest; and nothing times infinity would be no number.
  const doublings = Math.min(streak - 2, DOUBLINGS_MAX);
  const ms = Math.min(backoff.maxMs, backoff.minMs * 2 ** doublings);
  return Math.round(ms * (0.8 + self.host.choose(401) / 1000));
}

function startAgain(self: S, child: Child): unknown {
  if (child.status !== "restarting") return;
  child.waits = false;
  if (self.state.strategy !== "one_for_one") return startTogether(self, child);
  begin(self, child);
}

/** The others are stopped in reverse order, and all are started in order. */
async function startTogether(self: S, child: Child): Promise<unknown> {
  const { state } = self;
  const all = [...state.children.values()];
  const theirs = state.strategy === "one_for_all" ? all : all.slice(all.indexOf(child));
  for (const other of [...theirs].reverse()) {
    if (other === child) continue;
    await stop(self, other);
    // Whoever wanted it stopped is answered here, for its exit is heard by nobody else.
    for (const stopper of other.stoppers.splice(0)) stopper.resolve("ok");
    if (other.spec.restart === "temporary") settle(state, other);
    else {
      other.status = "restarting";
      other.waits = false;
      // An answer about an earlier crash is for nobody.
      other.asked++;
    }
  }
  return startDown(self, theirs);
}

/** Those that are down are started in order; where one fails, or still waits, the later ones wait for it. */
export async function startDown(self: S, theirs: readonly Child[]): Promise<unknown> {
  for (const child of theirs) {
    if (child.status !== "restarting") continue;
    if (child.waits) return;
    const reason = await startFirst(self, child);
    const { ref, starter } = child;
    child.starter = null;
    if (reason === null) {
      starter?.resolve(ref === null ? { status: "ignored" } : { status: "started", ref });
      continue;
    }
    child.ref = null;
    child.lastExit = reason;
    if (starter === null && startsAgain(child, reason)) {
      child.status = "restarting";
      child.waits = true;
      return restartOrGiveUp(self, child, reason, self.host.now());
    }
    // Asked for while the others fell, or done for good: the others need not wait.
    settle(self.state, child);
    starter?.resolve({ status: "failed", reason });
    if (starter === null) stopIfDue(self, child);
  }
}
