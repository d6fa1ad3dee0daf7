/**
 * Why this exists: work that is done once, beside everything else: awaited by whoever asked for it,
 * or by nobody, and never longer alive than the supervisor it was started under.
 */
import { actor } from "../src/kernel/actor.ts";
import {
  CallError,
  isMs,
  isName,
  needFields,
  needFunction,
  needOption,
} from "../src/kernel/errors.ts";
import { formatReason } from "../src/kernel/exit.ts";
import { asProcess, type Process } from "../src/kernel/process.ts";
import type { Ref } from "../src/kernel/ref.ts";
import { needRef, type Outcome } from "../src/kernel/self.ts";
import { child, type SupervisorCalls } from "../src/ports/child-spec.ts";
import { StartError } from "./start-error.ts";

/** `signal` fires when the task is ended from outside: work that hears it gives up. */
export type TaskWork<T> = (signal: AbortSignal) => T | Promise<T>;

export interface TaskOptions {
  /** What the tree shows; default `"task"`, and a number. */
  readonly label?: string;
  /** For how long it may run, in milliseconds; default for ever. Then it is killed. */
  readonly timeoutMs?: number;
}

type Supervisor = Ref<SupervisorCalls>;
type Tell = (outcome: Outcome<unknown>) => void;

const task = actor({
  name: "task",
  init: (self, work: TaskWork<unknown>, tell: Tell | null) => {
    // Not the process's own: that fires at its every end, also when the work is done.
    const controller = new AbortController();
    let isDone = false;
    self.signal.addEventListener("abort", () => isDone || controller.abort());
    self.continue(() => {
      self.task(
        "work",
        () => work(controller.signal),
        (outcome) => {
          isDone = true;
          tell?.(outcome);
          if (outcome.ok) self.stop("normal");
          // Whoever was told has it, and nobody else need hear of it.
          else self.stop(tell === null ? { error: outcome.error } : { shutdown: outcome.error });
        },
      );
    });
  },
});

/** How many tasks each supervisor was given: their names within it. */
const counts = new WeakMap<Supervisor, number>();

/**
 * Starts the work below `supervisor` and resolves with what comes of it; rejects with what it throws,
 * or with a `CallError`: `exit` when the task was ended, `timeout` when it took too long, `noproc`
 * when there is no supervisor. Nothing is started again.
 */
export async function runTask<T>(
  supervisor: Supervisor,
  work: TaskWork<T>,
  options: TaskOptions = {},
): Promise<T> {
  let tell: Tell = () => {};
  const told = new Promise<T>((resolve, reject) => {
    tell = (outcome) => (outcome.ok ? resolve(outcome.value as T) : reject(outcome.error));
  });
  // It may fail before its start is heard of, and then nobody listens yet.
  told.catch(() => {});
  needFields(options, { label: true, timeoutMs: true });
  const { timeoutMs } = options;
  const good = timeoutMs === undefined || isMs(timeoutMs);
  needOption(good, "timeoutMs", timeoutMs, "milliseconds of 0 or more");
  const process = await start(supervisor, work, options, tell);
  const { kernel, label } = process;
  let late = false;
  const ended = kernel.exited(process).then((reason): never => {
    const how = late ? `took longer than ${timeoutMs} ms` : `ended: ${formatReason(reason)}`;
    throw new CallError(late ? "timeout" : "exit", `${label} ${how}`, reason);
  });
  const kill = (): void => {
    late = true;
    kernel.exit(process, "kill", null);
  };
  const cancel = timeoutMs === undefined ? null : kernel.host.timer(timeoutMs, kill);
  try {
    return await Promise.race([told, ended]);
  } finally {
    cancel?.();
  }
}

/** Starts the work below `supervisor`, and waits for nothing but its start. What it throws is logged. */
export async function startTask(
  supervisor: Supervisor,
  work: TaskWork<unknown>,
  options: Pick<TaskOptions, "label"> = {},
): Promise<Ref> {
  needFields(options, { label: true });
  return start(supervisor, work, options, null);
}

async function start(
  supervisor: Supervisor,
  work: TaskWork<unknown>,
  options: TaskOptions,
  tell: Tell | null,
): Promise<Process> {
  needRef(supervisor, "supervisor");
  needFunction(work, "work");
  const { label = "task" } = options;
  needOption(isName(label), "label", label, "a name");
  for (;;) {
    const count = (counts.get(supervisor) ?? 0) + 1;
    counts.set(supervisor, count);
    const id = `${label}-${count}`;
    const spec = child({ id, start: task, args: [work, tell], restart: "temporary" });
    const result = await supervisor.callWithin(Number.POSITIVE_INFINITY, "startChild", spec);
    if (result.status === "started") return asProcess(result.ref);
    // Somebody may have named a child so.
    const isTaken = result.status === "already_started" || result.status === "already_present";
    if (isTaken) continue;
    throw new StartError(id, result.status === "failed" ? result.reason : result.status);
  }
}
