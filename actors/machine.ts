/**
 * Why this exists: a state machine written for XState, as a process: its delays run on the host's
 * clock and as messages of the process, its failure is the process's failure, what it invokes and
 * spawns ends with it, and whoever starts it again may go on where it stopped.
 */
import {
  type Actor,
  type AnyActorRef,
  type AnyStateMachine,
  createActor,
  type EventFromLogic,
  type EventObject,
  type InputFrom,
  type Snapshot,
  type SnapshotFrom,
} from "xstate";
import { actor, type Description } from "../src/kernel/actor.ts";
import { isRecord, needFields, needOption, show } from "../src/kernel/errors.ts";
import type { Cancel } from "../src/kernel/host.ts";
import type { Self } from "../src/kernel/self.ts";
import { isThenable } from "../src/kernel/thenable.ts";
import { needMethods } from "../src/ports/need-methods.ts";

export interface MachineOptions {
  /** What the tree shows; default the machine's `id`. */
  readonly name?: string;
  /** Where it is kept, so that the next incarnation goes on from there; default nowhere. */
  readonly store?: MachineStore;
}

/** Written after every transition and read when a process begins; both at once, and in memory. */
export interface MachineStore {
  read(): PersistedMachine | undefined;
  write(machine: PersistedMachine): void;
}

/** Plain data, as far as the machine's context is. */
export interface PersistedMachine {
  /** XState's own: see its `getPersistedSnapshot`. */
  readonly snapshot: Snapshot<unknown>;
  /** What XState forgets: the delayed events of the machine and of its children that still wait. */
  readonly delays: readonly PendingDelay[];
}

export interface PendingDelay {
  readonly id: string;
  readonly event: EventObject;
  /** Milliseconds since the Unix epoch: it is due by then, whoever was away meanwhile. */
  readonly dueAtMs: number;
  /** Whose it is, and who gets it: a child's id; null: the machine itself. */
  readonly child: string | null;
  readonly target: string | null;
}

interface State<M extends AnyStateMachine> {
  readonly root: Actor<M>;
  readonly persist: () => PersistedMachine;
}

/** Only a machine that does without may be started without. */
type InputArgs<M extends AnyStateMachine> =
  undefined extends InputFrom<M> ? [input?: InputFrom<M>] : [input: InputFrom<M>];

/** For as long as the application runs. */
export function memoryStore(): MachineStore {
  let kept: PersistedMachine | undefined;
  return {
    read: () => kept,
    write: (machine) => {
      kept = machine;
    },
  };
}

/**
 * Any machine of XState 5 as a definition. Started with the machine's input; it ends with `normal`
 * when the machine is done, and with the error that nobody in the machine handled. Calls: `snapshot`,
 * XState's own; `persisted`, what a store would be given. Cast: `send`, with an event.
 */
export function machine<M extends AnyStateMachine>(logic: M, options: MachineOptions = {}) {
  // What stands in all its machines, and in no other logic of XState's.
  const isMachine = typeof logic?.provide === "function" && isRecord(logic.root);
  needOption(isMachine, "machine", logic, "a machine of XState 5, as createMachine makes it");
  needFields(options, { name: true, store: true });
  const { name = logic.id, store } = options;
  if (store !== undefined) needMethods(store, ["read", "write"], "store", name);
  return actor({
    name,
    init: (self, ...[input]: InputArgs<M>): State<M> => begin(self, logic, input, store),
    calls: {
      snapshot: ({ state }): SnapshotFrom<M> => state.root.getSnapshot(),
      persisted: ({ state }): PersistedMachine => state.persist(),
    },
    casts: {
      send: (self, event: EventFromLogic<M>) => {
        if (typeof event?.type === "string") self.state.root.send(event);
        // Its sender's mistake, which is no reason for it to fall.
        else self.log("warn", `send: ${show(event)} is no event: an object with a type`);
      },
    },
    describe: ({ state }): Description => {
      const { value, status, children } = state.root.getSnapshot();
      return { state: JSON.stringify(value), status, children: Object.keys(children) };
    },
  });
}

function begin<M extends AnyStateMachine>(
  self: Self<unknown>,
  logic: M,
  input: InputFrom<M> | undefined,
  store: MachineStore | undefined,
): State<M> {
  const found = store?.read();
  // One that was done has nothing to go on with: it begins anew.
  const kept = found?.snapshot?.status === "done" ? undefined : found;
  // A promise, above all: it would be taken for nothing kept, and the machine would begin anew.
  const isKept = kept === undefined || (isRecord(kept?.snapshot) && Array.isArray(kept.delays));
  needOption(isKept, "store.read", kept, "what write was given, or undefined", self.label);
  const clock = {
    setTimeout: (fire: () => void, ms: number): Cancel => self.after(ms, "delay", fire),
    clearTimeout: (cancel: Cancel | undefined): void => cancel?.(),
  };
  const logger = (...parts: unknown[]): void => self.log("info", parts.map(String).join(" "));
  const given = kept === undefined ? { input } : { input, snapshot: kept.snapshot };
  const root = createActor(logic, { ...given, clock, logger } as never) as Actor<M>;
  const persist = persister(self, root);
  // It may end between two messages, as when a promise that it invoked has settled.
  const end = (outcome: { readonly error: unknown } | "normal"): void =>
    self.task(
      "end",
      () => outcome,
      () => self.stop(outcome),
    );
  const write = (): void => {
    const answer: unknown = store?.write(persist());
    if (!isThenable(answer)) return;
    // It is refused as a promise: if it fails as well, that is nobody's any more.
    answer.then(undefined, () => {});
    needOption(false, "store.write", answer, "nothing: it is done at once", self.label);
  };
  root.subscribe({
    next: ({ status }) => {
      try {
        // What has failed is not to be found by its next life.
        if (status !== "error") write();
      } catch (error) {
        // XState would report it to Node, and the process would live on with what nobody has kept.
        end({ error });
      }
    },
    error: (error) => end({ error }),
    complete: () => end("normal"),
  });
  self.signal.addEventListener("abort", () => root.stop());
  root.start();
  const { status, error } = root.getSnapshot();
  if (status === "error") throw error;
  for (const delay of kept?.delays ?? []) rearm(self, root, delay);
  write();
  return { root, persist };
}

type Scheduled = ReturnType<AnyActorRef["system"]["getSnapshot"]>["_scheduledEvents"][string];

/** What is to be kept, with the moments at which delays are due: XState knows how long alone. */
function persister<M extends AnyStateMachine>(
  self: Self<unknown>,
  root: Actor<M>,
): () => PersistedMachine {
  const dueAtMs = new WeakMap<Scheduled, number>();
  return () => {
    const delays: PendingDelay[] = [];
    for (const scheduled of Object.values(root.system.getSnapshot()._scheduledEvents)) {
      const due = dueAtMs.get(scheduled) ?? self.host.wallNow() + scheduled.delay;
      dueAtMs.set(scheduled, due);
      const child = ownerOf(root, scheduled.source);
      const target = ownerOf(root, scheduled.target);
      const { id, event } = scheduled;
      if (child === undefined || target === undefined) continue;
      delays.push({ id, event, dueAtMs: due, child, target });
    }
    return { snapshot: root.getPersistedSnapshot(), delays };
  };
}

/** Undefined: a grandchild, or another machine's actor, whose place nobody could name. */
function ownerOf(root: AnyActorRef, source: AnyActorRef): string | null | undefined {
  if (source === root) return null;
  const entries = Object.entries(childrenOf(root));
  return entries.find(([, child]) => child === source)?.[0];
}

const childrenOf = (root: AnyActorRef): Record<string, AnyActorRef | undefined> =>
  (root.getSnapshot() as { children: Record<string, AnyActorRef> }).children;

/** By XState's own scheduler, so that leaving the state takes it back. */
function rearm(self: Self<unknown>, root: AnyActorRef, delay: PendingDelay): void {
  const { id, event, dueAtMs } = delay;
  const [source, target] = [delay.child, delay.target].map((owner) =>
    owner === null ? root : childrenOf(root)[owner],
  );
  const leftMs = Math.max(0, dueAtMs - self.host.wallNow());
  if (source !== undefined && target !== undefined) {
    root.system.scheduler.schedule(source, target, event, leftMs, id);
  }
}
