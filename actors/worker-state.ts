/** Why this exists: what a worker knows, shared by the files that act on it. */
import type { Deferred } from "../src/kernel/actor.ts";
import type { Ref, RefOf } from "../src/kernel/ref.ts";
import type { AssignedPartition, OutOfRange, Session } from "../src/ports/log-driver.ts";
import type { Message } from "../src/ports/record.ts";
import type { acker } from "./acker.ts";
import type { Flow } from "./flow.ts";
import type { GroupOptions } from "./group-options.ts";
import type { Produce } from "./handler.ts";
import type { Unsettled } from "./unsettled.ts";
import type { WorkerLifecycle } from "./worker-machine.ts";

export interface WorkerOptions {
  readonly where: AssignedPartition;
  readonly session: Session;
  readonly group: GroupOptions;
  readonly acker: RefOf<typeof acker>;
  readonly manager: Ref<
    object,
    { outOfRange: (where: AssignedPartition, range: OutOfRange) => void }
  >;
  readonly unsettled: Unsettled;
  /** By partition, one above the highest offset that a handler was given: outlives the worker. */
  readonly handed: Map<string, number>;
  readonly produce: Produce;
  /** Whether the group is draining: a worker that starts meanwhile holds itself. */
  readonly gate: { readonly held: boolean };
}

/** A handler under way. */
interface Handling {
  readonly messages: readonly Message[];
  readonly promise: Promise<unknown>;
}

export interface WorkerState {
  readonly options: WorkerOptions;
  readonly flow: Flow;
  lifecycle: WorkerLifecycle;
  /** `mayStart(lifecycle)`. */
  open: boolean;
  /** Delivered and not started yet. */
  queue: Message[];
  /** Index of the next one in `queue`. */
  next: number;
  handling: Handling | null;
  /** Offsets done in this turn, not told to the acker yet. */
  done: number[];
  /** Who waits for the handler under way to end. */
  idle: Deferred<void>[];
  /** A look at `session.owns()` is due. */
  looking: boolean;
}
