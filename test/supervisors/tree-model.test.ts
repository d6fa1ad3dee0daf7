/**
 * Proves: whatever befalls a tree of supervisors, who is started, stopped and started again, in which
 * order, when and why, is what a plain model says; and nobody is left behind. `RUNS`: how many trees.
 */
import fc from "fast-check";
import { expect, it } from "vitest";
import { fates } from "./random-tree.ts";
import { TreeLockstep } from "./tree-lockstep.ts";

const RUNS = Number(process.env.RUNS ?? 3_000);

/** What must have happened, and how often at least for each tree. */
const ENOUGH: [RegExp, number][] = [
  [/ up$/gm, 5],
  [/ down error$/gm, 0.3],
  [/ down killed$/gm, 0.5],
  [/ down normal$/gm, 0.1],
  [/ down shutdown$/gm, 1],
  [/ down bad$/gm, 0.1],
  [/^[1-9]\d* s\d up$/gm, 0.1],
  [/^[1-9]\d* s\d down/gm, 0.5],
];

it("supervisors do what their model says", { timeout: 3_600_000 }, async () => {
  const seen = ENOUGH.map(() => 0);
  const gaveUp = { escalations: 0, autoShutdowns: 0 };
  await fc.assert(
    fc.asyncProperty(fates(false), async (fate) => {
      const lockstep = new TreeLockstep(fate);
      await lockstep.run();
      const { sups, escalations, autoShutdowns } = lockstep.model;
      gaveUp.escalations += escalations;
      gaveUp.autoShutdowns += autoShutdowns;
      const diaries = sups.flatMap(({ diary }) => diary).join("\n");
      for (const [i, [what]] of ENOUGH.entries())
        seen[i] = (seen[i] ?? 0) + (diaries.match(what)?.length ?? 0);
    }),
    { numRuns: RUNS },
  );
  // A run in which nothing happens proves nothing.
  for (const [i, [what, least]] of ENOUGH.entries()) {
    if (process.env.RUNS !== undefined) console.log(`${what.source}: ${seen[i]}`);
    expect(seen[i], what.source).toBeGreaterThan(least * RUNS);
  }
  if (process.env.RUNS !== undefined) console.log(JSON.stringify(gaveUp));
  expect(gaveUp.escalations).toBeGreaterThan(0.2 * RUNS);
  expect(gaveUp.autoShutdowns).toBeGreaterThan(0.05 * RUNS);
});
