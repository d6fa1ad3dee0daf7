/** Why this exists: what a broken law looks like to whoever must mend it. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { formatCause } from "../kernel/exit.ts";
import { elided } from "./elided.ts";
import { type Settings, scriptOf } from "./options.ts";
import { type Plan, strategyFor } from "./plan.ts";
import { type Outcome, runScript } from "./run.ts";
import { SimulatedFailure } from "./simulated-failure.ts";
import { FAULT_LANE, type Line, storyOf, subjectOf, type Traced } from "./story.ts";
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
  /** Of the story that the message tells, from the first record to the broken law. */
  readonly storyLines: number;

  constructor(
    message: string,
    about: Pick<SimulationError, "invariant" | "token" | "seed" | "run" | "storyLines"> & {
      cause?: unknown;
    },
  ) {
    super(message, about.cause === undefined ? undefined : { cause: about.cause });
    this.invariant = about.invariant;
    this.token = about.token;
    this.seed = about.seed;
    this.run = about.run;
    this.storyLines = about.storyLines;
  }
}

export interface Failure {
  readonly settings: Settings;
  readonly plan: Plan;
  readonly outcome: Outcome;
  readonly run: number;
  /** How many simpler plans failed as well, and how long all took; null: played from a token. */
  readonly found: { readonly shrinks: number; readonly realMs: number } | null;
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
  const whole = fromFirstRecord(storyOf(trace, subjectOf(message, trace)));
  const story = elided(whole);
  const invariant = violation?.invariant ?? "";
  const { seed } = settings;
  const token = tokenOf(plan, settings.world, { seed, run });
  const lines = [
    `${invariant}   ${message}`,
    `  found        ${foundAt(failure)}`,
    `  replay       SIM_REPLAY=${token}`,
    `  determinism  ${again.hash === outcome.hash ? `played again, same hash ${again.hash}` : "PLAYED AGAIN, WENT ANOTHER WAY"}`,
    "",
    ...timeline(story),
    "",
    ...thrown(trace),
    ...written(settings, whole, trace),
  ];
  return new SimulationError(lines.join("\n"), {
    ...{ invariant, token, seed, run, cause: violation?.cause ?? firstThrown(trace) },
    storyLines: story.length,
  });
}

function foundAt({ settings, plan, run, found }: Failure): string {
  const count = (number: number, noun: string): string =>
    `${number} ${noun}${number === 1 ? "" : "s"}`;
  const records = plan.records.reduce((sum, its) => sum + its.length, 0);
  const choices = (plan.schedule.tape ?? []).filter((choice) => choice !== 0).length;
  const size = [
    count(records, "record"),
    count(plan.faults.length, "fault"),
    count(choices, "schedule choice"),
  ];
  const at = run === 0 ? "with nothing going wrong" : `in run ${run}`;
  const how =
    found === null
      ? "played from its token"
      : `shrunk ${count(found.shrinks, "time")}, ${Math.round(found.realMs)} ms`;
  return `${at} of seed ${settings.seed} (${how}): ${size.join(", ")}`;
}

/** What the user's own code threw first: often it is the whole story. */
function firstThrown(trace: readonly Traced[]): unknown {
  for (const { fact } of trace) {
    if (fact.type !== "exited" || typeof fact.reason !== "object") continue;
    const error = "error" in fact.reason ? fact.reason.error : undefined;
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
    if (cause !== undefined && !(cause instanceof SimulatedFailure)) return cause;
  }
  return undefined;
}

function thrown(trace: readonly Traced[]): string[] {
  const error = firstThrown(trace);
  if (error === undefined) return [];
  const stack = error instanceof Error ? (error.stack ?? "").split("\n").slice(1, 4) : [];
  return [`  thrown first  ${formatCause(error)}`, ...stack.map((line) => `  ${line}`), ""];
}

/** How a group comes together is the same every time. */
function fromFirstRecord(story: readonly Line[]): readonly Line[] {
  const first = story.findIndex(
    ({ text, lane }) => /^(records|handle)/.test(text) || lane === FAULT_LANE,
  );
  return first < 0 ? story : story.slice(first);
}

function written(settings: Settings, story: readonly Line[], trace: readonly Traced[]): string[] {
  const { reportDir, name, seed } = settings;
  if (reportDir === false) return [];
  const path = join(reportDir, `${name.replaceAll(/[^\w.-]+/g, "-")}-${seed}`);
  try {
    mkdirSync(reportDir, { recursive: true });
    writeFileSync(`${path}.mmd`, sequenceDiagram(story));
    writeFileSync(`${path}.jsonl`, traceText(trace));
  } catch (error) {
    // The report itself must not be lost for want of a folder.
    return [`  nothing was written: ${formatCause(error)}`];
  }
  return [`  diagram ${path}.mmd   whole trace ${path}.jsonl`];
}
