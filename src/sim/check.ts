/**
 * Why this exists: the whole of it in one function: many runs of the user's own tree, each with
 * faults of its own; the first broken law is made as simple as it gets, and told.
 */
import { fc } from "./fast-check.ts";
import { collectMarks } from "./marks.ts";
import { type CheckOptions, type Settings, scriptOf, settingsOf } from "./options.ts";
import { type Plan, planArbitrary, strategyFor } from "./plan.ts";
import { type Failure, report, SimulationError } from "./report.ts";
import { type Outcome, runScript, type Situation } from "./run.ts";
import { planOf } from "./token.ts";
import { Violation } from "./violation.ts";

export interface CheckResult {
  readonly runs: number;
  readonly seed: number;
  readonly steps: number;
  /** Simulated milliseconds, all runs together. */
  readonly virtualMs: number;
  /** How often each kind of fault struck. */
  readonly strikes: Readonly<Record<string, number>>;
  /** In how many runs these happened. */
  readonly situations: Readonly<Partial<Record<Situation, number>>>;
  /** How often each mark (`reached`, `sometimes`) was met. */
  readonly marks: Readonly<Record<string, number>>;
}

/** Of so many passing runs one is run twice, and compared. */
const TWICE_EVERY = 100;
/** Fewer runs than this prove nothing about what never struck. */
const VACUITY_RUNS = 100;

/**
 * Resolves when every run kept every law; rejects with a `SimulationError`, whose message is the
 * report, at the first that did not. An option that cannot be meant: an `OptionError`.
 */
export async function check(options: CheckOptions): Promise<CheckResult> {
  const settings = settingsOf(options);
  const token = process.env.SIM_REPLAY;
  if (token !== undefined && token !== "") return replayWith(settings, token);
  return new Check(settings).all();
}

/** Plays the run of a token again, with the options of the check that printed it. */
export async function replay(token: string, options: CheckOptions): Promise<CheckResult> {
  return replayWith(settingsOf(options), token);
}

async function replayWith(settings: Settings, token: string): Promise<CheckResult> {
  const plan = planOf(token, settings.world);
  const outcome = await play(settings, plan);
  if (outcome.violation !== null) {
    throw await report({ settings, plan, outcome, run: 1, shrinks: 0, realMs: 0 });
  }
  const tally = new Tally();
  tally.add(outcome);
  return tally.result(1, settings.seed);
}

const play = (settings: Settings, plan: Plan): Promise<Outcome> =>
  runScript({ ...scriptOf(settings, plan), strategy: strategyFor(plan.schedule) }, settings.run);

class Tally {
  steps = 0;
  virtualMs = 0;
  readonly strikes: Record<string, number> = {};
  readonly situations: Partial<Record<Situation, number>> = {};

  add({ steps, virtualMs, strikes, situations }: Outcome): void {
    this.steps += steps;
    this.virtualMs += virtualMs;
    for (const [kind, count] of strikes) this.strikes[kind] = (this.strikes[kind] ?? 0) + count;
    for (const each of situations) this.situations[each] = (this.situations[each] ?? 0) + 1;
  }

  result(runs: number, seed: number): CheckResult {
    const { steps, virtualMs, strikes, situations } = this;
    return { runs, seed, steps, virtualMs, strikes, situations, marks: {} };
  }
}

class Check {
  readonly #settings: Settings;
  readonly #tally = new Tally();
  #runs = 0;
  #failed: { plan: Plan; outcome: Outcome; run: number } | null = null;
  #shrinks = 0;
  #shrinkUntil = Number.POSITIVE_INFINITY;

  constructor(settings: Settings) {
    this.#settings = settings;
  }

  async all(): Promise<CheckResult> {
    const collected = collectMarks();
    try {
      return await this.#allRuns(collected.marks);
    } finally {
      collected.end();
    }
  }

  async #allRuns(marks: ReadonlyMap<string, number>): Promise<CheckResult> {
    const { seed, runs, timeLimit } = this.#settings;
    const began = performance.now();
    await this.#plainRun();
    const arbitrary = planArbitrary(this.#settings);
    const property = fc.asyncProperty(arbitrary, (plan) => this.#holds(plan));
    if (this.#failed === null) {
      await fc.check(property, {
        seed,
        numRuns: runs,
        ...(timeLimit === null ? {} : { interruptAfterTimeLimit: timeLimit }),
      });
    }
    const failed = this.#failed as Pick<Failure, "plan" | "outcome" | "run"> | null;
    if (failed === null) {
      this.#vacuous(marks);
      return { ...this.#tally.result(this.#runs, seed), marks: Object.fromEntries(marks) };
    }
    const realMs = performance.now() - began;
    throw await report({ settings: this.#settings, ...failed, shrinks: this.#shrinks, realMs });
  }

  /** Nothing goes wrong and everything is in order: what fails here is no matter of chance. */
  async #plainRun(): Promise<void> {
    const settings = this.#settings;
    const [records] = fc.sample(planArbitrary({ ...settings, faults: [] }), {
      seed: settings.seed,
      numRuns: 1,
    });
    const schedule = { strategy: "fifo", seed: 0, tape: [] } as const;
    const plan: Plan = { records: records?.records ?? [], faults: [], feedMs: 0, schedule };
    const outcome = await play(settings, plan);
    if (outcome.violation !== null) this.#failed = { plan, outcome, run: 0 };
    else if (outcome.joins === 0) {
      throw new TypeError("tree: nothing that it starts has joined a consumer group of the topics");
    }
  }

  /** fast-check asks this of every plan; after the first failure, of simpler and simpler ones. */
  async #holds(plan: Plan): Promise<boolean> {
    const first = this.#failed;
    if (first !== null && performance.now() > this.#shrinkUntil) return true;
    const outcome = await this.#play(plan);
    const { violation } = outcome;
    if (first === null) {
      this.#runs++;
      this.#tally.add(outcome);
      if (violation === null) return true;
      this.#shrinkUntil = performance.now() + this.#settings.shrinkLimit;
    } else {
      if (violation === null || violation.invariant !== first.outcome.violation?.invariant)
        return true;
      this.#shrinks++;
    }
    // From here on the plan is its tape, and no seed is needed to play it again.
    plan.schedule.tape = outcome.tape;
    this.#failed = { plan, outcome, run: first?.run ?? this.#runs };
    return false;
  }

  async #play(plan: Plan): Promise<Outcome> {
    const outcome = await play(this.#settings, plan);
    const suspicious = outcome.violation !== null && this.#failed === null;
    if (!suspicious && (this.#failed !== null || this.#runs % TWICE_EVERY !== 0)) return outcome;
    const again = await play(this.#settings, plan);
    if (again.hash === outcome.hash) return outcome;
    const message = `the same plan went two ways: ${outcome.steps} and ${again.steps} steps`;
    return { ...outcome, violation: new Violation("determinism", message) };
  }

  /** What was asked for by name and never happened has not been tested. */
  #vacuous(marks: ReadonlyMap<string, number>): void {
    const { given } = this.#settings;
    const missing = [...marks].filter(([, count]) => count === 0).map(([name]) => `never ${name}`);
    if (given.faults !== undefined && this.#runs >= VACUITY_RUNS) missing.push(...this.#unstruck());
    if (missing.length === 0) return;
    const text = `VACUOUS   in ${this.#runs} runs ${missing.join(", ")}`;
    throw new SimulationError(text, {
      ...{ invariant: "VACUOUS", token: "", seed: this.#settings.seed },
      ...{ run: this.#runs, steps: 0 },
    });
  }

  #unstruck(): string[] {
    const { strikes, situations } = this.#tally;
    const { faults } = this.#settings;
    const never = faults.filter((kind) => strikes[kind] === undefined);
    const missing = never.map((kind) => `no ${kind} ever struck`);
    if (!faults.includes("crash")) return missing;
    for (const each of ["crash in flight", "restart"] as const) {
      if (situations[each] === undefined) missing.push(`no ${each} ever happened`);
    }
    return missing;
  }
}
