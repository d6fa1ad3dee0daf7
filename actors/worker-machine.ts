/**
 * Why this exists: when a worker may start a handler. Two things must come together: it has found
 * its place, and nobody holds it back. A pure XState machine: transitions only, nothing runs.
 *
 *     place      locating ─LOCATED─▶ settling ─SETTLED─▶ ready
 *     admission  open ◀─RELEASE / HOLD─▶ held
 *
 * `settling` waits for handlers of earlier incarnations, which cannot be killed.
 */
import { createMachine, type SnapshotFrom } from "xstate";
import { pureMachine } from "./pure-machine.ts";

export type WorkerEvent =
  | { type: "LOCATED" }
  | { type: "SETTLED" }
  | { type: "HOLD" }
  | { type: "RELEASE" };

const machine = createMachine({
  types: {} as { events: WorkerEvent },
  id: "worker",
  type: "parallel",
  states: {
    place: {
      initial: "locating",
      states: {
        locating: { on: { LOCATED: "settling" } },
        settling: { on: { SETTLED: "ready" } },
        ready: {},
      },
    },
    admission: {
      initial: "open",
      states: {
        open: { on: { HOLD: "held" } },
        held: { on: { RELEASE: "open" } },
      },
    },
  },
});

export type WorkerLifecycle = SnapshotFrom<typeof machine>;

const pure = pureMachine<typeof machine, WorkerEvent, never>(machine);

export const newLifecycle = (held: boolean): WorkerLifecycle =>
  held ? nextLifecycle(pure.begin, { type: "HOLD" }) : pure.begin;

export const nextLifecycle = (lifecycle: WorkerLifecycle, event: WorkerEvent): WorkerLifecycle =>
  pure.next(lifecycle, event)[0];

/** Asked for every record, so it is read once per transition and kept. */
export const mayStart = (lifecycle: WorkerLifecycle): boolean =>
  lifecycle.matches({ place: "ready", admission: "open" });

/** One word for trees and logs. */
export function phaseOf(lifecycle: WorkerLifecycle): string {
  for (const place of ["locating", "settling"] as const) {
    if (lifecycle.matches({ place })) return place;
  }
  return lifecycle.matches({ admission: "held" }) ? "held" : "running";
}
