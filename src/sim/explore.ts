/**
 * Why this exists: what chance may miss, patience does not: a small world has few schedules, and
 * all of them can be run, one after the other, by counting through the choices.
 */

import { fc } from "./fast-check.ts";
import type { Fault } from "./fault.ts";
import { type CheckOptions, scriptOf, settingsOf } from "./options.ts";
import type { ChoiceKind, Strategy } from "./oracle.ts";
import type { Plan } from "./plan.ts";
import { report } from "./report.ts";
import { runScript } from "./run.ts";

export interface ExploreOptions extends Omit<CheckOptions, "faults" | "strategy" | "timeLimit"> {
  /** How many choices, from the first on, are tried in every way; all later ones are the plainest. */
  readonly depth: number;
  /** What is tried in every way; default the order of steps alone. */
  readonly choices?: readonly ChoiceKind[];
  /** Faults that strike in every run. */
  readonly strikes?: readonly Fault[];
}

export interface ExploreResult {
  readonly runs: number;
  /** Whether every schedule within `depth` was run; false: `runs` was reached first. */
  readonly exhausted: boolean;
}

/** Rejects with a `SimulationError` at the first schedule that breaks a law. */
export async function explore(options: ExploreOptions): Promise<ExploreResult> {
  const { depth, choices = ["pick"], strikes = [], runs = 10_000, ...rest } = options;
  const settings = settingsOf({ ...rest, runs });
  const records = settings.records.map((arbitrary) => {
    const [first = []] = fc.sample(arbitrary, { seed: settings.seed, numRuns: 1 });
    return first;
  });
  const schedule = { strategy: "fifo", seed: 0, tape: null } as const;
  const odometer = new Odometer(depth, new Set(choices));
  for (let run = 1; run <= runs; run++) {
    const plan: Plan = { records, faults: strikes, feedMs: 0, schedule: { ...schedule } };
    const script = { ...scriptOf(settings, plan), strategy: odometer.strategy() };
    const outcome = await runScript(script, settings.run);
    if (outcome.violation !== null) {
      plan.schedule.tape = outcome.tape;
      throw await report({ settings, plan, outcome, run, shrinks: 0, realMs: 0 });
    }
    if (!odometer.next()) return { runs: run, exhausted: true };
  }
  return { runs, exhausted: false };
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
