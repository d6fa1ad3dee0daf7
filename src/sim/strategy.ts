/**
 * Why this exists: a schedule in which everything is random is all of one kind. So each run first
 * draws how random it is, in each respect: a swarm of different worlds finds more than one.
 */
import { type Chance, chance } from "./chance.ts";
import { type ChoiceKind, fifo, type Strategy } from "./oracle.ts";

export const STRATEGIES = ["swarm", "random", "pct", "fifo"] as const;
export type StrategyName = (typeof STRATEGIES)[number];

/** How often, in 64 choices, chance decides and not the plain order. */
const RATES = [0, 0, 1, 4, 16, 64] as const;

export function strategyOf(name: StrategyName, seed: number): Strategy {
  const random = chance(seed);
  if (name === "fifo") return fifo;
  if (name === "random") return (_kind, bound) => random(bound);
  if (name === "pct") return pct(random);
  return random(4) === 0 ? pct(random) : swarm(random);
}

/** The highest among those that wait goes on; so many times in a run it falls behind all others. */
const FALLS = 4;
/** Steps within which the falls lie. */
const HORIZON = 512;

/**
 * Probabilistic concurrency testing (Burckhardt et al., ASPLOS 2010): a bug that needs few steps in
 * a certain order is found with a probability that can be stated, and starvation is the rule.
 */
function pct(random: Chance): Strategy {
  const ranks = new Map<number, number>();
  const falls = new Set(Array.from({ length: FALLS }, () => random(HORIZON)));
  let lowest = 0;
  let picks = 0;
  const rankOf = (name: number): number => {
    const known = ranks.get(name);
    if (known !== undefined) return known;
    // Time goes on when nobody else can.
    const rank = name === 0 ? Number.NEGATIVE_INFINITY : 1 + random(1_000_000);
    ranks.set(name, rank);
    return rank;
  };
  return (kind, bound, nameAt) => {
    if (kind !== "pick") return 0;
    let best = 0;
    for (let at = 1; at < bound; at++) {
      if (rankOf(nameAt(at)) > rankOf(nameAt(best))) best = at;
    }
    if (falls.has(picks++)) ranks.set(nameAt(best), --lowest);
    return best;
  };
}

function swarm(random: Chance): Strategy {
  const rate = (): number => RATES[random(RATES.length)] ?? 0;
  const rates: Record<ChoiceKind, number> = { pick: rate(), delay: rate(), jitter: rate() };
  return (kind, bound) => (random(64) < rates[kind] ? random(bound) : 0);
}
