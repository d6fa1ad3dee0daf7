/**
 * Why this exists: how a gained partition is opened: its old worker gone, its offset asked of the
 * broker and nowhere else, the acker told, a worker started.
 */
import type { CallError } from "../src/kernel/errors.ts";
import type { Ref, RefOf } from "../src/kernel/ref.ts";
import type { Self } from "../src/kernel/self.ts";
import {
  type ChildSpec,
  child,
  type StartChildResult,
  type SupervisorCalls,
} from "../src/ports/child-spec.ts";
import { DriverError } from "../src/ports/driver-error.ts";
import type { PartitionPosition, Session } from "../src/ports/log-driver.ts";
import { partitionKey } from "../src/ports/record.ts";
import { failed } from "../src/ports/result.ts";
import type { Opening } from "./acker.ts";
import {
  childrenOf,
  FLUSH_MS,
  idOf,
  LOOK_MS,
  type ManagerState,
  type Owned,
  plain,
  workersOf,
} from "./group-manager-state.ts";
import type { Produce } from "./handler.ts";
import { producer } from "./producer.ts";
import { type StartOffset, startOffset } from "./start-offset.ts";
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
    await stopWorkers(workers, wanted.map(idOf));
    // Opened anew in the same epoch: what the acker knows of it must not be committed later.
    if (wanted.some(({ lost }) => lost !== null)) await to.callWithin(FLUSH_MS, "flush");
    return session.positions();
  };
  self.task("positions", ask, (outcome) => {
    state.opening = false;
    const current = token === state.token && to === state.acker;
    if (current && outcome.ok && outcome.value.ok) open(self, session, outcome.value.value, wanted);
    const left = [...state.owned.values()].some((owned) => !owned.open);
    if (left) self.after(current ? RETRY_MS : 0, "open", () => openAll(self));
  });
}

/** They are told first why, so that none waits for a handler whose work counts for nothing. */
async function stopWorkers(workers: Ref<SupervisorCalls>, ids: readonly string[]): Promise<void> {
  for (const { id, ref } of await childrenOf(workers)) {
    if (ids.includes(id)) (ref as RefOf<typeof worker> | null)?.cast("revoked");
  }
  const forEver = Number.POSITIVE_INFINITY;
  await Promise.all(ids.map((id) => workers.callWithin(forEver, "terminateChild", id)));
}

/**
 * Only what was wanted when the broker was asked: an answer from before a partition was lost and
 * regained knows nothing of what its other owner committed.
 */
function open(
  self: Self<ManagerState>,
  session: Session,
  positions: readonly PartitionPosition[],
  wanted: readonly Owned[],
): void {
  const { state } = self;
  const openings: Opening[] = [];
  const opened: Owned[] = [];
  for (const position of positions) {
    const owned = state.owned.get(partitionKey(position.topic, position.partition));
    if (owned === undefined || owned.open || !wanted.includes(owned)) continue;
    const { offset, pin } = begin(self, owned, position);
    owned.open = true;
    openings.push({ ...plain(owned), offset, committed: position.committed, pin });
    opened.push(owned);
  }
  if (openings.length > 0) state.acker?.cast("open", session, openings);
  for (const owned of opened) startWorker(self, owned, session);
}

function begin(self: Self<ManagerState>, owned: Owned, position: PartitionPosition): StartOffset {
  const { group, began } = self.state.options;
  const { topic, partition } = position;
  const committed = position.committed ?? owned.lost;
  const start = startOffset(group, { ...position, committed }, began.positions ?? []);
  owned.lost = null;
  const { offset: to, resetFrom: from } = start;
  if (from !== null) {
    const { id: pid, label } = self;
    self.emit({ type: "offset_reset", pid, label, topic, partition, from, to });
    const message = "the committed offset is out of the log's range";
    self.log("warn", message, { topic, partition, from, to });
  }
  // What was destroyed at the broker must be said again, though the log has it after all.
  return { ...start, pin: start.pin || position.committed !== committed };
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
        handed: options.handed,
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
      if ((cause as CallError).code === "noproc") return noProducer();
      const text = "no answer of the producer; whether the record was stored is not known";
      return failed(new DriverError("timeout", text, { retriable: true, cause }));
    }
    return noProducer();
  };
}

const noProducer = () =>
  failed(new DriverError("closed", "no producer is running", { retriable: true }));
