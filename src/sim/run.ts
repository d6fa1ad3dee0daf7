/**
 * Why this exists: one run of one plan: faults strike and the laws are watched; then everything
 * heals, and the world must come to rest; then every member is stopped, and the books must balance.
 */
import { OptionError } from "../kernel/errors.ts";
import { formatCause } from "../kernel/exit.ts";
import { isThenable } from "../kernel/thenable.ts";
import { breathe } from "./drain.ts";
import type { Fact } from "./facts.ts";
import type { Fault } from "./fault.ts";
import { court, type Invariant } from "./invariants/invariant.ts";
import type { WorldView } from "./invariants/invariants.ts";
import { Ledger } from "./ledger.ts";
import { collectMarks } from "./marks.ts";
import { Openings } from "./openings.ts";
import type { Strategy } from "./oracle.ts";
import { Owners } from "./owners.ts";
import { watchRealIo } from "./real-io.ts";
import type { Topics, Tree } from "./setup.ts";
import { UnderWay } from "./under-way.ts";
import { Violation, violationOf } from "./violation.ts";
import { World } from "./world.ts";

/** What is the same in every run of a check. */
export interface RunOptions {
  readonly tree: Tree;
  readonly members: number;
  readonly invariants: readonly Invariant[];
  /** What must become true once nothing goes wrong any more; a text says what is missing. */
  readonly eventually: (world: WorldView) => boolean | string;
  /** The virtual time it may take to become true. */
  readonly settleMs: number;
  /** Steps for the part with faults; twice as many for the part without. */
  readonly maxSteps: number;
  readonly strict: boolean;
}

/** What makes one run this run. */
export interface Script {
  readonly topics: Topics;
  readonly faults: readonly Fault[];
  readonly feedMs: number;
  readonly strategy: Strategy;
  readonly chanceSeed: number;
}

export interface Outcome {
  readonly violation: Violation | null;
  /** Every choice that was made: played again, it is the same run. */
  readonly tape: readonly number[];
  /** Of the choices, of what handlers and broker did, and of the state: the same run, the same hash. */
  readonly hash: string;
  readonly steps: number;
  readonly virtualMs: number;
  /** Which kinds of faults struck, and how often. */
  readonly strikes: ReadonlyMap<string, number>;
  /** What else happened that says how hard the run was. */
  readonly situations: ReadonlySet<Situation>;
  /** Real I/O that was begun, by its kinds; "" where there was none. */
  readonly realIo: string;
  /** How often a member joined a group. */
  readonly joins: number;
  /** How often each mark was true. */
  readonly marks: ReadonlyMap<string, number>;
}

export type Situation =
  | "handling"
  | "crash in flight"
  | "restart"
  | "rebalance between ack and commit";

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
  let real = "";
  const collected = collectMarks();
  const { tree, members, strict } = options;
  const world = new World({ ...script, tree, members, strict });
  const { audience } = world;
  if (hear !== undefined) audience.watchAll(hear);
  const seen = watchSituations(world);
  const floating: unknown[] = [];
  const hearRejection = (error: unknown): void => void floating.push(error);
  process.on("unhandledRejection", hearRejection);
  try {
    const ends = swearIn(world, options.invariants);
    world.enter();
    world.begin();
    await live(world, options, ends, seen);
    real = realIo();
    if (audience.violation?.invariant === "eventually") blameRealIo(world, real);
    if (audience.mistake !== null) throw audience.mistake;
  } catch (error) {
    // A tree that cannot be meant is the caller's mistake, and no matter of chance.
    if (error instanceof OptionError) throw error;
    audience.violation ??= violationOf(error);
  } finally {
    world.leave();
    collected.end();
    // Node tells of them when nothing else is to be done.
    await breathe();
    process.off("unhandledRejection", hearRejection);
  }
  if (floating.length > 0) {
    const text = `a promise was rejected and nobody heard it: ${formatCause(floating[0])}`;
    audience.violation ??= new Violation("unhandledRejection", text, floating[0]);
  }
  return outcomeOf(world, seen, collected.marks, real);
}

function outcomeOf(
  { audience, oracle, loop, state, strikes, nowMs: virtualMs }: World,
  { situations, joins }: Seen,
  marks: ReadonlyMap<string, number>,
  realIo: string,
): Outcome {
  const { violation } = audience;
  oracle.mixText(textOf(state));
  const { tape, hash } = oracle;
  const { steps } = loop;
  return { violation, tape, hash, steps, virtualMs, strikes, situations, realIo, joins, marks };
}

/** Of what outlives the members: two runs of one plan must leave the same. */
function textOf(state: ReadonlyMap<string, unknown>): string {
  try {
    return JSON.stringify([...state]);
  } catch {
    return String(state.size);
  }
}

async function live(
  world: World,
  options: RunOptions,
  ends: (() => void)[],
  seen: Seen,
): Promise<void> {
  const { maxSteps: steps, settleMs, eventually } = options;
  const { audience } = world;
  let missing = "";
  const isTrue = (): boolean => {
    const answer: unknown = eventually(world);
    missing = typeof answer === "string" ? `${answer}: ` : "";
    if (isThenable(answer)) {
      throw new OptionError("eventually", eventually, "a function that is not async");
    }
    return answer === true;
  };
  const done = (): boolean => seen.joins > 0 && world.quiet && isTrue();
  await world.until(done, { ms: settleMs, steps });
  if (audience.violation !== null) return;
  world.heal();
  // Twice the steps: what one member did not do in the first part is the others' in the second.
  const limits = { ms: settleMs, steps: 2 * steps };
  const began = world.loop.steps;
  const late = (what: string): Violation => {
    const spent = world.loop.steps - began >= limits.steps;
    const why = spent ? `; no more than ${limits.steps} steps are taken: see maxSteps` : "";
    return new Violation("eventually", `${what}${world.whyNot()}${why}`);
  };
  // A handler under way may still write what is to be read.
  const atRest = (): boolean => isTrue() && world.whole && seen.underWay.count() === 0;
  const rested = await world.until(atRest, limits);
  if (audience.violation !== null) return;
  if (!rested) {
    audience.violation = late(missing);
    return;
  }
  world.close();
  const down = (): boolean => world.members.every(({ state }) => state === "down");
  const stopped = await world.until(down, { ...limits, ms: STOP_MS });
  if (audience.violation !== null) return;
  if (!stopped) audience.violation = late("not everybody stopped: ");
  else for (const end of ends) end();
}

function blameRealIo(world: World, kinds: string): void {
  if (kinds === "") return;
  const why = `a handler waits for something real (${kinds}), which never comes in a simulated run`;
  const { message } = world.audience.violation ?? { message: "" };
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
  for (const invariant of invariants) {
    const { name } = invariant;
    const { on, eachStep, atEnd } = invariant.watch(court(about, name));
    if (on !== undefined) world.audience.watch(on, name);
    if (eachStep !== undefined) world.audience.watchSteps(eachStep, name);
    if (atEnd !== undefined) ends.push(() => world.audience.attempt(atEnd, name));
  }
  return ends;
}

interface Seen {
  readonly situations: Set<Situation>;
  readonly underWay: UnderWay;
  joins: number;
}

function watchSituations(world: World): Seen {
  const underWay = new UnderWay(world);
  const seen: Seen = { situations: new Set(), underWay, joins: 0 };
  /** Members that have acked what they have not committed. */
  const acked = new Set<string>();
  world.audience.watch({
    acked: (_fact, member) => void acked.add(member),
    committed: (_fact, member) => void acked.delete(member),
    handler_started: () => void seen.situations.add("handling"),
    restarting: () => void seen.situations.add("restart"),
    joined: (_fact, member) => {
      seen.joins++;
      if (acked.has(member)) seen.situations.add("rebalance between ack and commit");
    },
    exited: ({ pid, reason }, member) => {
      if (reason === "killed" && underWay.isBusy(member, pid)) {
        seen.situations.add("crash in flight");
      }
    },
  });
  return seen;
}
