/** Why this exists: the whole that an application holds: one kernel under one top supervisor. */

import { type DeadLetter, DeadLetters } from "../src/inspect/dead-letters.ts";
import "../src/inspect/events.ts";
import { LongHandlers } from "../src/inspect/long-handlers.ts";
import { type AnyActor, needDefinition, type StartArgs } from "../src/kernel/actor.ts";
import {
  CallError,
  isMs,
  isName,
  isRecord,
  needFields,
  needFunction,
  needOption,
  needReason,
} from "../src/kernel/errors.ts";
import {
  type EventType,
  LOG_LEVELS,
  type Observer,
  type SystemEvent,
} from "../src/kernel/events.ts";
import type { ExitReason } from "../src/kernel/exit.ts";
import type { Host } from "../src/kernel/host.ts";
import { Kernel } from "../src/kernel/kernel.ts";
import type { Process } from "../src/kernel/process.ts";
import type { Ref, RefOf } from "../src/kernel/ref.ts";
import { needRef } from "../src/kernel/self.ts";
import { nodeHost, stderrLogger } from "../src/node/node-host.ts";
import type { ChildSpec, StartChildResult } from "../src/ports/child-spec.ts";
import { LOGGED, type Logger, logEvents } from "../src/ports/logger.ts";
import { needMethods } from "../src/ports/need-methods.ts";
import { copyOf } from "./check-child.ts";
import { StartError } from "./start-error.ts";
import { supervisor } from "./supervisor.ts";
import { checkChild } from "./supervisor-state.ts";
import { type TreeNode, treeOf } from "./tree.ts";

export interface SystemOptions {
  /** Default `"system"`. */
  readonly name?: string;
  /** Default Node's clock, timers and chance. */
  readonly host?: Host;
  /** Where crashes, restarts and the actors' own logs go; default warnings and errors on stderr. */
  readonly logger?: Logger | false;
  /**
   * Handlers that take longer are named by a `long_handler` event and a warning; default none are
   * asked. It costs two looks at the clock for every message.
   */
  readonly longHandlerMs?: number;
}

export interface System extends AsyncDisposable {
  /**
   * Starts a process below the top supervisor and resolves when its `init` is done; rejects with a
   * `StartError` otherwise. It is not started again: the application is what stands above it.
   * Whoever wants restarts starts a `supervisor`.
   */
  start<D extends AnyActor>(definition: D, ...args: StartArgs<D>): Promise<RefOf<D>>;
  start<D extends AnyActor>(spec: ChildSpec<D>): Promise<RefOf<D>>;
  /** The process registered under `name`, if it runs that definition. */
  whereis<D extends AnyActor>(name: string, definition: D): RefOf<D> | undefined;
  /** Sends an exit signal, as its parent would: who traps exits stops in order, save for `"kill"`. */
  exit(ref: Ref, reason: ExitReason): void;
  /** Resolves with the reason when the process ends; `noproc` if it had ended before. */
  exited(ref: Ref): Promise<ExitReason>;
  /** Every process that lives, oldest first. */
  processes(): Ref[];
  /** The supervision tree now: plain data that prints well. */
  tree(): TreeNode;
  /**
   * Listens to the system's events, of these types or of all; returns what ends it. `sent` and
   * `handled` come with every message, and cost accordingly: name the types you need.
   */
  observe<T extends EventType>(
    listener: (event: Extract<SystemEvent, { readonly type: T }>) => void,
    types?: readonly T[],
  ): () => void;
  /** Messages that nobody handled: how many there were, and the last 100 of them. */
  deadLetters(): { readonly count: number; readonly last: readonly DeadLetter[] };
  /**
   * Stops everything: what was started, last started first, each within its own time; then what its
   * processes have spawned under no supervisor, within 5 s.
   */
  stop(): Promise<void>;
}

const REST_MS = 5_000;

export function createSystem(options: SystemOptions = {}): System {
  const { logger = stderrLogger, name = "system", host = nodeHost } = checked(options);
  const { longHandlerMs } = options;
  const kernel = new Kernel(host);
  if (longHandlerMs !== undefined) {
    kernel.handlerWatch = new LongHandlers(kernel, longHandlerMs);
  }
  const letters = new DeadLetters();
  kernel.observe((event) => letters.note(event), ["dead_letter"]);
  if (logger !== false) kernel.observe(logEvents(logger), LOGGED);
  // Nothing below the top is started again by it, so that its intensity is never asked.
  const root: Process = kernel.spawn(supervisor, [{}], null, { label: name });
  const top = root as Ref as RefOf<typeof supervisor>;
  let lastId = 0;

  const start = async (first: AnyActor | ChildSpec, ...args: unknown[]): Promise<Ref> => {
    const isSpec = isRecord(first) && ("id" in first || "start" in first);
    if (isSpec) checkChild(first, "never", "spec", name);
    else needDefinition(first, "start", name);
    const isAlone = !isSpec || args.length === 0;
    needOption(isAlone, "start", args, "no arguments beside a specification", name);
    const spec = isSpec ? first : { id: first.name, start: first, args };
    for (;;) {
      lastId++;
      const id = lastId === 1 || isSpec ? spec.id : `${spec.id}-${lastId}`;
      const result = await startChild(top, { ...copyOf(spec), id, restart: "temporary" });
      // Somebody may have named a child so.
      const isTaken = !isSpec && result.status === "already_started";
      if (!isTaken) return started(id, result);
    }
  };
  const stop = async (): Promise<void> => {
    const ended = kernel.exited(root);
    kernel.exit(root, "shutdown", null);
    await ended;
    await stopRest(kernel);
    kernel.rest();
  };

  return {
    start: start as System["start"],
    whereis: (wanted, definition) => kernel.whereis(wanted, definition, name),
    exit: (ref, reason) => {
      needReason(reason, "exit.reason", name);
      kernel.exit(needRef(ref, "exit.ref", kernel, name), reason, null);
    },
    exited: (ref) => kernel.exited(needRef(ref, "exited.ref", kernel, name)),
    processes: () => kernel.processes(),
    tree: () => treeOf(kernel, root),
    deadLetters: () => ({ count: letters.count, last: letters.last() }),
    observe: (listener, types) => {
      // Whatever a listener throws is Node's to report: one that is none would end the application.
      needFunction(listener, "listener", name);
      const isList = types === undefined || Array.isArray(types);
      needOption(isList, "types", types, "an array of event types", name);
      return kernel.observe(listener as Observer, types);
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** Whoever was spawned under no supervisor: told, and killed if that does not help. */
async function stopRest(kernel: Kernel): Promise<void> {
  let late = false;
  const tellAll = (): void => {
    for (const each of kernel.processes()) kernel.exit(each, late ? "kill" : "shutdown", null);
  };
  const cancel = kernel.host.timer(REST_MS, () => {
    late = true;
    tellAll();
  });
  // Again, for some spawn others while they end.
  for (let rest = kernel.processes(); rest.length > 0; rest = kernel.processes()) {
    const ended = rest.map((process) => kernel.exited(process));
    tellAll();
    await Promise.all(ended);
  }
  cancel();
}

async function startChild(top: RefOf<typeof supervisor>, spec: ChildSpec) {
  try {
    return await top.callWithin(Number.POSITIVE_INFINITY, "startChild", spec);
  } catch (error) {
    if (!(error instanceof CallError) || error.code === "refused") throw error;
    throw new StartError(spec.id, "the system is stopped");
  }
}

const NAMES: Readonly<Record<keyof SystemOptions, true>> = {
  ...{ name: true, host: true, logger: true, longHandlerMs: true },
};
const ASKED = ["now", "wallNow", "wake", "timer", "choose"] as const;

/** Throws an `OptionError` for the first that cannot be meant. */
function checked(options: SystemOptions): SystemOptions {
  needFields(options, NAMES);
  const { name, host, logger, longHandlerMs } = options;
  needOption(name === undefined || isName(name), "name", name, "a name");
  const isTime = longHandlerMs === undefined || isMs(longHandlerMs);
  needOption(isTime, "longHandlerMs", longHandlerMs, "milliseconds of 0 or more");
  if (host !== undefined) needMethods(host, ASKED, "host");
  if (logger !== undefined && logger !== false) needMethods(logger, LOG_LEVELS, "logger");
  return options;
}

function started(id: string, result: StartChildResult): Ref {
  if (result.status === "started") return result.ref;
  const reason = result.status === "failed" ? result.reason : result.status;
  throw new StartError(id, reason);
}
