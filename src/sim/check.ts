/**
 * Why this exists: the whole of it in one function: many runs of the user's own tree, each with
 * faults of its own; the first broken law is made as simple as it gets, and told.
 */
import { OptionError } from "../kernel/errors.ts";
import { type FastCheck, loadFastCheck } from "./fast-check.ts";
import { type CheckOptions, recordsOf, type Settings, scriptOf, settingsOf } from "./options.ts";
import { type Plan, type PlanOptions, planArbitrary, strategyFor } from "./plan.ts";
import { type Failure, report, SimulationError } from "./report.ts";
import { type Outcome, runScript, type Situation } from "./run.ts";
import { checkRecords } from "./setup.ts";
import { planOf } from "./token.ts";
import { Violation } from "./violation.ts";

export interface CheckResult {
  readonly runs: number;
  readonly seed: number;
  /** Single messages and timers, all runs together. */
  readonly steps: number;
  /** Simulated milliseconds, all runs together. */
  readonly virtualMs: number;
  /** How often each kind of fault struck. */
  readonly strikes: Readonly<Record<string, number>>;
  /** In how many runs these happened. */
  readonly situations: Readonly<Partial<Record<Situation, number>>>;
  /** How often each mark (`reached`, `sometimes`) was true. */
  readonly marks: Readonly<Record<string, number>>;
}

/** Of so many passing runs one is run twice, and compared. */
const TWICE_EVERY = 100;
/** Fewer runs than this prove nothing about what never struck. */
const VACUITY_RUNS = 100;

/**
 * Resolves when every run kept every law; rejects with a `SimulationError`, whose message is the
 * report, at the first that did not. An option that cannot be meant: an `OptionError`. With
 * `SIM_REPLAY` in the environment it plays that one run.
 */
export async function check(options: CheckOptions): Promise<CheckResult> {
  const settings = settingsOf(options);
  const token = process.env.SIM_REPLAY;
  if (token !== undefined && token !== "") return replayWith(settings, token);
  return new Check(settings, await loadFastCheck()).all();
}

/** Plays the run of a token again, with the options of the check that printed it. */
export async function replay(token: string, options: CheckOptions): Promise<CheckResult> {
  return replayWith(settingsOf(options), token);
}

async function replayWith(settings: Settings, token: string): Promise<CheckResult> {
  const { plan, origin } = planOf(token, settings.world);
  const its = { ...settings, seed: origin.seed };
  const outcome = await playedTwice(its, plan, await play(its, plan));
  if (outcome.violation !== null) {
    throw await report({ settings: its, plan, outcome, run: origin.run, found: null });
  }
  const tally = new Tally();
  tally.add(outcome);
  return tally.result(1, origin.seed);
}

const play = (settings: Settings, plan: Plan): Promise<Outcome> =>
  runScript({ ...scriptOf(settings, plan), strategy: strategyFor(plan.schedule) }, settings.run);

const DETERMINISM = "determinism";
/** How far into a run faults strike at least, however short it is without them. */
const STEPS_MIN = 400;

/** The outcome, or that playing it again was another run. */
async function playedTwice(settings: Settings, plan: Plan, outcome: Outcome): Promise<Outcome> {
  const again = await play(settings, plan);
  if (again.hash === outcome.hash) return outcome;
  const real = outcome.realIo || again.realIo;
  const why =
    real === ""
      ? "something outlives a run, such as a variable of a module"
      : `a handler waits for something real (${real})`;
  const message = `the same plan went two ways, in ${outcome.steps} and ${again.steps} steps: ${why}`;
  return { ...outcome, violation: new Violation(DETERMINISM, message) };
}

class Tally {
  readonly strikes: Record<string, number> = {};
  readonly marks: Record<string, number> = {};
  readonly situations: Partial<Record<Situation, number>> = {};
  #steps = 0;
  #virtualMs = 0;

  add({ steps, virtualMs, strikes, situations, marks }: Outcome): void {
    this.#steps += steps;
    this.#virtualMs += virtualMs;
    for (const [kind, count] of strikes) this.strikes[kind] = (this.strikes[kind] ?? 0) + count;
    for (const [name, count] of marks) this.marks[name] = (this.marks[name] ?? 0) + count;
    for (const each of situations) this.situations[each] = (this.situations[each] ?? 0) + 1;
  }

  result(runs: number, seed: number): CheckResult {
    const { strikes, marks } = this;
    const virtualMs = Math.round(this.#virtualMs);
    return {
      runs,
      seed,
      steps: this.#steps,
      virtualMs,
      strikes,
      situations: this.situations,
      marks,
    };
  }
}

type Failed = Pick<Failure, "plan" | "outcome" | "run">;

class Check {
  readonly #settings: Settings;
  readonly #fc: FastCheck;
  #plans: PlanOptions;
  readonly #tally = new Tally();
  #runs = 0;
  #failed: Failed | null = null;
  #shrinks = 0;
  #shrinkUntil = Number.POSITIVE_INFINITY;

  constructor(settings: Settings, fc: FastCheck) {
    const { faults, maxFaults, strategy } = settings;
    this.#settings = settings;
    this.#fc = fc;
    const records = recordsOf(fc, settings);
    this.#plans = { faults, maxFaults, strategy, records, steps: STEPS_MIN };
  }

  async all(): Promise<CheckResult> {
    const settings = this.#settings;
    const { seed } = settings;
    const began = performance.now();
    const plain = await this.#plainRun();
    const holds = this.#failed === null;
    if (holds) await this.#search({ numRuns: this.#settings.runs });
    else await this.#search({ numRuns: 1, examples: [[plain]] });
    if (this.#failed === null) {
      this.#vacuous();
      return this.#tally.result(this.#runs, seed);
    }
    const found = { shrinks: this.#shrinks, realMs: performance.now() - began };
    const { plan, outcome, run } = this.#failed as Failure;
    throw await report({ settings, plan, outcome, run, found });
  }

  async #search(how: { numRuns: number; examples?: [Plan][] }): Promise<void> {
    const { seed, timeLimitMs } = this.#settings;
    const fc = this.#fc;
    const property = fc.asyncProperty(planArbitrary(fc, this.#plans), (plan) => this.#holds(plan));
    const limit = timeLimitMs === null ? {} : { interruptAfterTimeLimit: timeLimitMs };
    const details = await fc.check(property, { seed, ...how, ...limit });
    // What is no broken law, such as an option that a later life of a tree got wrong.
    const { failed, errorInstance: error } = details;
    if (failed && this.#failed === null && error !== null) throw error;
  }

  /** Nothing goes wrong and everything is in order: what fails here is no matter of chance. */
  async #plainRun(): Promise<Plan> {
    const fc = this.#fc;
    const [drawn] = fc.sample(planArbitrary(fc, { ...this.#plans, faults: [] }), {
      seed: this.#settings.seed,
      numRuns: 1,
    });
    const records = drawn?.records ?? [];
    const topics = Object.keys(this.#settings.given.topics);
    for (const [i, its] of records.entries()) checkRecords(`topics.${topics[i]}.records`, its);
    const schedule: Plan["schedule"] = { strategy: "fifo", seed: 0, tape: [] };
    const plan: Plan = { records, chanceSeed: 0, faults: [], feedMs: 0, schedule };
    const outcome = await playedTwice(this.#settings, plan, await play(this.#settings, plan));
    this.#plans = { ...this.#plans, steps: Math.max(STEPS_MIN, outcome.steps) };
    if (outcome.violation !== null) this.#fail({ plan, outcome, run: 0 });
    else if (outcome.joins === 0) {
      throw new OptionError("tree", this.#settings.given.tree, "one that joins a consumer group");
    }
    return plan;
  }

  #fail(failed: Failed): void {
    this.#failed = failed;
    // What differs from its own repetition has no simpler form that could be told apart.
    const isSame = failed.outcome.violation?.invariant !== DETERMINISM;
    this.#shrinkUntil = performance.now() + (isSame ? this.#settings.shrinkLimitMs : 0);
  }

  /** fast-check asks this of every plan; after the first failure, of simpler and simpler ones. */
  async #holds(plan: Plan): Promise<boolean> {
    const first = this.#failed;
    if (first !== null && performance.now() > this.#shrinkUntil) return true;
    if (first === null) this.#runs++;
    const outcome = await this.#play(plan);
    const { violation } = outcome;
    if (first === null) {
      this.#tally.add(outcome);
      if (violation === null) return true;
    } else {
      const same = violation?.invariant === first.outcome.violation?.invariant;
      if (violation === null || !same) return true;
      this.#shrinks++;
    }
    // From here on the plan is its tape, and no seed is needed to play it again.
    plan.schedule.tape = outcome.tape;
    if (first === null) this.#fail({ plan, outcome, run: this.#runs });
    else this.#failed = { plan, outcome, run: first.run };
    return false;
  }

  async #play(plan: Plan): Promise<Outcome> {
    const outcome = await play(this.#settings, plan);
    const suspicious = outcome.violation !== null && this.#failed === null;
    if (!suspicious && (this.#failed !== null || this.#runs % TWICE_EVERY !== 0)) return outcome;
    return playedTwice(this.#settings, plan, outcome);
  }

  /** What was asked for and never happened has not been tested. */
  #vacuous(): void {
    const { given, faults, seed } = this.#settings;
    const { marks, strikes, situations } = this.#tally;
    const never = Object.keys(marks).filter((name) => marks[name] === 0);
    const missing = never.map((name) => `never ${name}`);
    if (this.#runs === 0) missing.push("nothing was run within timeLimitMs");
    if (this.#runs >= VACUITY_RUNS && situations.handling === undefined) {
      missing.push("no handler was given a record");
    }
    if (given.faults !== undefined && this.#runs >= VACUITY_RUNS) {
      const unstruck = faults.filter((kind) => strikes[kind] === undefined);
      missing.push(...unstruck.map((kind) => `no ${kind} ever struck`));
    }
    if (missing.length === 0) return;
    const text = `VACUOUS   in ${this.#runs} runs ${missing.join(", ")}`;
    const about = { invariant: "VACUOUS", token: "", seed, run: this.#runs, storyLines: 0 };
    throw new SimulationError(text, about);
  }
}
