/**
 * Why this exists: a law that finds nothing alone is decoration, and so is a fault that no mutant
 * needs. Both can only be seen by taking the others away.
 */
import { hunted, inTurn } from "./children.mjs";
import { libraryOf, SCENARIOS } from "./scenarios.mjs";

const RUNS = 300;
const SEED = 1;
const QUICK = { seed: SEED, runs: RUNS, shrinkLimitMs: 0 };
/** Why a fault is kept that no mutant needs. */
const KEPT = {
  staleOffsets: "an answer later than any schedule makes it; what it finds, a rebalance found too",
  networkCut:
    "enough for five; a broker's restart is enough for them as well, but strikes every member alike",
  slowConsumer: "enough for one that others find too; a handler in a test is seldom slow by itself",
  producerTimeout:
    "enough for one that a cut and a restart find too; it alone loses one record's answer and no more",
  drift: "a user's leases and time-outs are measured by two clocks; ours depend on no rate",
  mailboxFull:
    "a flood must delay nothing for ever; whether a bound is kept is asked once there is one",
};
/** What the run itself judges, with no law sworn in. */
const EVENTUALLY = "eventually";

export async function matrix(mutants, builds, { tell, say, whole, part }) {
  const lib = await libraryOf(await builds.build(null));
  const { invariants, FAULT_KINDS } = lib;
  const shipped = invariants.all.map(({ name }) => name);
  say(`Found within ${RUNS} runs of seed ${SEED} by each law alone, and not without each fault:\n`);
  const rows = await inTurn(mutants, async (mutant) => {
    const dist = await builds.build(mutant);
    const row = await rowOf(mutant, dist, [...shipped, EVENTUALLY], { lib, part });
    tell(row, textOf(row));
    return row;
  });
  if (!whole) return true;
  const laws = part === "faults" ? [] : [...shipped, EVENTUALLY];
  const kinds = part === "laws" ? [] : FAULT_KINDS;
  summarize(rows, laws, kinds, say);
  const idle = laws.filter((law) => !rows.some(({ killers }) => killers.includes(law)));
  const spare = kinds.filter(
    (kind) => !(kind in KEPT) && !rows.some(({ needs = [] }) => needs.includes(kind)),
  );
  say(`\nLaws that kill nothing: ${idle.join(", ") || "none"}`);
  say(`Faults that nobody needs, without a reason: ${spare.join(", ") || "none"}`);
  return idle.length === 0 && spare.length === 0;
}

async function rowOf({ id, scenario, expected }, dist, shipped, { lib, part }) {
  // A law that a world brings with it is named by the mutants that it is there for.
  const laws = part === "faults" ? [] : [...new Set([...shipped, ...expected])];
  const known = SCENARIOS[scenario](lib).faults ?? lib.FAULT_KINDS;
  const [all, none, ...alone] = await answersOf(dist, scenario, [
    QUICK,
    { ...QUICK, faults: [] },
    ...laws.map((law) => ({ ...QUICK, laws: law === EVENTUALLY ? [] : [law] })),
  ]);
  // With a law alone `eventually` judges too: what only that finds is not the law's.
  const killers = laws.filter((law, i) => alone[i].found && alone[i].invariant === law);
  const asked = part !== "laws" && all.found && !none.found;
  const needs = asked ? await needed(dist, scenario, known, all.run) : {};
  const faults = none.found ? "none" : all.found ? "some" : "unknown";
  return { id, scenario, foundIn: all.found ? all.run : null, faults, killers, ...needs };
}

/** A child that fell has said nothing of any law: that must not look like a mutant that survives. */
async function answersOf(dist, scenario, jobs) {
  const answers = await hunted(dist, scenario, jobs);
  const fallen = answers.find(({ error }) => error !== undefined);
  if (fallen !== undefined) throw new Error(`${dist} in ${scenario}: ${fallen.error}`);
  return answers;
}

/** Which fault must not be missing, and which is enough: what is found late is looked for longer. */
async function needed(dist, scenario, kinds, foundIn) {
  const long = { ...QUICK, runs: Math.max(RUNS, 8 * foundIn) };
  const answers = await answersOf(dist, scenario, [
    ...kinds.map((kind) => ({ ...long, faults: kinds.filter((other) => other !== kind) })),
    ...kinds.map((kind) => ({ ...QUICK, faults: [kind] })),
  ]);
  const without = answers.slice(0, kinds.length);
  const only = answers.slice(kinds.length);
  return {
    needs: kinds.filter((_, i) => !without[i].found),
    suffices: kinds.filter((_, i) => only[i].found),
  };
}

function textOf({ id, foundIn, faults, killers, needs = [], suffices = [] }) {
  const list = (names) => (names.length === 0 ? "-" : names.join(" "));
  const how = faults === "none" ? "no fault" : `needs ${list(needs)}; enough ${list(suffices)}`;
  return `${id.padEnd(28)}run ${String(foundIn ?? "-").padEnd(5)}${list(killers)}  |  ${how}`;
}

function summarize(rows, laws, kinds, say) {
  const ids = (chosen) => chosen.map(({ id }) => id).join(", ") || "NOTHING";
  say("\nThe only killer of:");
  for (const law of laws) {
    const killed = rows.filter(({ killers }) => killers.includes(law));
    const only = killed.filter(({ killers }) => killers.length === 1);
    say(`  ${law.padEnd(20)}kills ${String(killed.length).padEnd(4)}alone ${ids(only)}`);
  }
  say("\nNot found without:");
  for (const kind of kinds) {
    const needing = rows.filter(({ needs = [] }) => needs.includes(kind));
    const enough = rows.filter(({ suffices = [] }) => suffices.includes(kind));
    const needed = needing.length === 0 && KEPT[kind] ? `none: ${KEPT[kind]}` : ids(needing);
    say(`  ${kind.padEnd(20)}enough for ${String(enough.length).padEnd(4)}needed for ${needed}`);
  }
}
