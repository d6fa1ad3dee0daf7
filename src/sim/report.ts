/** Why this exists: what a broken law looks like to whoever must mend it. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Settings, scriptOf } from "./options.ts";
import { type Plan, strategyFor } from "./plan.ts";
import { type Outcome, runScript } from "./run.ts";
import { type Line, partitionIn, storyOf, type Traced } from "./story.ts";
import { sequenceDiagram, timeline } from "./timeline.ts";
import { tokenOf } from "./token.ts";
import { traceText } from "./trace.ts";

/** What a check rejects with; the message is the whole report. */
export class SimulationError extends Error {
  override readonly name = "SimulationError";
  /** The broken law's name; `"VACUOUS"` where nothing was tested. */
  readonly invariant: string;
  /** For `replay`, and for the environment's `SIM_REPLAY`. */
  readonly token: string;
  readonly seed: number;
  /** In which run it was found, counted from 1; 0: with nothing going wrong at all. */
  readonly run: number;
  /** Lines of the story, from the first record to the broken law. */
  readonly steps: number;

  constructor(
    message: string,
    about: Pick<SimulationError, "invariant" | "token" | "seed" | "run" | "steps">,
  ) {
    super(message);
    this.invariant = about.invariant;
    this.token = about.token;
    this.seed = about.seed;
    this.run = about.run;
    this.steps = about.steps;
  }
}

export interface Failure {
  readonly settings: Settings;
  readonly plan: Plan;
  readonly outcome: Outcome;
  readonly run: number;
  /** How many simpler plans failed as well. */
  readonly shrinks: number;
  readonly realMs: number;
}

/** Plays the plan once more, this time taking everything down, and tells the story. */
export async function report(failure: Failure): Promise<SimulationError> {
  const { settings, plan, outcome, run } = failure;
  const trace: Traced[] = [];
  const script = { ...scriptOf(settings, plan), strategy: strategyFor(plan.schedule) };
  const again = await runScript(script, settings.run, (fact, member) => {
    trace.push({ fact, member });
  });
  const { violation } = outcome;
  const message = violation?.message ?? "";
  const story = fromFirstRecord(storyOf(trace, partitionIn(message)));
  const invariant = violation?.invariant ?? "";
  const { seed } = settings;
  const token = tokenOf(plan, settings.world);
  const lines = [
    `${invariant}   ${message}`,
    `  found        ${found(failure)}`,
    `  replay       SIM_REPLAY=${token}`,
    `  determinism  ${again.hash === outcome.hash ? `played again, same hash ${again.hash}` : "PLAYED AGAIN, WENT ANOTHER WAY"}`,
    "",
    ...timeline(story),
    "",
    ...written(settings, story, trace),
  ];
  return new SimulationError(lines.join("\n"), {
    ...{ invariant, token, seed, run },
    steps: story.length,
  });
}

function found({ settings, plan, run, shrinks, realMs }: Failure): string {
  const count = (number: number, noun: string): string =>
    `${number} ${noun}${number === 1 ? "" : "s"}`;
  const records = plan.records.reduce((sum, its) => sum + its.length, 0);
  const choices = (plan.schedule.tape ?? []).filter((choice) => choice !== 0).length;
  const size = [
    count(records, "record"),
    count(plan.faults.length, "fault"),
    count(choices, "schedule choice"),
  ];
  const at = run === 0 ? "with nothing going wrong" : `in run ${run} of ${settings.runs}`;
  const how = `seed ${settings.seed}, shrunk ${count(shrinks, "time")}, ${Math.round(realMs)} ms`;
  return `${at} (${how}): ${size.join(", ")}`;
}

/** How a group comes together is the same every time. */
function fromFirstRecord(story: readonly Line[]): readonly Line[] {
  const first = story.findIndex(
    ({ text, lane }) => /^(records|handle)/.test(text) || lane === "fault",
  );
  return first < 0 ? story : story.slice(first);
}

function written(settings: Settings, story: readonly Line[], trace: readonly Traced[]): string[] {
  const { reportDir, name, seed } = settings;
  if (reportDir === false) return [];
  const path = join(reportDir, `${name.replaceAll(/[^\w.-]+/g, "-")}-${seed}`);
  mkdirSync(reportDir, { recursive: true });
  writeFileSync(`${path}.mmd`, sequenceDiagram(story));
  writeFileSync(`${path}.jsonl`, traceText(trace));
  return [`  diagram ${path}.mmd   whole trace ${path}.jsonl`];
}
