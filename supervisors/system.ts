/** Why this exists: the whole that an application holds: one kernel under one top supervisor. */
import type { AnyActor, StartArgs } from "../src/kernel/actor.ts";
import { type ChildSpec, checkChildSpec, type StartChildResult } from "../src/kernel/child-spec.ts";
import type { DeadLetter } from "../src/kernel/dead-letters.ts";
import { needOption, StartError } from "../src/kernel/errors.ts";
import type { EventType, Observer } from "../src/kernel/events.ts";
import type { ExitReason } from "../src/kernel/exit.ts";
import type { Host } from "../src/kernel/host.ts";
import { Kernel } from "../src/kernel/kernel.ts";
import { LOGGED, type Logger, logEvents } from "../src/kernel/logger.ts";
import { LongHandlers } from "../src/kernel/long-handlers.ts";
import { nodeHost, stderrLogger } from "../src/kernel/node-host.ts";
import { asProcess, type Process } from "../src/kernel/process.ts";
import type { Ref, RefOf } from "../src/kernel/ref.ts";
import { dynamicSupervisor } from "./supervisor.ts";
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
  start(spec: ChildSpec): Promise<Ref>;
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
  observe(observer: Observer, types?: readonly EventType[]): () => void;
  /** Messages that nobody handled: how many there were, and the last 100 of them. */
  deadLetters(): { readonly count: number; readonly last: readonly DeadLetter[] };
  /** Stops everything, last started first, each within its own time. */
  stop(): Promise<void>;
}

export function createSystem(options: SystemOptions = {}): System {
  const kernel = new Kernel(options.host ?? nodeHost);
  const { logger = stderrLogger, name = "system" } = options;
  const { longHandlerMs } = options;
  if (longHandlerMs !== undefined) {
    const isTime = typeof longHandlerMs === "number" && longHandlerMs >= 0;
    needOption(isTime, "longHandlerMs", longHandlerMs, "milliseconds of 0 or more");
    kernel.longHandlers = new LongHandlers(kernel, longHandlerMs);
  }
  if (logger !== false) kernel.observe(logEvents(logger), LOGGED);
  // Nothing below the top is started again by it, so that its intensity is never asked.
  const root: Process = kernel.spawn(dynamicSupervisor, [], null, { label: name });
  const top = root as Ref as RefOf<typeof dynamicSupervisor>;
  let lastId = 0;

  const start = async (first: AnyActor | ChildSpec, ...args: unknown[]): Promise<Ref> => {
    const spec = "id" in first ? first : { id: first.name, start: first, args };
    lastId++;
    if (!root.alive) throw new StartError(spec.id, "the system is stopped");
    if ("id" in first) checkChildSpec(first, "spec");
    const id = lastId === 1 || "id" in first ? spec.id : `${spec.id}-${lastId}`;
    const result = await top.callWithin(Number.POSITIVE_INFINITY, "startChild", {
      ...spec,
      id,
      restart: "temporary",
    });
    return started(id, result);
  };
  const stop = async (): Promise<void> => {
    const ended = kernel.exited(root);
    kernel.exit(root, "shutdown", null);
    await ended;
    kernel.rest();
  };

  return {
    start: start as System["start"],
    whereis: (wanted, definition) => kernel.whereis(wanted, definition),
    exit: (ref, reason) => kernel.exit(asProcess(ref), reason, null),
    exited: (ref) => kernel.exited(asProcess(ref)),
    processes: () => [...kernel.processes()],
    tree: () => treeOf(kernel, root),
    deadLetters: () => ({ count: kernel.deadLetters.count, last: kernel.deadLetters.last() }),
    observe: (observer, types) => kernel.observe(observer, types),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

function started(id: string, result: StartChildResult): Ref {
  if (result.status === "started") return result.ref;
  const reason = result.status === "failed" ? result.reason : result.status;
  throw new StartError(id, reason);
}
