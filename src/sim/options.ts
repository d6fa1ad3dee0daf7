/** Why this exists: every option of a check, with its default and what is allowed. */
import type { Arbitrary } from "fast-check";
import { OptionError } from "../kernel/errors.ts";
import type { OutgoingMessage } from "../ports/record.ts";
import { fc } from "./fast-check.ts";
import { FAULT_KINDS, type FaultKind } from "./fault.ts";
import type { Invariant } from "./invariants/invariant.ts";
import { invariants, type WorldView } from "./invariants/invariants.ts";
import type { Plan } from "./plan.ts";
import type { RunOptions, Script } from "./run.ts";
import { checkTopics, type Topics, type Tree } from "./setup.ts";
import { STRATEGIES, type StrategyName } from "./strategy.ts";

export interface CheckTopic {
  readonly partitions: number;
  /** What the topic holds; default up to 12 records with small numbers. */
  readonly records?: Arbitrary<readonly OutgoingMessage[]> | readonly OutgoingMessage[];
}

/** Times in milliseconds of the simulated world. */
export interface CheckOptions {
  readonly topics: Readonly<Record<string, CheckTopic>>;
  /** What each member runs. Called anew for every life of every member: keep no state outside. */
  readonly tree: Tree;
  /** Processes that run the tree; default 2. */
  readonly members?: number;
  /** What may go wrong; default everything. A kind that is named here and never strikes fails the check. */
  readonly faults?: readonly FaultKind[];
  /** The most faults of one run; default 6. */
  readonly maxFaults?: number;
  /** Default `invariants.all`. */
  readonly invariants?: readonly Invariant[];
  /** What must become true once nothing goes wrong any more; default that no group lags. */
  readonly eventually?: (world: WorldView) => boolean;
  /** How long that may take; default 600,000. */
  readonly settleMs?: number;
  /** Default 500, or the environment's `SIM_RUNS`. */
  readonly runs?: number;
  /** Default by chance, or the environment's `SIM_SEED`. The same seed is the same check. */
  readonly seed?: number;
  /** Real milliseconds after which no further run begins; default none, or `SIM_TIME_LIMIT`. */
  readonly timeLimit?: number;
  /** Real milliseconds spent on a simpler counterexample; default 5,000. */
  readonly shrinkLimit?: number;
  /** Default `"swarm"`. */
  readonly strategy?: StrategyName;
  /** Throw where clocks, chance and timers are read, instead of standing in; default `SIM_STRICT`. */
  readonly strict?: boolean;
  /** Names the files of a report; default `"check"`. */
  readonly name?: string;
  /** Where a failure's diagram and trace are written; default `".sim"`; false: nowhere. */
  readonly reportDir?: string | false;
}

export interface Settings {
  readonly given: CheckOptions;
  readonly run: RunOptions;
  readonly records: readonly Arbitrary<readonly OutgoingMessage[]>[];
  readonly faults: readonly FaultKind[];
  readonly maxFaults: number;
  readonly runs: number;
  readonly seed: number;
  readonly timeLimit: number | null;
  readonly shrinkLimit: number;
  readonly strategy: StrategyName;
  readonly name: string;
  readonly reportDir: string | false;
  /** What a token must have been made with. */
  readonly world: string;
}

const MAX_STEPS = 20_000;

/** A record whose value is JSON of what `value` draws; without a partition of its own. */
export const recordArbitrary = (value: Arbitrary<unknown>): Arbitrary<OutgoingMessage> =>
  value.map(
    (drawn) => ({ value: JSON.stringify(drawn) }),
    (record) => JSON.parse(String((record as OutgoingMessage).value)),
  );

export const arbitraries = { record: recordArbitrary } as const;

/** Throws an `OptionError` naming the first option that cannot be meant. */
export function settingsOf(given: CheckOptions): Settings {
  const env = process.env;
  checkTopics(given.topics);
  if (typeof given.tree !== "function") throw new OptionError("tree", given.tree, "a function");
  const { members = 2, faults = FAULT_KINDS, maxFaults = 6, settleMs = 600_000 } = given;
  const { runs = number(env.SIM_RUNS, "SIM_RUNS") ?? 500, strategy = "swarm" } = given;
  const { seed = number(env.SIM_SEED, "SIM_SEED") ?? Math.trunc(Math.random() * 2 ** 31) } = given;
  whole("members", members, 1);
  whole("maxFaults", maxFaults, 0);
  whole("runs", runs, 1);
  whole("settleMs", settleMs, 1);
  const unknown = faults.find((kind) => !FAULT_KINDS.includes(kind));
  if (unknown !== undefined) throw new OptionError("faults", unknown, FAULT_KINDS.join(", "));
  if (!STRATEGIES.includes(strategy)) {
    throw new OptionError("strategy", strategy, STRATEGIES.join(", "));
  }
  const topics = Object.entries(given.topics).map(([name, topic]) => `${name}:${topic.partitions}`);
  return {
    given,
    run: {
      tree: given.tree,
      members,
      invariants: given.invariants ?? invariants.all,
      eventually: given.eventually ?? ((world) => world.kafka.lag() === 0),
      settleMs,
      maxSteps: MAX_STEPS,
      strict: given.strict ?? env.SIM_STRICT !== undefined,
    },
    records: Object.values(given.topics).map(recordsOf),
    faults,
    maxFaults,
    runs,
    seed: seed | 0,
    timeLimit: given.timeLimit ?? number(env.SIM_TIME_LIMIT, "SIM_TIME_LIMIT") ?? null,
    shrinkLimit: given.shrinkLimit ?? 5_000,
    strategy,
    name: given.name ?? "check",
    reportDir: given.reportDir ?? ".sim",
    world: `${topics.join()};${members}`,
  };
}

/** The script of a plan, in the world of these options. */
export function scriptOf({ given }: Settings, plan: Plan): Omit<Script, "strategy"> {
  const topics: Topics = Object.fromEntries(
    Object.entries(given.topics).map(([name, { partitions }], i) => [
      name,
      { partitions, records: plan.records[i] ?? [] },
    ]),
  );
  return { topics, faults: plan.faults, feedMs: plan.feedMs };
}

function recordsOf({ records }: CheckTopic): Arbitrary<readonly OutgoingMessage[]> {
  if (records === undefined) return fc.array(recordArbitrary(fc.nat(99)), { maxLength: 12 });
  if (Array.isArray(records)) return fc.constant(records as readonly OutgoingMessage[]);
  return records as Arbitrary<readonly OutgoingMessage[]>;
}

function whole(name: string, value: number, min: number): void {
  if (!Number.isInteger(value) || value < min) {
    throw new OptionError(name, value, `a whole number from ${min}`);
  }
}

function number(text: string | undefined, name: string): number | undefined {
  if (text === undefined || text === "") return undefined;
  const value = Number(text);
  if (!Number.isInteger(value)) throw new OptionError(name, text, "a whole number");
  return value;
}
