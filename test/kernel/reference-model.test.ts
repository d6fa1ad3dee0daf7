/**
 * Proves: whatever processes do to each other, and whoever runs next, the kernel does what a plain
 * model of its promises says, step by step. `RUNS` says how many programs.
 */
import fc from "fast-check";
import { expect, it } from "vitest";
import { Lockstep } from "./lockstep.ts";
import { programs } from "./program.ts";

const RUNS = Number(process.env.RUNS ?? 1_500);

/** What must have happened, and how often at least for each program. */
const ENOUGH: [RegExp, number][] = [
  [/^\d+ exited bad$/gm, 0.35],
  [/^\d+ exited normal$/gm, 0.2],
  [/^\d+ exited shutdown$/gm, 0.2],
  [/^\d+ exited killed$/gm, 1],
  [/^\d+ exited error/gm, 0.4],
  [/^\d+ exited noproc$/gm, 0.02],
  [/^\d+ start failed/gm, 0.4],
  [/^\d+ terminate/gm, 0.4],
  [/^\d+ note/gm, 0.5],
  [/^\d+ timer/gm, 0.15],
  [/^\d+ continue/gm, 0.1],
  [/^\d+ task/gm, 0.02],
  [/^\d+ start failed already_started/gm, 0.05],
  [/^\d+ DOWN/gm, 0.1],
  [/^\d+ DOWN .* noproc$/gm, 0.03],
  [/^\d+ EXIT/gm, 0.15],
  [/^\d+ was watched/gm, 0.5],
  [/^call \d+ reply/gm, 0.3],
  [/^call \d+ exit/gm, 0.3],
  [/^call \d+ noproc/gm, 0.08],
  [/^call \d+ timeout/gm, 0.2],
  [/^call \d+ refused/gm, 0.005],
];

it("the kernel does what the reference model says", { timeout: 3_600_000 }, async () => {
  const seen = ENOUGH.map(() => 0);
  await fc.assert(
    fc.asyncProperty(programs, async (program) => {
      const lockstep = new Lockstep(program);
      await lockstep.run();
      const facts = lockstep.facts.join("\n");
      for (const [i, [what]] of ENOUGH.entries())
        seen[i] = (seen[i] ?? 0) + (facts.match(what)?.length ?? 0);
    }),
    { numRuns: RUNS },
  );
  // A run in which nothing happens proves nothing.
  for (const [i, [what, least]] of ENOUGH.entries()) {
    if (process.env.RUNS !== undefined) console.log(`${what.source}: ${seen[i]}`);
    expect(seen[i], what.source).toBeGreaterThan(least * RUNS);
  }
});
