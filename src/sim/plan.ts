/**
 * Why this exists: everything that makes one run, as values that fast-check draws and makes
 * simpler: the records, the faults, and the schedule as the tape of choices that the run left.
 */
import type { Arbitrary, Random, Value } from "fast-check";
import type { OutgoingMessage } from "../ports/record.ts";
import { type Chance, chance } from "./chance.ts";
import type { FastCheck } from "./fast-check.ts";
import { DURATIONS_MS, FAULTS, type Fault, type FaultKind, TRIGGERS } from "./fault.ts";
import { player, type Strategy } from "./oracle.ts";
import { type StrategyName, strategyOf } from "./strategy.ts";

export interface Plan {
  /** By topic, in the order of the options. */
  readonly records: readonly (readonly OutgoingMessage[])[];
  readonly faults: readonly Fault[];
  readonly feedMs: number;
  /** What `Math.random` begins with in the user's code. */
  readonly chanceSeed: number;
  readonly schedule: Schedule;
}

/** Drawn by a seed until it was run once; from then on the tape that the run left. */
export interface Schedule {
  readonly strategy: StrategyName;
  readonly seed: number;
  /** Written by the run. */
  tape: readonly number[] | null;
}

export interface PlanOptions {
  readonly records: readonly Arbitrary<readonly OutgoingMessage[]>[];
  readonly faults: readonly FaultKind[];
  readonly maxFaults: number;
  readonly strategy: StrategyName;
  /** Of a run in which nothing goes wrong: any of them may be the one at which something does. */
  readonly steps: number;
}

/** One fact of a kind, in so many steps. */
const FACTS_PART = 12;

const FEEDS_MS = [0, 0, 1, 20] as const;

export const strategyFor = ({ strategy, seed, tape }: Schedule): Strategy =>
  tape === null ? strategyOf(strategy, seed) : player(tape);

/** Plans as values of fast-check: drawn by its seeds, and made simpler by its own search. */
export function planArbitrary(fc: FastCheck, options: PlanOptions): Arbitrary<Plan> {
  const source = new PlanSource(fc, options);
  return Object.assign(Object.create(fc.Arbitrary.prototype) as Arbitrary<Plan>, {
    generate: (random: Random, biasFactor: number | undefined) =>
      source.generate(random, biasFactor),
    shrink: (plan: Plan, context?: unknown) => source.shrink(plan, context),
    canShrinkWithoutContext: (value: unknown): value is Plan =>
      typeof value === "object" && value !== null && "schedule" in value,
  });
}

type Parts = readonly Value<readonly OutgoingMessage[]>[];

/** In which a plan may be simpler; what makes the runs short comes first. */
const WAYS = ["faults", "feed", "tape", "records", "moments"] as const;
type Way = (typeof WAYS)[number];

/** How far the search for a simpler plan has come. */
interface Look {
  readonly parts: Parts | undefined;
  /** The index of the way that is tried now. */
  readonly way: number;
  /** Whether any way has helped since the first one was tried. */
  readonly helped: boolean;
}
const FIRST_LOOK: Look = { parts: undefined, way: 0, helped: false };

type Change = Partial<Plan> & { readonly parts?: Parts };

class PlanSource {
  readonly #fc: FastCheck;
  readonly #options: PlanOptions;

  constructor(fc: FastCheck, options: PlanOptions) {
    this.#fc = fc;
    this.#options = options;
  }

  generate(random: Random, biasFactor: number | undefined): Value<Plan> {
    const { records, strategy } = this.#options;
    const parts = records.map((arbitrary) => arbitrary.generate(random, biasFactor));
    const plan: Plan = {
      records: parts.map((part) => part.value),
      ...this.#draw(chance(random.nextInt())),
      chanceSeed: random.nextInt(),
      schedule: { strategy, seed: random.nextInt(), tape: null },
    };
    const look: Look = { ...FIRST_LOOK, parts };
    return new this.#fc.Value(plan, look);
  }

  shrink(plan: Plan, context: unknown): ReturnType<Arbitrary<Plan>["shrink"]> {
    return this.#fc.stream(this.#simpler(plan, (context as Look | undefined) ?? FIRST_LOOK));
  }

  /**
   * One way of being simpler after the other, each as long as it helps; and all of them again for
   * as long as one of them did. From the first again after every success would try in vain, over
   * and over, what the success has not changed.
   */
  *#simpler(plan: Plan, { parts, way, helped }: Look): IterableIterator<Value<Plan>> {
    const tape = plan.schedule.tape ?? [];
    const from = { ...plan, schedule: { ...plan.schedule, tape } };
    const like = (at: number, { parts: its = parts, ...change }: Change): Value<Plan> => {
      const look: Look = { parts: its, way: at, helped: true };
      return new this.#fc.Value<Plan>({ ...from, ...change }, look);
    };
    const all = [...WAYS.keys()];
    for (const at of [...all.slice(way), ...(helped ? all : [])]) {
      for (const change of this.#changes(from, tape, parts, WAYS[at])) yield like(at, change);
    }
  }

  *#changes(
    { faults, feedMs, schedule, records }: Plan,
    tape: readonly number[],
    parts: Parts | undefined,
    way: Way | undefined,
  ): IterableIterator<Change> {
    if (way === "faults") {
      // What the tape chose after a fault that is gone was meant for another run.
      const schedules = [schedule, ...(tape.length > 0 ? [{ ...schedule, tape: [] }] : [])];
      for (const fewer of without(faults)) {
        yield* schedules.map((its) => ({ faults: fewer, schedule: its }));
      }
    }
    if (way === "feed" && feedMs > 0) yield { feedMs: 0 };
    if (way === "tape") {
      for (const plainer of plainerTapes(tape)) yield { schedule: { ...schedule, tape: plainer } };
    }
    if (way === "records") yield* this.#fewerRecords(records, parts);
    if (way !== "moments") return;
    for (const [i, fault] of faults.entries()) {
      for (const simpler of simplerFaults(fault)) {
        yield { faults: faults.map((its, at) => (at === i ? simpler : its)) };
      }
    }
  }

  *#fewerRecords(records: Plan["records"], parts: Parts | undefined): IterableIterator<Change> {
    for (const [i, part] of records.entries()) {
      const arbitrary = this.#options.records[i];
      const known = parts?.[i];
      if (arbitrary === undefined) continue;
      if (known === undefined && !arbitrary.canShrinkWithoutContext(part)) continue;
      for (const simpler of arbitrary.shrink(part, known?.context)) {
        const others = parts?.map((its, at) => (at === i ? simpler : its));
        const changed = records.map((its, at) => (at === i ? simpler.value : its));
        yield { records: changed, ...(others === undefined ? {} : { parts: others }) };
      }
    }
  }

  /** A swarm of its own: each run knows only some kinds, and strikes at only some moments. */
  #draw(random: Chance): Pick<Plan, "faults" | "feedMs"> {
    const { faults: kinds, maxFaults, steps } = this.#options;
    const bits = Math.max(5, Math.ceil(Math.log2(steps / FACTS_PART)));
    const some = kinds.filter(() => random(3) > 0);
    const known = some.length === 0 ? kinds : some;
    const count = known.length === 0 ? 0 : random(maxFaults + 1);
    const moments = TRIGGERS.filter(() => random(2) > 0);
    const triggers = moments.length === 0 ? TRIGGERS : moments;
    const of = <T>(all: readonly T[]): T => all[random(all.length)] as T;
    const faults = Array.from({ length: count }, (): Fault => {
      const kind = of(known);
      const on = of(triggers);
      const nth = 1 + (on === "step" ? random(steps) : random(2 ** (1 + random(bits))));
      return { kind, how: of(FAULTS[kind]), on, nth, target: random(32), ms: of(DURATIONS_MS) };
    });
    return { faults, feedMs: of(FEEDS_MS) };
  }
}

/** None, one half, the other half, each but one. */
function* without<T>(all: readonly T[]): IterableIterator<readonly T[]> {
  if (all.length === 0) return;
  yield [];
  if (all.length > 2) {
    const half = all.length >> 1;
    yield all.slice(0, half);
    yield all.slice(half);
  }
  if (all.length > 1) for (const i of all.keys()) yield all.filter((_, at) => at !== i);
}

/** Empty, shorter, with stretches set to zero, and single choices set to one. */
function* plainerTapes(tape: readonly number[]): IterableIterator<readonly number[]> {
  if (tape.length === 0) return;
  yield [];
  for (let cut = tape.length >> 1; cut >= 1; cut >>= 1) yield trimmed(tape.slice(0, -cut));
  for (let size = tape.length >> 1; size >= 1; size >>= 1) yield* zeroed(tape, size);
  for (const [at, choice] of tape.entries()) {
    if (choice > 1) yield [...tape.slice(0, at), 1, ...tape.slice(at + 1)];
  }
}

/** With one stretch of this size after the other set to zero. */
function* zeroed(tape: readonly number[], size: number): IterableIterator<readonly number[]> {
  for (let at = 0; at < tape.length; at += size) {
    const part = tape.slice(at, at + size);
    if (part.every((choice) => choice === 0)) continue;
    yield trimmed([...tape.slice(0, at), ...part.map(() => 0), ...tape.slice(at + size)]);
  }
}

function trimmed(tape: readonly number[]): readonly number[] {
  let end = tape.length;
  while (end > 0 && tape[end - 1] === 0) end--;
  return tape.slice(0, end);
}

function* simplerFaults(fault: Fault): IterableIterator<Fault> {
  const { kind, how, nth, target, ms } = fault;
  const plainest = FAULTS[kind][0];
  if (how !== plainest) yield { ...fault, how: plainest };
  for (const shorter of DURATIONS_MS) if (shorter < ms) yield { ...fault, ms: shorter };
  if (nth > 1) yield { ...fault, nth: 1 };
  for (let less = nth >> 1; less > 1; less >>= 1) yield { ...fault, nth: nth - less };
  if (nth > 2) yield { ...fault, nth: nth - 1 };
  if (target > 0) yield { ...fault, target: 0 };
  if (target > 1) yield { ...fault, target: target - 1 };
}
