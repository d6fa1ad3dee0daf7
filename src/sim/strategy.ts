/**
 * Why this exists: a schedule in which everything is random is all of one kind. So each run first
 * draws how random it is, in each respect: a swarm of different worlds finds more than one.
 */
import { type Chance, chance } from "./chance.ts";
import { type ChoiceKind, fifo, type Strategy } from "./oracle.ts";

export const STRATEGIES = ["swarm", "random", "fifo"] as const;
export type StrategyName = (typeof STRATEGIES)[number];

/** How often, in 64 choices, chance decides and not the plain order. */
const RATES = [0, 0, 1, 4, 16, 64] as const;

export function strategyOf(name: StrategyName, seed: number): Strategy {
  const random = chance(seed);
  if (name === "fifo") return fifo;
  if (name === "random") return (_kind, bound) => random(bound);
  return swarm(random);
}

function swarm(random: Chance): Strategy {
  const rate = (): number => RATES[random(RATES.length)] ?? 0;
  const rates: Record<ChoiceKind, number> = { pick: rate(), delay: rate(), jitter: rate() };
  return (kind, bound) => (random(64) < rates[kind] ? random(bound) : 0);
}
