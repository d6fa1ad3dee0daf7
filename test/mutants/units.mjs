/** Why this exists: the honest comparison: which mutants do the plain unit tests find? */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { ROOT } from "./builds.mjs";

const LIMIT_MS = 180_000;
const TESTS = [
  ...["test/actors", "test/supervisors", "test/kernel", "test/drivers"],
  ...["commits", "restarts", "losses"].map((name) => `test/promises/${name}.test.ts`),
];
/** What a compiler says of a mutant is not what a test says. */
const FLAGS = ["--project", "node", "--bail", "1", "--typecheck.enabled=false", "--maxWorkers=2"];

/** True when the tests pass where nothing is wrong. */
export async function units(mutants, builds, { tell, say }) {
  const clean = await builds.with(null, tested);
  say(`the sources as they are: ${clean ? "passed" : "FAILED"}`);
  const survivors = [];
  for (const mutant of mutants) {
    const survived = await builds.with(mutant, tested);
    if (survived) survivors.push(mutant.id);
    const how = survived ? "survived" : "killed";
    tell({ id: mutant.id, how }, `${mutant.id.padEnd(28)}${how}`);
  }
  say(`\nkilled ${mutants.length - survivors.length} of ${mutants.length}`);
  say(`survived: ${survivors.join(", ") || "none"}`);
  return clean;
}

/** Whether the tests pass; a mutant on which they never end does not. */
function tested(cwd) {
  const vitest = join(ROOT, "node_modules/.bin/vitest");
  // In a group of its own, so that its workers end with it.
  const child = spawn(vitest, ["run", ...FLAGS, ...TESTS], {
    cwd,
    stdio: "ignore",
    detached: true,
  });
  const limit = setTimeout(() => process.kill(-child.pid, "SIGKILL"), LIMIT_MS);
  return new Promise((resolve) => {
    child.on("close", (code) => {
      clearTimeout(limit);
      resolve(code === 0);
    });
  });
}
