/**
 * Why this exists: who checks the checker? Sources that are wrong in known ways must be found out,
 * and by the right law; sources as they are must pass.
 *
 *     npm run mutants                     every mutant on five seeds
 *     npm run mutants -- --matrix         which law finds it alone, and which fault it needs
 *     npm run mutants -- --matrix --part laws     or faults: half of that
 *     npm run mutants -- --units          whether the plain unit tests find it
 *     npm run mutants -- --only a,b       these mutants alone
 *     npm run mutants -- --json           one JSON line for each mutant
 */
import { parseArgs } from "node:util";
import { Builds } from "./builds.mjs";
import { hunt } from "./hunting.mjs";
import { matrix } from "./matrix.mjs";
import { MUTANTS } from "./mutants.mjs";
import { units } from "./units.mjs";

const { values } = parseArgs({
  options: {
    matrix: { type: "boolean", default: false },
    part: { type: "string" },
    units: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    only: { type: "string" },
  },
});

const wanted = values.only?.split(",");
const unknown = wanted?.find((id) => !MUTANTS.some((mutant) => mutant.id === id));
if (unknown !== undefined) {
  throw new Error(`no mutant ${unknown}; known: ${MUTANTS.map(({ id }) => id).join(", ")}`);
}
const mutants = MUTANTS.filter(({ id }) => wanted?.includes(id) ?? true);
const mode = values.matrix ? "matrix" : values.units ? "units" : "hunt";
const tell = (row, text) => console.log(values.json ? JSON.stringify(row) : text);

const good = await { hunt, matrix, units }[mode](
  mutants,
  new Builds(mode, { tested: values.units }),
  {
    tell,
    say: (text) => (values.json ? undefined : console.log(text)),
    part: values.part,
    whole: wanted === undefined,
  },
);
process.exitCode = good ? 0 : 1;
