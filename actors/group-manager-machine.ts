/**
 * Why this exists: where a member is between two generations. A pure XState machine: it says which
 * actions are due, as data, and `group-manager.ts` performs them.
 *
 *     waiting ─CONNECT─▶ joining ─ASSIGNED─▶ stable ─REVOKING─▶ draining ─DRAINED─▶ joining
 *        ▲                  │                  │  ▲ ASSIGNED       │
 *        └───── LOST ───────┴──────────────────┴───────────────────┘
 */
import { createMachine, type SnapshotFrom } from "xstate";
import { pureMachine } from "./pure-machine.ts";

export type ManagerEvent =
  | { type: "CONNECT" }
  | { type: "ASSIGNED" }
  | { type: "REVOKING" }
  | { type: "DRAINED" }
  | { type: "LOST" };

export type ManagerAction = "join" | "settle" | "drain" | "rejoin" | "dropAll" | "retryLater";

const assigned = { target: "stable", actions: "settle", reenter: true };
const lost = { target: "waiting", actions: ["dropAll", "retryLater"] };

const machine = createMachine({
  types: {} as { events: ManagerEvent },
  id: "group-manager",
  initial: "waiting",
  states: {
    waiting: { on: { CONNECT: { target: "joining", actions: "join" } } },
    // Revoked before anything was assigned: there is nothing to drain.
    joining: { on: { REVOKING: { actions: "rejoin" }, ASSIGNED: assigned, LOST: lost } },
    stable: {
      on: { REVOKING: { target: "draining", actions: "drain" }, ASSIGNED: assigned, LOST: lost },
    },
    draining: {
      on: {
        DRAINED: { target: "joining", actions: "rejoin" },
        // The driver's own deadline let go of the rejoin before the drain was over.
        ASSIGNED: assigned,
        LOST: lost,
      },
    },
  },
});

export type ManagerLifecycle = SnapshotFrom<typeof machine>;

const pure = pureMachine<typeof machine, ManagerEvent, ManagerAction>(machine);

export const newLifecycle = (): ManagerLifecycle => pure.begin;

export const nextLifecycle = pure.next;
