/**
 * Why this exists: what chance may miss, patience does not: a small world has few schedules, and
 * all of them can be run, one after the other, by counting through the choices.
 */

import { needOption as need, needFields } from "../kernel/errors.ts";
import { loadFastCheck } from "./fast-check.ts";
import { type Fault, isFault } from "./fault.ts";
import { type CheckOptions, recordsOf, scriptOf, settingsOf } from "./options.ts";
import type { ChoiceKind, Strategy } from "./oracle.ts";
import type { Plan, Schedule } from "./plan.ts";
import { report } from "./report.ts";
import { runScript } from "./run.ts";

export interface ExploreOptions
  extends Pick<
    CheckOptions,
    "topics" | "tree" | "members" | "invariants" | "eventually" | "settleMs" | "maxSteps" | "seed"
  > {
  /** How many choices, from the first on, are tried in every way; all later ones are the plainest. */
  readonly depth: number;
  /** What is tried in every way; default `["pick"]`, the order of steps alone. */
  readonly choices?: readonly ChoiceKind[];
  /** Faults that strike in every run. */
  readonly strikes?: readonly Fault[];
  /** The most schedules to run; default 10,000. */
  readonly maxRuns?: number;
  readonly name?: string;
  readonly reportDir?: string | false;
}

export interface ExploreResult {
  readonly runs: number;
  /** Whether every schedule within `depth` was run; false: `maxRuns` was reached first. */
  readonly exhausted: boolean;
}

const NAMES: Readonly<Record<keyof ExploreOptions, true>> = {
  topics: true,
  tree: true,
  members: true,
  invariants: true,
  eventually: true,
  settleMs: true,
  maxSteps: true,
  seed: true,
  depth: true,
  choices: true,
  strikes: true,
  maxRuns: true,
  name: true,
  reportDir: true,
};
const CHOICES: readonly ChoiceKind[] = ["pick", "delay", "jitter"];

/** Rejects with a `SimulationError` at the first schedule that breaks a law. */
export async function explore(options: ExploreOptions): Promise<ExploreResult> {
  needFields(options, NAMES);
  const { depth, choices = ["pick"], strikes = [], maxRuns = 10_000, ...rest } = options;
  need(Number.isInteger(maxRuns) && maxRuns >= 1, "maxRuns", maxRuns, "a whole number from 1");
  const settings = settingsOf(rest);
  need(Number.isInteger(depth) && depth >= 0, "depth", depth, "a whole number from 0");
  need(
    choices.every((kind) => CHOICES.includes(kind)),
    "choices",
    choices,
    CHOICES.join(", "),
  );
  need(strikes.every(isFault), "strikes", strikes, "an array of faults");
  const fc = await loadFastCheck();
  const records = recordsOf(fc, settings).map((arbitrary) => {
    const [first = []] = fc.sample(arbitrary, { seed: settings.seed, numRuns: 1 });
    return first;
  });
  const odometer = new Odometer(depth, new Set(choices));
  const began = performance.now();
  for (let run = 1; run <= maxRuns; run++) {
    const schedule: Schedule = { strategy: "fifo", seed: 0, tape: null };
    const plan: Plan = { records, faults: strikes, feedMs: 0, chanceSeed: 0, schedule };
    const script = { ...scriptOf(settings, plan), strategy: odometer.strategy() };
    const outcome = await runScript(script, settings.run);
    if (outcome.violation !== null) {
      schedule.tape = outcome.tape;
      const found = { shrinks: 0, realMs: performance.now() - began };
      throw await report({ settings, plan, outcome, run, found });
    }
    need(outcome.joins > 0, "tree", options.tree, "one that joins a consumer group");
    if (!odometer.next()) return { runs: run, exhausted: true };
  }
  return { runs: maxRuns, exhausted: false };
}

/** Counts through the choices as a car counts miles: the last wheel turns first. */
class Odometer {
  readonly #depth: number;
  readonly #kinds: ReadonlySet<ChoiceKind>;
  #wheels: { answer: number; bound: number }[] = [];

  constructor(depth: number, kinds: ReadonlySet<ChoiceKind>) {
    this.#depth = depth;
    this.#kinds = kinds;
  }

  strategy(): Strategy {
    let at = 0;
    return (kind, bound) => {
      if (!this.#kinds.has(kind) || at >= this.#depth) return 0;
      const wheel = this.#wheels[at] ?? { answer: 0, bound };
      // What was chosen before decides what there is to choose from.
      wheel.bound = bound;
      this.#wheels[at++] = wheel;
      return wheel.answer;
    };
  }

  next(): boolean {
    for (let last = this.#wheels.at(-1); last !== undefined; last = this.#wheels.at(-1)) {
      if (++last.answer < last.bound) return true;
      this.#wheels.pop();
    }
    return false;
  }
}
