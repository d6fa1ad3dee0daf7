/** Why this exists: every option of a check, with its default and what is allowed. */
import type { Arbitrary } from "fast-check";
import { needOption as need, needFields } from "../kernel/errors.ts";
import type { OutgoingMessage } from "../ports/record.ts";
import type { FastCheck } from "./fast-check.ts";
import { FAULT_KINDS, type FaultKind } from "./fault.ts";
import type { Invariant } from "./invariants/invariant.ts";
import { invariants, type WorldView } from "./invariants/invariants.ts";
import type { Plan } from "./plan.ts";
import type { RunOptions, Script } from "./run.ts";
import { checkTopics, type Topics, type Tree } from "./setup.ts";
import { STRATEGIES, type StrategyName } from "./strategy.ts";

export interface CheckTopic {
  /** From 1. */
  readonly partitions: number;
  /**
   * What the topic holds; default up to 12 records with small numbers. A record without a
   * `partition` of its own goes to each in turn.
   */
  readonly records?: Arbitrary<readonly OutgoingMessage[]> | readonly OutgoingMessage[];
}

/** Simulated times end in nothing but `Ms`, real ones say so. All are milliseconds. */
export interface CheckOptions {
  readonly topics: Readonly<Record<string, CheckTopic>>;
  /** What each member runs. Called anew for every life of every member: keep no state outside. */
  readonly tree: Tree;
  /** Processes that run the tree; default 2. */
  readonly members?: number;
  /**
   * What may go wrong; default everything. Of kinds that are named here each must strike at least
   * once in a check of 100 runs or more: otherwise it fails as `VACUOUS`.
   */
  readonly faults?: readonly FaultKind[];
  /** The most faults of one run; default 6. */
  readonly maxFaults?: number;
  /** Default `invariants.all`. */
  readonly invariants?: readonly Invariant[];
  /**
   * What must become true once nothing goes wrong any more; default that no group lags. Any other
   * answer is false, and a text is told as what is missing.
   */
  readonly eventually?: (world: WorldView) => boolean | string;
  /** How long that may take; default 600,000. */
  readonly settleMs?: number;
  /** Steps of one run before the healing, and twice as many after it; default 20,000. */
  readonly maxSteps?: number;
  /** Default 500, or the environment's `SIM_RUNS`. */
  readonly runs?: number;
  /** From 0 to 2^31 - 1; default by chance, or the environment's `SIM_SEED`. The same seed is the same check. */
  readonly seed?: number;
  /** Real time after which no further run begins; default none, or `SIM_TIME_LIMIT`. */
  readonly timeLimitMs?: number;
  /** Real time spent on a simpler counterexample; default 5,000. */
  readonly shrinkLimitMs?: number;
  /** Default `"swarm"`: each run draws how random it is, and in what. */
  readonly strategy?: StrategyName;
  /** Fail where clocks, chance and timers are read, instead of standing in; default false, or `SIM_STRICT=1`. */
  readonly strict?: boolean;
  /** Names the files of a report; default `"check"`. */
  readonly name?: string;
  /** Where a failure's diagram and trace are written; default `".sim"`; false: nowhere. */
  readonly reportDir?: string | false;
}

export interface Settings {
  readonly given: CheckOptions;
  readonly run: RunOptions;
  readonly faults: readonly FaultKind[];
  readonly maxFaults: number;
  readonly runs: number;
  readonly seed: number;
  readonly timeLimitMs: number | null;
  readonly shrinkLimitMs: number;
  readonly strategy: StrategyName;
  readonly name: string;
  readonly reportDir: string | false;
  /** What a token must have been made with. */
  readonly world: string;
}

const MAX_STEPS = 20_000;
export const MAX_SEED = 2 ** 31 - 1;
export const MEMBERS_MAX = 100;
const NAMES: Readonly<Record<keyof CheckOptions, true>> = {
  topics: true,
  tree: true,
  members: true,
  faults: true,
  maxFaults: true,
  invariants: true,
  eventually: true,
  settleMs: true,
  maxSteps: true,
  runs: true,
  seed: true,
  timeLimitMs: true,
  shrinkLimitMs: true,
  strategy: true,
  strict: true,
  name: true,
  reportDir: true,
};

export const arbitraries = {
  /** A record whose value is JSON of what `value` draws; without a partition of its own. */
  record: (value: Arbitrary<unknown>): Arbitrary<OutgoingMessage> =>
    value.map(
      (drawn) => ({ value: JSON.stringify(drawn) }),
      (record) => JSON.parse(String((record as OutgoingMessage).value)),
    ),
} as const;

/** Throws an `OptionError` naming the first option that cannot be meant. */
export function settingsOf(given: CheckOptions): Settings {
  needFields(given, NAMES);
  checkTopics(given.topics);
  need(typeof given.tree === "function", "tree", given.tree, "a function");
  checkChoices(given);
  const { members = 2, maxFaults = 6, settleMs = 600_000, shrinkLimitMs = 5_000 } = given;
  const { maxSteps = MAX_STEPS } = given;
  const runs = given.runs ?? fromEnv("SIM_RUNS") ?? 500;
  const seed = given.seed ?? fromEnv("SIM_SEED") ?? Math.trunc(Math.random() * MAX_SEED);
  const timeLimitMs = given.timeLimitMs ?? fromEnv("SIM_TIME_LIMIT") ?? null;
  whole({ runs, settleMs, maxSteps }, 1);
  whole({ members }, 1, MEMBERS_MAX);
  whole({ maxFaults, shrinkLimitMs }, 0);
  whole({ seed }, 0, MAX_SEED);
  if (timeLimitMs !== null) whole({ timeLimitMs }, 1);
  const topics = Object.entries(given.topics).map(([name, topic]) => `${name}:${topic.partitions}`);
  return {
    given,
    run: {
      tree: given.tree,
      members,
      invariants: given.invariants ?? invariants.all,
      eventually: given.eventually ?? ((world) => world.kafka.lag() === 0),
      settleMs,
      maxSteps,
      strict: given.strict ?? !["", "0", undefined].includes(process.env.SIM_STRICT),
    },
    faults: given.faults ?? FAULT_KINDS,
    maxFaults,
    runs,
    seed,
    timeLimitMs,
    shrinkLimitMs,
    strategy: given.strategy ?? "swarm",
    name: given.name ?? "check",
    reportDir: given.reportDir ?? ".sim",
    world: `${topics.join()};${members}`,
  };
}

/** What draws the records of each topic, in the order of the options. */
export const recordsOf = (
  fc: FastCheck,
  { given }: Settings,
): Arbitrary<readonly OutgoingMessage[]>[] =>
  Object.values(given.topics).map(({ records }) => {
    if (records === undefined) return fc.array(arbitraries.record(fc.nat(99)), { maxLength: 12 });
    if (Array.isArray(records)) return fc.constant(records as readonly OutgoingMessage[]);
    return records as Arbitrary<readonly OutgoingMessage[]>;
  });

/** The script of a plan, in the world of these options. */
export function scriptOf({ given }: Settings, plan: Plan): Omit<Script, "strategy"> {
  const topics: Topics = Object.fromEntries(
    Object.entries(given.topics).map(([name, { partitions }], i) => [
      name,
      { partitions, records: plan.records[i] ?? [] },
    ]),
  );
  const { faults, feedMs, chanceSeed } = plan;
  return { topics, faults, feedMs, chanceSeed };
}

function checkChoices(given: CheckOptions): void {
  const { faults, strategy = "swarm", invariants: laws, eventually, reportDir, name } = given;
  const isList = faults === undefined || Array.isArray(faults);
  need(isList, "faults", faults, `an array of ${FAULT_KINDS.join(", ")}`);
  for (const kind of faults ?? []) {
    need(FAULT_KINDS.includes(kind), "faults", kind, FAULT_KINDS.join(", "));
  }
  need(STRATEGIES.includes(strategy), "strategy", strategy, STRATEGIES.join(", "));
  if (laws !== undefined) checkLaws(laws);
  const isAsked = eventually === undefined || typeof eventually === "function";
  need(isAsked, "eventually", eventually, "a function");
  const isPath = reportDir === undefined || reportDir === false || typeof reportDir === "string";
  need(isPath, "reportDir", reportDir, "a path, or false");
  need(name === undefined || typeof name === "string", "name", name, "a text");
}

export function checkLaws(laws: readonly Invariant[]): void {
  const good = Array.isArray(laws) && laws.every(isLaw);
  need(good, "invariants", laws, "an array of invariants");
}

const isLaw = (law: Invariant): boolean =>
  typeof law?.name === "string" && typeof law.watch === "function";

export function whole(
  values: Record<string, number>,
  min: number,
  max = Number.MAX_SAFE_INTEGER,
): void {
  const allowed = `a whole number from ${min}${max < Number.MAX_SAFE_INTEGER ? ` to ${max}` : ""}`;
  for (const [name, value] of Object.entries(values)) {
    need(Number.isInteger(value) && value >= min && value <= max, name, value, allowed);
  }
}

function fromEnv(name: string): number | undefined {
  const text = process.env[name];
  if (text === undefined || text === "") return undefined;
  const value = Number(text);
  need(Number.isInteger(value) && value >= 0, name, text, "a whole number from 0");
  return value;
}
