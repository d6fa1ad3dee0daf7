/**
 * Why this exists: OTP's `sys`: looking into a process that lives, and holding it still, without its
 * definition knowing of it. All of it happens between two of its messages.
 */
import { CallError, needFields, needFunction, needOption } from "../kernel/errors.ts";
import type { EventType, Observer } from "../kernel/events.ts";
import type { Process } from "../kernel/process.ts";
import type { Ref } from "../kernel/ref.ts";
import { needRef } from "../kernel/self.ts";
import { isThenable } from "../kernel/thenable.ts";

export interface Statistics {
  readonly status: string;
  /** Messages that wait. */
  readonly waiting: number;
  /** What was handled since its start, or begun: messages, timers, results and steps, `init` among them. */
  readonly handled: number;
  /** Milliseconds of the host. */
  readonly ageMs: number;
}

/** Its state as it is, not a copy. Rejects with a `CallError` of code `noproc` when it has ended. */
export const getState = (ref: Ref): Promise<unknown> => replaceState(ref, (state) => state);

/**
 * Answers the new state. Whatever `change` throws is what it rejects with; the state stays. An async
 * one is refused: messages would be handled meanwhile.
 */
export function replaceState(ref: Ref, change: (state: unknown) => unknown): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const process = needRef(ref, "ref");
    needFunction(change, "change", process.label);
    between(process, () => {
      if (!process.alive) {
        reject(new CallError("noproc", `${process.label} has ended`, "noproc"));
        return;
      }
      try {
        const state = change(process.state);
        const isNew = state !== process.state;
        needOption(!isNew || !isThenable(state), "change", state, "a new state", process.label);
        process.state = state;
        resolve(state);
      } catch (error) {
        reject(error);
      }
    });
  });
}

const between = (process: Process, step: () => void): void =>
  process.alive ? process.between(step) : step();

/** Its messages wait from now on; exits and kills are heard all the same. */
export const suspend = (ref: Ref): void => needRef(ref, "ref").hold(true);

export const resume = (ref: Ref): void => needRef(ref, "ref").hold(false);

export function statistics(ref: Ref): Statistics {
  const { status, waiting, handled, bornAt, kernel } = needRef(ref, "ref");
  return { status, waiting, handled, ageMs: kernel.host.now() - bornAt };
}

const TRACED: readonly EventType[] = [
  ...(["spawned", "started", "sent", "handled", "signalled", "exited"] as const),
];

/**
 * Tells `listener` of every message to the process, of its start and its end; with `subtree`, of all
 * that it has spawned and links to, and what they will spawn. Returns what ends it. While anybody
 * traces, every message of the whole system costs more.
 */
export function trace(
  ref: Ref,
  listener: Observer,
  options: { readonly subtree?: boolean } = {},
): () => void {
  const { kernel, id, label } = needRef(ref, "ref");
  needFunction(listener, "listener", label);
  needFields(options, { subtree: true }, "", label);
  const { subtree = false } = options;
  const within = new Set([id]);
  const enter = (pid: number, parent: number | null): void => {
    if (subtree && parent !== null && within.has(parent)) within.add(pid);
  };
  for (const process of kernel.processes()) enter(process.id, process.parent?.id ?? null);
  return kernel.observe((event) => {
    if (event.type === "spawned") enter(event.pid, event.parent);
    if (within.has((event as { pid: number }).pid)) listener(event);
    if (event.type === "exited") within.delete(event.pid);
  }, TRACED);
}
