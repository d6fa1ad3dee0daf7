/**
 * Why this exists: one build is checked in a process of its own, since a mutant may loop for ever,
 * and a module that was loaded once stays loaded.
 *
 *     node hunt.mjs <dist> <scenario> <jobs as JSON>     prints one JSON line for each job
 */
import { libraryOf, SCENARIOS } from "./scenarios.mjs";

const [dist, scenario, text] = process.argv.slice(2);
const lib = await libraryOf(dist);

// A mutant may forget a promise. What matters is whether a law sees what comes of it.
process.on("unhandledRejection", () => {});

for (const job of JSON.parse(text)) {
  process.stdout.write(`${JSON.stringify(await hunt(job))}\n`);
}

/** `laws`: names of the invariants that watch, all if there are none; `faults` likewise. */
async function hunt({ seed, runs, shrinkLimitMs = 30_000, laws, faults, again = false }) {
  const world = SCENARIOS[scenario](lib);
  const options = {
    ...world,
    ...{ seed, runs, shrinkLimitMs, reportDir: false },
    ...(faults === undefined ? {} : { faults }),
    ...(laws === undefined
      ? {}
      : { invariants: lawsOf(world).filter((its) => laws.includes(its.name)) }),
  };
  const began = performance.now();
  try {
    const { steps } = await lib.check(options);
    return { found: false, runs, steps, ms: Math.round(performance.now() - began) };
  } catch (error) {
    return { ...(await told(error, options, again)), ms: Math.round(performance.now() - began) };
  }
}

function lawsOf(world) {
  return world.invariants ?? lib.invariants.all;
}

async function told(error, options, again) {
  if (!(error instanceof lib.SimulationError)) {
    return { found: false, error: String(error?.stack ?? error) };
  }
  const { invariant, run, storyLines: steps, token, message } = error;
  // What was asked for by name and never happened is no law that was broken.
  if (invariant === "VACUOUS") return { found: false, vacuous: message };
  const replaysSame = again ? await replays(token, options, invariant) : null;
  return { found: true, invariant, run, steps, token, replaysSame, message };
}

async function replays(token, options, invariant) {
  try {
    await lib.replay(token, options);
    return false;
  } catch (error) {
    return error instanceof lib.SimulationError && error.invariant === invariant;
  }
}
