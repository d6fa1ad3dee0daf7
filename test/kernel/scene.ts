/**
 * Why this exists: what the tests of the kernel share: a kernel on a virtual clock, an actor that
 * does whatever it is told, and a promise whose state can be read without waiting for it.
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { DeadLetters } from "../../src/inspect/dead-letters.ts";
import { type AnyActor, actor, type StartArgs } from "../../src/kernel/actor.ts";
import type { SystemEvent } from "../../src/kernel/events.ts";
import type { ExitReason } from "../../src/kernel/exit.ts";
import { Kernel } from "../../src/kernel/kernel.ts";
import { asProcess, type Process } from "../../src/kernel/process.ts";
import type { Ref, RefOf } from "../../src/kernel/ref.ts";
import type { Down, Exit, Self, SpawnOptions } from "../../src/kernel/self.ts";
import { type ManualHost, type ManualHostOptions, manualHost } from "./manual-host.ts";

/** Does what it is told, and keeps what arrives at `info`. */
export const probe = actor({
  name: "probe",
  init: (self, setup?: (self: Self<unknown>) => unknown): unknown[] => {
    setup?.(self);
    return [];
  },
  calls: {
    do: (self, step: (self: Self<unknown[]>) => unknown) => step(self),
    log: ({ state }) => [...state],
  },
  casts: {
    do: (self, step: (self: Self<unknown[]>) => unknown) => step(self),
  },
  info: ({ state }, message) => {
    state.push(message);
  },
});
export type Probe = RefOf<typeof probe>;

export interface Scene extends ManualHost {
  readonly kernel: Kernel;
  readonly deadLetters: DeadLetters;
  spawn<D extends AnyActor>(definition: D, ...args: StartArgs<D>): RefOf<D>;
  spawnAs<D extends AnyActor>(
    options: SpawnOptions,
    definition: D,
    ...args: StartArgs<D>
  ): RefOf<D>;
  /** Runs `step` as a message of `ref`, and lets everything come to rest. */
  within(ref: Probe, step: (self: Self<unknown[]>) => unknown): Promise<void>;
  exit(ref: Ref, reason: ExitReason): void;
  exited(ref: Ref): Promise<ExitReason>;
  /** Starts to keep events. */
  record(): SystemEvent[];
}

export function scene(options: ManualHostOptions = {}): Scene {
  const manual = manualHost(options);
  const kernel = new Kernel(manual.host);
  const deadLetters = new DeadLetters();
  kernel.observe((event) => deadLetters.note(event), ["dead_letter"]);
  const spawnAs: Scene["spawnAs"] = (spawnOptions, definition, ...args) =>
    kernel.spawn(definition, args as never, null, spawnOptions) as Ref as RefOf<typeof definition>;
  return {
    ...manual,
    kernel,
    deadLetters,
    spawnAs,
    spawn: (definition, ...args) => spawnAs({}, definition, ...args),
    within: async (ref, step) => {
      ref.cast("do", step);
      await manual.settle();
    },
    exit: (ref, reason) => kernel.exit(asProcess(ref), reason, null),
    exited: (ref) => kernel.exited(asProcess(ref)),
    record: () => {
      const events: SystemEvent[] = [];
      kernel.observe((event) => events.push(event));
      return events;
    },
  };
}

/** A promise's state, readable at any time. */
export interface Watched {
  readonly state: "pending" | "resolved" | "rejected";
  readonly value: unknown;
  /** A `CallError`'s, once rejected. */
  readonly code: string | undefined;
  readonly reason: ExitReason | undefined;
}

export function watched(promise: Promise<unknown>): Watched {
  const seen = { state: "pending", value: undefined, code: undefined, reason: undefined } as {
    -readonly [K in keyof Watched]: Watched[K];
  };
  promise.then(
    (value) => Object.assign(seen, { state: "resolved", value }),
    (error: { code?: string; reason?: ExitReason }) =>
      Object.assign(seen, {
        state: "rejected",
        value: error,
        code: error.code,
        reason: error.reason,
      }),
  );
  return seen;
}

/** A promise that the test settles. */
export function gate<T = void>(): {
  promise: Promise<T>;
  open: (value: T) => void;
  fail: (error: unknown) => void;
} {
  let open: (value: T) => void = () => {};
  let fail: (error: unknown) => void = () => {};
  const promise = new Promise<T>((resolve, reject) => {
    open = resolve;
    fail = reject;
  });
  return { promise, open, fail };
}

export const state = (ref: Ref): unknown => (ref as Process).state;
export const log = (ref: Probe): unknown[] => state(ref) as unknown[];
export const downs = (ref: Probe): Down[] =>
  (log(ref) as Down[]).filter((message) => message?.type === "DOWN");
export const exits = (ref: Probe): Exit[] =>
  (log(ref) as Exit[]).filter((message) => message?.type === "EXIT");

/** What nobody holds any more is gone. Within the turn in which it was made a WeakRef keeps its object. */
export async function collectGarbage(): Promise<void> {
  setFlagsFromString("--expose-gc");
  await new Promise((resolve) => setTimeout(resolve, 1));
  (runInNewContext("gc") as () => void)();
}
