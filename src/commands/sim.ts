/** Why this exists: `holdfast sim <module>`: the module that `holdfast run` hosts, under simulation. */
import { consumerGroup } from "../../supervisors/consumer-group.ts";
import { needOption, OptionError } from "../kernel/errors.ts";
import { type CheckOptions, MAX_SEED } from "../sim/options.ts";
import { type Arguments, moduleOf, readArguments } from "./arguments.ts";
import { BAD_INPUT, CommandError, FAILED } from "./command-error.ts";
import { type HandlerModule, loadHandlerModule } from "./handler-module.ts";

export const SIM_USAGE = `holdfast sim <module> [options]

  Runs the module's handler in simulated groups of two members, with everything going wrong that
  may, and tells the first promise that is broken. Nothing real is touched. Needs fast-check.

  --runs N                  how many worlds (default 500)
  --seed N                  the same seed is the same worlds (default by chance)
  --replay TOKEN            plays the one run of a token that was printed
  --json                    one JSON object as the last line on stdout

  Every run kept its promises: exit 0. A promise was broken: exit 1. Bad input: exit 2.`;

const OPTIONS = {
  runs: { type: "string" },
  seed: { type: "string" },
  replay: { type: "string" },
  json: { type: "boolean" },
} as const;

const PARTITIONS = 3;

export async function sim(args: string[]): Promise<void> {
  const given = readArguments(args, OPTIONS);
  const module = await loadHandlerModule(moduleOf(given, "sim"));
  const json = given.flag("json");
  // Loaded only here: no other command needs the simulator.
  const { check, replay } = await import("../sim/check.ts");
  const token = given.text("replay");
  try {
    const options = optionsOf(given, module);
    for (const name of token === undefined ? [] : ["runs", "seed"]) {
      const text = given.text(name);
      needOption(text === undefined, `--${name}`, text, "nothing, beside --replay");
    }
    const result = await (token === undefined ? check(options) : replay(token, options));
    if (json) console.log(JSON.stringify(result));
    else console.log(`${result.runs} runs, ${result.steps} steps: every promise was kept`);
  } catch (error) {
    await told(error, json);
  }
}

function optionsOf(given: Arguments, { config, handler }: HandlerModule): CheckOptions {
  const { brokers: _brokers, source: _source, ...group } = config;
  const { groupId = "sim", topics = ["records"] } = group;
  const areNames = Array.isArray(topics) && topics.every((name) => typeof name === "string");
  needOption(areNames, "config.topics", topics, "an array of names");
  needOption(typeof groupId === "string", "config.groupId", groupId, "a name");
  const runs = wholeNumber(given, "runs", 1);
  const seed = wholeNumber(given, "seed", 0);
  return {
    topics: Object.fromEntries(topics.map((name) => [name, { partitions: PARTITIONS }])),
    tree: ({ kafka }) => consumerGroup({ ...group, ...handler, groupId, topics, source: kafka }),
    name: groupId,
    ...(runs === undefined ? {} : { runs }),
    ...(seed === undefined ? {} : { seed }),
  };
}

function wholeNumber(given: Arguments, name: string, min: number): number | undefined {
  const text = given.text(name);
  if (text === undefined) return undefined;
  const value = Number(text);
  const isOne = Number.isInteger(value) && value >= min && value <= MAX_SEED;
  needOption(isOne, `--${name}`, text, `a whole number from ${min} to ${MAX_SEED}`);
  return value;
}

async function told(error: unknown, json: boolean): Promise<void> {
  const { SimulationError } = await import("../sim/report.ts");
  const { MissingPeerError } = await import("../sim/fast-check.ts");
  if (error instanceof MissingPeerError) throw new CommandError(BAD_INPUT, error.message);
  if (error instanceof OptionError) throw new CommandError(BAD_INPUT, error.message);
  if (!(error instanceof SimulationError)) throw error;
  const { invariant, run, seed, storyLines, token } = error;
  console.error(error.message);
  if (json) console.log(JSON.stringify({ invariant, run, seed, storyLines, token }));
  process.exitCode = FAILED;
}
