/** Why this exists: what a broken law looks like to whoever must mend it. */
import type { Settings } from "./options.ts";
import type { Plan } from "./plan.ts";
import type { Outcome } from "./run.ts";
import { tokenOf } from "./token.ts";

/** What a check rejects with; the message is the whole report. */
export class SimulationError extends Error {
  override readonly name = "SimulationError";
  /** The broken law's name; `"VACUOUS"` where nothing was tested. */
  readonly invariant: string;
  /** For `replay`, and for the environment's `SIM_REPLAY`. */
  readonly token: string;
  readonly seed: number;

  constructor(message: string, about: { invariant: string; token: string; seed: number }) {
    super(message);
    this.invariant = about.invariant;
    this.token = about.token;
    this.seed = about.seed;
  }
}

export interface Report {
  readonly settings: Settings;
  readonly plan: Plan;
  readonly outcome: Outcome;
  /** Which run found it, counted from 1; 0: the plain one. */
  readonly run: number;
  readonly shrinks: number;
  readonly realMs: number;
}

export async function report({ settings, plan, outcome, run }: Report): Promise<SimulationError> {
  const { violation } = outcome;
  const invariant = violation?.invariant ?? "";
  const token = tokenOf(plan, settings.world);
  const text = `${invariant}: ${violation?.message}\n run ${run} seed ${settings.seed}\n${JSON.stringify(plan.faults)} ${plan.records.map((r) => r.length)} tape ${plan.schedule.tape?.length}\n${token}`;
  return new SimulationError(text, { invariant, token, seed: settings.seed });
}
