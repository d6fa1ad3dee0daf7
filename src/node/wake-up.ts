/**
 * Why this exists: the runtime's microtask. What an AsyncLocalStorage holds belongs to whoever
 * sends, and must not be found by whoever is woken; and whoever uses none must not pay for that.
 */
import { executionAsyncResource } from "node:async_hooks";

/** Whoever is to be woken: one system as a rule. */
let first: (() => unknown) | null = null;
const others: (() => unknown)[] = [];
const NOBODY: typeof others = [];

/** Runs `run` in a microtask, in nobody's async context. Whoever comes first learns what it returns. */
export function wakeSoon(run: () => unknown): Promise<unknown> | undefined {
  if (first !== null) {
    others.push(run);
    return undefined;
  }
  first = run;
  return mayCarry ? cleanly() : RESOLVED.then(quickly);
}

function runAll(): unknown {
  const run = first;
  // What is woken from now on is not among them, and has its own turn.
  const more = others.length > 0 ? others.splice(0) : NOBODY;
  first = null;
  const answer = runShielded(run);
  for (const each of more) runShielded(each);
  return answer;
}

/** Whoever woke with a fault must not keep the others asleep; it is Node's to report. */
function runShielded(run: (() => unknown) | null): unknown {
  try {
    return run?.();
  } catch (error) {
    setImmediate(() => {
      throw error;
    });
    // Nothing comes of it.
    return new Promise(() => {});
  }
}

// The clean way. A reaction runs in the context in which it was attached: so the next one is attached
// beforehand, where nobody's store is, and whoever sends only resolves the promise it waits for. An
// AsyncResource would cost three times this.
let wakeUp: (value?: undefined) => void = () => {};
let woken: Promise<unknown> | undefined;
const grab = (resolve: (value?: undefined) => void): void => {
  wakeUp = resolve;
};
function forEver(): void {
  woken = new Promise<undefined>(grab).then(() => {
    // The next is attached before anybody's code runs: that may enter a store for good.
    forEver();
    return runAll();
  });
}
function cleanly(): Promise<unknown> | undefined {
  wakeUp();
  return woken;
}

// The quick way, a third off a call, attaches at the wake-up itself, in the sender's context. Before
// Node 24 that is carried by promise hooks, which are off until the first store is used; once they
// are on, a reaction's resource is its promise. So the first that finds one goes the clean way
// instead, and all after it. Later Nodes carry contexts without a trace.
const RESOLVED = Promise.resolve();
let mayCarry = !contextsNeedHooks();
function quickly(): unknown {
  if (!(executionAsyncResource() instanceof Promise)) return runAll();
  mayCarry = true;
  return cleanly();
}

forEver();

function contextsNeedHooks(): boolean {
  const options = `${process.execArgv.join(" ")} ${process.env.NODE_OPTIONS ?? ""}`;
  return (
    Number.parseInt(process.versions.node, 10) < 24 && !options.includes("async-context-frame")
  );
}
