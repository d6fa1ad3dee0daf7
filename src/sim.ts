/** Entry `holdfast/sim`: a whole deployment under one clock, and faults that strike it. */

export { type CheckResult, check, replay } from "./sim/check.ts";
export { type ExploreOptions, type ExploreResult, explore } from "./sim/explore.ts";
export type { Fact, FactOf, FactType } from "./sim/facts.ts";
export { FAULT_KINDS, FAULTS, type Fault, type FaultKind, type Trigger } from "./sim/fault.ts";
export {
  createWorld,
  type HandWorld,
  type HandWorldOptions,
  type Strike,
} from "./sim/hand-world.ts";
export type { Court, Invariant, Watch } from "./sim/invariants/invariant.ts";
export { invariants, type WorldView } from "./sim/invariants/invariants.ts";
export { reached, sometimes } from "./sim/marks.ts";
export { arbitraries, type CheckOptions, type CheckTopic } from "./sim/options.ts";
export type { ChoiceKind } from "./sim/oracle.ts";
export { SimulationError } from "./sim/report.ts";
export type { Situation } from "./sim/run.ts";
export type { Topic, Topics, Tree, TreeWorld, WorldKafka } from "./sim/setup.ts";
export type { StrategyName } from "./sim/strategy.ts";
export { Violation } from "./sim/violation.ts";
