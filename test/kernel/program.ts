/**
 * Why this exists: programs nobody thought of, as data: what the application does, what each handler
 * does, and whose turn it is. The kernel and the reference model both run them.
 */
import fc from "fast-check";

export type Reason = "normal" | "shutdown" | "bad" | "kill";

/** What a handler does. `to` is for `chosen`, `nth` counts what there is of its kind. */
export type Action =
  | { do: "note" | "link" | "unlink" | "monitor"; to: number }
  | { do: "demonitor" | "cancel"; nth: number }
  | { do: "call"; to: number; within: number; body: Body }
  | { do: "spawn"; link: boolean; birth: Birth }
  | { do: "exit"; to: number; reason: Reason }
  | { do: "stop"; reason: Reason }
  | { do: "trap"; on: boolean }
  | { do: "after"; ms: number }
  | { do: "continue" | "crash" | "await" | "task" };

/** A call's handler. `early` defers, and settles that before the handler returns. */
export interface Body {
  script: Action[];
  answer: "value" | "defer" | "early";
}

export interface Birth {
  name: (typeof NAMES)[number] | null;
  trap: boolean;
  init: "ok" | "slow" | "throw" | "stop" | "ignore";
  /** What its `terminate` does, if it has one. */
  end: "none" | "quick" | "slow" | "throw";
}

/** What the application, the clock and the scheduler do. */
export type Step =
  | { do: "turn"; nth: number }
  | { do: "run"; who: number; script: Action[] }
  | { do: "signal"; who: number; reason: Reason }
  | { do: "watch"; who: number }
  | { do: "spawn"; birth: Birth }
  /** A promise that a handler awaits, or a reply that it deferred, is settled; it may be too late. */
  | { do: "open" | "settle"; nth: number; ok: boolean }
  | { do: "pass"; ms: number };

export interface Program {
  births: Birth[];
  steps: Step[];
}

export const NAMES = ["a", "b"] as const;
export const MEMBERS_MAX = 10;

/** One of the living, mostly: programs are to go on. */
export function chosen<T>(index: number, all: readonly T[], isAlive: (one: T) => boolean): T {
  const living = index < 8 ? all.filter(isAlive) : [];
  const from = living.length > 0 ? living : all;
  return from[index % from.length] as T;
}

const delay = fc.constantFrom(0, 10, 20, 30, 50);
const at = fc.nat({ max: 9 });
const ok = fc.integer({ min: 0, max: 3 }).map((n) => n > 0);
const reason = fc.constantFrom<Reason>("normal", "shutdown", "bad", "kill");
const is = <T extends string | null>(...names: T[]) => fc.constantFrom(...names);
const likely = (weight: number, arbitrary: fc.Arbitrary<Action>) => ({ weight, arbitrary });

const OK = ["ok", "ok", "ok", "ok", "ok", "ok", "ok"] as const;
const birth: fc.Arbitrary<Birth> = fc.record({
  name: is(null, null, null, null, ...NAMES),
  trap: fc.boolean(),
  init: is(...OK, ...OK, "slow", "throw", "stop", "ignore"),
  end: is("none", "none", "quick", "slow", "slow", "throw"),
});

const plain = (): fc.WeightedArbitrary<Action>[] => [
  likely(12, fc.record({ do: is("note", "note", "link", "unlink", "monitor", "monitor"), to: at })),
  likely(2, fc.record({ do: is("demonitor", "cancel"), nth: at })),
  likely(2, fc.record({ do: fc.constant("spawn"), link: fc.boolean(), birth })),
  likely(2, fc.record({ do: fc.constant("exit"), to: at, reason })),
  likely(2, fc.record({ do: fc.constant("stop"), reason })),
  likely(1, fc.record({ do: fc.constant("trap"), on: fc.boolean() })),
  likely(2, fc.record({ do: fc.constant("after"), ms: delay })),
  likely(5, fc.record({ do: is("continue", "crash", "await", "await", "task", "task") })),
];

const body: fc.Arbitrary<Body> = fc.record({
  script: fc.array(fc.oneof(...plain()), { maxLength: 2 }),
  answer: is("value", "value", "defer", "defer", "early"),
});
const call: fc.Arbitrary<Action> = fc.record({
  do: fc.constant("call"),
  to: at,
  within: fc.constantFrom(20, 50, 50, Number.POSITIVE_INFINITY),
  body,
});
const script = fc.array(fc.oneof(...plain(), likely(6, call)), { minLength: 1, maxLength: 4 });

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 12, arbitrary: fc.record({ do: fc.constant("turn"), nth: at }) },
  { weight: 8, arbitrary: fc.record({ do: fc.constant("run"), who: at, script }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("signal"), who: at, reason }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("watch"), who: at }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("spawn"), birth }) },
  { weight: 4, arbitrary: fc.record({ do: is("open", "settle"), nth: at, ok }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("pass"), ms: delay }) },
) as fc.Arbitrary<Step>;

export const programs: fc.Arbitrary<Program> = fc.record({
  births: fc.array(birth, { minLength: 3, maxLength: 4 }),
  steps: fc.array(step, { minLength: 1, maxLength: 60, size: "max" }),
});
