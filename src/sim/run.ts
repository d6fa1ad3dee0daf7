/**
 * Why this exists: one run of one plan: faults strike and the laws are watched; then everything
 * heals, and the world must come to rest; then every member is stopped, and the books must balance.
 */
import { breathe } from "./drain.ts";
import type { Fact } from "./facts.ts";
import type { Fault } from "./fault.ts";
import { court, type Invariant } from "./invariants/invariant.ts";
import type { WorldView } from "./invariants/invariants.ts";
import { Ledger } from "./ledger.ts";
import { Openings } from "./openings.ts";
import type { Strategy } from "./oracle.ts";
import { Owners } from "./owners.ts";
import { watchRealIo } from "./real-io.ts";
import type { Topics, Tree } from "./setup.ts";
import { Violation } from "./violation.ts";
import { World } from "./world.ts";

/** What is the same in every run of a check. */
export interface RunOptions {
  readonly tree: Tree;
  readonly members: number;
  readonly invariants: readonly Invariant[];
  /** What must become true once nothing goes wrong any more. */
  readonly eventually: (world: WorldView) => boolean;
  /** The virtual time it may take to become true. */
  readonly settleMs: number;
  /** Steps for the part with faults, and again for the part without. */
  readonly maxSteps: number;
  readonly strict: boolean;
}

/** What makes one run this run. */
export interface Script {
  readonly topics: Topics;
  readonly faults: readonly Fault[];
  readonly feedMs: number;
  readonly strategy: Strategy;
}

export interface Outcome {
  readonly violation: Violation | null;
  /** Every choice that was made: played again, it is the same run. */
  readonly tape: readonly number[];
  /** Two runs with the same hash went the same way. */
  readonly hash: string;
  readonly steps: number;
  readonly virtualMs: number;
  /** Which kinds of faults struck, and how often. */
  readonly strikes: ReadonlyMap<string, number>;
  /** What else happened that a check would be vacuous without. */
  readonly situations: ReadonlySet<Situation>;
  /** How many members ever joined a group. */
  readonly joins: number;
}

export type Situation = "crash in flight" | "restart" | "rebalance between ack and commit";

/** Time for everybody to stop in good order. */
const STOP_MS = 600_000;

let turn: Promise<unknown> = Promise.resolve();

/** One at a time: each world that moves has the whole thread, and its globals. */
export function exclusive<T>(run: () => Promise<T>): Promise<T> {
  const result = turn.then(run);
  turn = result.catch(() => {});
  return result;
}

export const runScript = (
  script: Script,
  options: RunOptions,
  hear?: (fact: Fact, member: string) => void,
): Promise<Outcome> => exclusive(() => runAlone(script, options, hear));

async function runAlone(
  script: Script,
  options: RunOptions,
  hear: ((fact: Fact, member: string) => void) | undefined,
): Promise<Outcome> {
  await breathe();
  const realIo = watchRealIo();
  const { tree, members, strict } = options;
  // A stack costs more than the error it is in, and nobody reads it until the run is played again.
  const { stackTraceLimit } = Error;
  if (hear === undefined) Error.stackTraceLimit = 0;
  const world = new World({ ...script, tree, members, strict });
  if (hear !== undefined) world.audience.watchAll(hear);
  const ends = swearIn(world, options.invariants);
  const seen = watchSituations(world);
  world.enter();
  try {
    world.begin();
    await live(world, options, ends, () => seen.joins > 0);
    const { violation } = world.audience;
    if (violation?.invariant === "eventually") blameRealIo(world, violation, realIo());
  } finally {
    world.leave();
    Error.stackTraceLimit = stackTraceLimit;
  }
  const { audience, oracle, loop, strikes, nowMs: virtualMs } = world;
  return {
    violation: audience.violation,
    tape: oracle.tape,
    hash: oracle.hash,
    steps: loop.steps,
    virtualMs,
    strikes,
    ...seen,
  };
}

async function live(
  world: World,
  options: RunOptions,
  ends: (() => void)[],
  begun: () => boolean,
): Promise<void> {
  const { maxSteps: steps, settleMs, eventually } = options;
  const done = (): boolean => begun() && world.quiet && eventually(world);
  await world.until(done, { ms: settleMs, steps });
  if (world.audience.violation !== null) return;
  world.heal();
  // Twice the steps: what one member did not do in the first part is the others' in the second.
  const rested = await world.until(() => eventually(world) && world.whole, {
    ms: settleMs,
    steps: 2 * steps,
  });
  if (world.audience.violation !== null) return;
  if (!rested) {
    world.audience.violation = new Violation("eventually", world.whyNot());
    return;
  }
  world.close();
  const stopped = await world.until(() => world.members.every(({ state }) => state === "down"), {
    ms: STOP_MS,
    steps: 2 * steps,
  });
  if (world.audience.violation !== null) return;
  if (!stopped)
    world.audience.violation = new Violation("eventually", `not stopped: ${world.whyNot()}`);
  else for (const end of ends) world.audience.attempt(end);
}

function blameRealIo(world: World, { message }: Violation, kinds: string): void {
  if (kinds === "") return;
  const why = `a handler waits for something real (${kinds}), which never comes in a simulated run`;
  world.audience.violation = new Violation("eventually", `${message}; ${why}`);
}

/** Has the laws watched; returns what must be asked at the end. */
export function swearIn(world: World, invariants: readonly Invariant[]): (() => void)[] {
  const about = {
    world,
    ledger: new Ledger(world),
    openings: new Openings(world),
    owners: new Owners(world),
  };
  const ends: (() => void)[] = [];
  for (const { name, watch } of invariants) {
    const { on, eachStep, atEnd } = watch(court(about, name));
    if (on !== undefined) world.audience.watch(on);
    if (eachStep !== undefined) world.audience.watchSteps(eachStep);
    if (atEnd !== undefined) ends.push(atEnd);
  }
  return ends;
}

function watchSituations(world: World): { situations: Set<Situation>; joins: number } {
  const seen = { situations: new Set<Situation>(), joins: 0 };
  let inFlight = 0;
  let acked = false;
  world.audience.watch({
    handler_started: () => void inFlight++,
    handler_ended: () => void inFlight--,
    acked: () => {
      acked = true;
    },
    committed: () => {
      acked = false;
    },
    restarting: () => void seen.situations.add("restart"),
    joined: () => {
      seen.joins++;
      if (acked) seen.situations.add("rebalance between ack and commit");
    },
    exited: ({ reason }) => {
      if (inFlight > 0 && reason === "killed") seen.situations.add("crash in flight");
    },
  });
  return seen;
}
