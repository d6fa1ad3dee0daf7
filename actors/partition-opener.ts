/**
 * Why this exists: how a gained partition is opened: its old worker gone, its offset asked of the
 * broker and nowhere else, the acker told, a worker started.
 */
import { type ChildSpec, child, type StartChildResult } from "../src/kernel/child-spec.ts";
import type { Self } from "../src/kernel/self.ts";
import { DriverError } from "../src/ports/driver-error.ts";
import type { PartitionPosition, Session } from "../src/ports/log-driver.ts";
import { partitionKey } from "../src/ports/record.ts";
import { failed } from "../src/ports/result.ts";
import {
  idOf,
  LOOK_MS,
  type ManagerState,
  type Owned,
  plain,
  workersOf,
} from "./group-manager-state.ts";
import type { Produce } from "./handler.ts";
import { producer } from "./producer.ts";
import { startOffset } from "./start-offset.ts";
import { worker } from "./worker.ts";
import type { WorkerOptions } from "./worker-state.ts";

/** Before the broker is asked again. */
const RETRY_MS = 100;

/** Opens what is owned and not open: one question to the broker, whatever their number. */
export function openAll(self: Self<ManagerState>): void {
  const { state } = self;
  const { session, acker: to, token } = state;
  const workers = workersOf(self);
  if (state.opening || session === null || to === null) return;
  if (![...state.owned.values()].some((owned) => !owned.open)) return;
  if (workers === undefined) {
    self.after(LOOK_MS, "workers?", () => openAll(self));
    return;
  }
  state.opening = true;
  const wanted = [...state.owned.values()].filter((owned) => !owned.open);
  const ask = async (): ReturnType<Session["positions"]> => {
    // Old workers first: what they still had to say was said before the broker is asked.
    for (const owned of wanted) {
      await workers.callWithin(Number.POSITIVE_INFINITY, "terminateChild", idOf(owned));
    }
    return session.positions();
  };
  self.task("positions", ask, (outcome) => {
    state.opening = false;
    const current = token === state.token && to === state.acker;
    if (current && outcome.ok && outcome.value.ok) {
      for (const position of outcome.value.value) open(self, position, wanted);
    }
    const left = [...state.owned.values()].some((owned) => !owned.open);
    if (left) self.after(current ? RETRY_MS : 0, "open", () => openAll(self));
  });
}

/** Only for what was wanted when the broker was asked: an answer from before a partition was lost
 * and regained knows nothing of what its other owner committed. */
function open(
  self: Self<ManagerState>,
  position: PartitionPosition,
  wanted: readonly Owned[],
): void {
  const { state } = self;
  const { session, assignment, options } = state;
  const owned = state.owned.get(partitionKey(position.topic, position.partition));
  if (owned === undefined || owned.open || session === null || assignment === null) return;
  if (!wanted.includes(owned)) return;
  const { offset, pin, resetFrom } = startOffset(options.group, position, assignment.beforeJoin);
  const { topic, partition } = owned;
  if (resetFrom !== null) {
    const { id: pid, label } = self;
    self.emit({ type: "offset_reset", pid, label, topic, partition, from: resetFrom, to: offset });
    self.log("warn", "the committed offset is out of the log's range", {
      topic,
      partition,
      offset,
    });
  }
  owned.open = true;
  const { committed } = position;
  state.acker?.cast("open", session, { ...plain(owned), offset, committed, pin });
  startWorker(self, owned, session);
}

/** A worker that did not come up, killed in its first steps for one, is opened again. */
function startWorker(self: Self<ManagerState>, owned: Owned, session: Session): void {
  const spec = workerSpec(self, owned, session);
  if (spec === null) return;
  const start = (): Promise<StartChildResult> | undefined =>
    workersOf(self)?.callWithin(Number.POSITIVE_INFINITY, "startChild", spec);
  self.task("start", start, (outcome) => {
    if (outcome.ok && outcome.value?.status === "started") return;
    owned.open = false;
    self.after(RETRY_MS, "open", () => openAll(self));
  });
}

function workerSpec(self: Self<ManagerState>, owned: Owned, session: Session): ChildSpec | null {
  const { acker: to, options, gate } = self.state;
  if (to === null) return null;
  const where = plain(owned);
  return child({
    id: idOf(owned),
    start: worker,
    args: [
      {
        where,
        session,
        group: options.group,
        acker: to,
        manager: self.ref as WorkerOptions["manager"],
        unsettled: options.unsettled,
        produce: produceThrough(self),
        gate,
      },
    ],
    // It stops by itself, in good order, when the acker or the manager is lost.
    restart: "transient",
    shutdownMs: options.group.drainTimeoutMs + 1_000,
    backoff: { minMs: 100, maxMs: 10_000 },
    budget: {
      restarts: options.group.maxRestarts,
      progress: () => to.callWithin(1_000, "lowest", where),
    },
  });
}

function produceThrough(self: Self<ManagerState>): Produce {
  const { producerName } = self.state.options;
  return async (topic, message) => {
    const to = self.whereis(producerName, producer);
    try {
      if (to !== undefined) return await to.callWithin(60_000, "produce", topic, message);
    } catch (cause) {
      const text = "the producer ended; whether the record was stored is not known";
      return failed(new DriverError("timeout", text, { retriable: true, cause }));
    }
    return failed(new DriverError("closed", "no producer is running", { retriable: true }));
  };
}
