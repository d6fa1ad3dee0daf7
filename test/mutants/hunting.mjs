/** Why this exists: every mutant must be found from any seed, and nothing where nothing is wrong. */
import { hunted, inTurn } from "./children.mjs";
import { SCENARIOS } from "./scenarios.mjs";

const SEEDS = [1, 2, 3, 4, 5];
const RUNS = 1_000;
const SOON = 100;

/** True when the sources as they are pass, and each mutant is found by a law that may find it. */
export async function hunt(mutants, builds, { tell, say, whole }) {
  const passed = whole ? await unmutated(builds, { tell, say }) : true;
  say(line("mutant", "world", "found in run, by seed", "steps", "law"));
  const rows = await inTurn(mutants, async (mutant) => {
    const row = rowOf(mutant, await answersOf(mutant, builds));
    tell(row, textOf(row));
    return row;
  });
  summarize(rows, say);
  return passed && rows.every(({ good }) => good);
}

/** Of the sources as they are, in every world. */
async function unmutated(builds, { tell, say }) {
  const dist = await builds.build(null);
  say(`The sources as they are, ${RUNS} runs in each world:`);
  const rows = await inTurn(Object.keys(SCENARIOS), async (scenario) => {
    const [answer] = await hunted(dist, scenario, [{ seed: 1, runs: RUNS, again: true }]);
    const { found, error, hung, vacuous, message, ms } = answer;
    const good = answer.runs === RUNS && !found;
    const row = { id: "unmutated", scenario, good, answer };
    tell(
      row,
      `  ${scenario}: ${good ? `passed, ${ms} ms` : (message ?? error ?? vacuous ?? hung)}`,
    );
    return row;
  });
  say("");
  return rows.every(({ good }) => good);
}

async function answersOf(mutant, builds) {
  const dist = await builds.build(mutant);
  const jobs = SEEDS.map((seed) => ({ seed, runs: RUNS, again: true }));
  return hunted(dist, mutant.scenario, jobs);
}

function rowOf({ id, scenario, expected }, answers) {
  const found = answers.filter((answer) => answer.found);
  const laws = [...new Set(found.map(({ invariant }) => invariant))];
  const surprises = laws.filter((law) => !expected.includes(law));
  const replays = found.every(({ replaysSame }) => replaysSame);
  const good = found.length === answers.length && surprises.length === 0 && replays;
  const soon = found.filter(({ run }) => run <= SOON).length;
  return { id, scenario, good, laws, surprises, replays, soon, answers };
}

function textOf({ id, scenario, good, laws, surprises, replays, answers }) {
  const runs = answers.map(({ found, run, hung, error }) => {
    if (found) return String(run);
    return hung ? "hung" : error === undefined ? "-" : "error";
  });
  const steps = answers.map(({ steps, found }) => (found ? steps : "-"));
  const why = [
    surprises.length === 0 ? "" : `UNEXPECTED ${surprises.join(", ")}`,
    replays ? "" : "A TOKEN DOES NOT REPLAY",
    good || surprises.length > 0 || !replays ? "" : "NOT FOUND",
    answers.find(({ error }) => error !== undefined)?.error.split("\n")[0] ?? "",
  ];
  const law = [laws.join(", "), ...why].filter((part) => part !== "").join("  ");
  return line(id, scenario, runs.join(" "), steps.join(" "), law);
}

function line(id, scenario, runs, steps, law) {
  const [a, b, c, d] = [id.padEnd(28), scenario.padEnd(11), runs.padEnd(24), steps.padEnd(20)];
  return `${a}${b}${c}${d}${law}`;
}

function summarize(rows, say) {
  const hunts = rows.flatMap(({ answers }) => answers);
  const found = hunts.filter((answer) => answer.found);
  const soon = found.filter(({ run }) => run <= SOON).length;
  const steps = found.map((answer) => answer.steps).sort((a, b) => a - b);
  const ids = (some) => some.map(({ id }) => id).join(", ") || "none";
  say("");
  say(`${rows.length} mutants, ${SEEDS.length} seeds each, up to ${RUNS} runs:`);
  say(`  ${found.length} of ${hunts.length} hunts found theirs, ${soon} within ${SOON} runs`);
  say(`  median of the shrunk counterexamples: ${steps[steps.length >> 1] ?? 0} steps`);
  say(`  not as expected: ${ids(rows.filter(({ good }) => !good))}`);
}
