/** Why this exists: how a supervisor ends a child: it asks, it waits as long as it may, it kills. */
import type { AnyActor } from "../src/kernel/actor.ts";
import { asProcess } from "../src/kernel/process.ts";
import type { Ref } from "../src/kernel/ref.ts";
import type { Self } from "../src/kernel/self.ts";
import type { ChildSpec } from "../src/ports/child-spec.ts";
import { type Child, clearTimer, type SupervisorState } from "./supervisor-state.ts";

const SHUTDOWN_MS = 5_000;

/** Asks a child to end, and waits for nothing: its exit tells when it has, and `settle` is called then. */
export function end(self: Self<SupervisorState>, child: Child): void {
  const { ref } = child;
  if (ref === null) settle(self.state, child);
  else askToStop(self, child, ref);
}

/** It is down for good, or until somebody asks for it. */
export function settle(state: SupervisorState, child: Child): void {
  clearTimer(child);
  child.status = "stopped";
  const { id, restart } = child.spec;
  // As in OTP nothing is kept of a temporary one, nor of a start that failed.
  if (state.dynamic || restart === "temporary" || child.fresh) state.children.delete(id);
  for (const stopper of child.stoppers.splice(0)) stopper.resolve("ok");
  // Whoever still waits for its start has asked for one that is stopped.
  child.starter?.resolve({ status: "failed", reason: "shutdown" });
  child.starter = null;
}

/** For whoever hears no messages meanwhile: those without an order together, the others in reverse. */
export async function stopAll(self: Self<unknown>, state: SupervisorState): Promise<void> {
  const children = [...state.children.values()].reverse();
  if (state.dynamic) await Promise.all(children.map((child) => stop(self, child)));
  else for (const child of children) await stop(self, child);
}

export async function stop(self: Self<unknown>, child: Child): Promise<void> {
  const { ref } = child;
  if (ref !== null) {
    askToStop(self, child, ref);
    child.lastExit = await self.exited(ref);
    child.ref = null;
  }
  clearTimer(child);
  child.status = "stopped";
}

/** Once: who asks again gives it no more time. */
function askToStop(self: Self<unknown>, child: Child, ref: Ref): void {
  if (child.status === "stopping") return;
  const { shutdownMs = isSupervisor(child.spec) ? "infinity" : SHUTDOWN_MS } = child.spec;
  clearTimer(child);
  child.status = "stopping";
  if (typeof shutdownMs === "number") {
    // No message: it is due in the middle of a round as well. And before the signal: whoever hears of
    // that may end this supervisor.
    const kill = self.host.timer(shutdownMs, () => self.exit(ref, "kill"));
    child.timer = asProcess(self.ref).keepTimer(kill);
  }
  self.exit(ref, shutdownMs === "brutal_kill" ? "kill" : "shutdown");
}

const SUPERVISORS = new WeakSet<AnyActor>();

/** Marks a definition as one of those whose processes supervise. */
export function supervising<D extends AnyActor>(definition: D): D {
  SUPERVISORS.add(definition);
  return definition;
}

export const supervises = (definition: AnyActor): boolean => SUPERVISORS.has(definition);

/** Whether it has children of its own, which need their time. */
export const isSupervisor = ({ type, start }: ChildSpec): boolean =>
  type === "supervisor" || (type === undefined && supervises(start));
