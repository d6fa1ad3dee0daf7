/**
 * Why this exists: the kernel's promises under programs nobody thought of. Whatever comes of them,
 * the plain invariants below hold.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type ExitReason, isOrderly } from "../../src/kernel/exit.ts";
import { asProcess } from "../../src/kernel/process.ts";
import type { Ref } from "../../src/kernel/ref.ts";
import { chance } from "../../src/sim/chance.ts";
import { member, quickHost, run, type Step, steps, World } from "./random-world.ts";

function checkCalls({ calls }: World): void {
  for (const { settled, how } of calls) {
    expect(settled, "a call settles exactly once").toBe(1);
    expect(["reply", "exit", "noproc", "timeout"]).toContain(how);
  }
}

function checkMonitors({ monitors, reasons }: World): void {
  for (const [{ ref }, { watcher, given, downs, reason }] of monitors) {
    const due = given && !ref.alive ? 1 : 0;
    if (watcher.alive) expect(downs, "exactly one DOWN, none after demonitor").toBe(due);
    else expect(downs).toBeLessThanOrEqual(due);
    if (downs === 1 && reason !== "noproc") expect(reason).toEqual(reasons.get(ref));
  }
}

function checkProcesses({ refs, exits, kernel }: World): void {
  for (const ref of refs) {
    expect(exits.get(ref) ?? 0, "a process ends once, or lives").toBe(ref.alive ? 0 : 1);
    if (ref.alive) checkRelations(ref);
  }
  const living = [...kernel.processes()].map(({ id }) => id);
  expect(living).toEqual(refs.filter(({ alive }) => alive).map(({ id }) => id));
}

function checkRelations(ref: Ref): void {
  const process = asProcess(ref);
  for (const other of process.relations?.links ?? []) {
    expect(other.alive, "no link to the dead").toBe(true);
    expect(other.relations?.links.has(process), "a link has two sides").toBe(true);
  }
  for (const { watcher } of process.relations?.watchers ?? []) {
    expect(watcher?.alive, "no watch by the dead").toBe(true);
  }
}

function checkOrder({ notes, afterDeath }: World): void {
  for (const got of notes.values()) {
    const inOrder = got.every((count, i) => i === 0 || count > (got[i - 1] ?? 0));
    expect(inOrder, "order per pair, each once").toBe(true);
  }
  expect(afterDeath, "the dead handle nothing").toEqual([]);
}

describe("random programs", () => {
  it("keep every promise, whoever runs next", { timeout: 60_000 }, async () => {
    let deaths = 0;
    let calls = 0;
    await fc.assert(
      fc.asyncProperty(steps, fc.integer(), async (program, seed) => {
        const world = await run(program, seed);
        deaths += world.reasons.size;
        calls += world.calls.length;
        for (const check of [checkCalls, checkMonitors, checkProcesses, checkOrder]) check(world);
      }),
      { numRuns: 5_000 },
    );
    // A run in which nothing happens proves nothing.
    expect(deaths).toBeGreaterThan(2_500);
    expect(calls).toBeGreaterThan(2_500);
  });

  it("leave no survivor of a linked abnormal exit that does not trap", async () => {
    const shape = fc.record({
      size: fc.integer({ min: 2, max: 8 }),
      links: fc.array(fc.tuple(fc.nat({ max: 7 }), fc.nat({ max: 7 })), { maxLength: 14 }),
      trapping: fc.uniqueArray(fc.nat({ max: 7 }), { maxLength: 3 }),
      victim: fc.nat({ max: 7 }),
      reason: fc.constantFrom<"kill" | "bad" | "shutdown">("kill", "bad", "shutdown"),
    });
    await fc.assert(
      fc.asyncProperty(shape, fc.integer(), async (graph, seed) => {
        const program: Step[] = graph.links.map(([who, to]) => ({
          do: "link",
          who: who % graph.size,
          to: to % graph.size,
        }));
        const { world, victim } = await fall(graph, program, seed);
        for (const [i, ref] of world.refs.entries()) {
          const reached = closure(graph).has(i);
          expect(ref.alive).toBe(!reached);
          if (reached && i !== victim) {
            const expected = graph.reason === "kill" ? "killed" : graph.reason;
            expect(world.reasons.get(ref)).toBe(expected);
            expect(isOrderly(expected)).toBe(graph.reason === "shutdown");
          }
        }
      }),
      { numRuns: 1_000 },
    );
  });
});

interface Graph {
  size: number;
  links: [number, number][];
  trapping: number[];
  victim: number;
  reason: ExitReason;
}

async function fall(graph: Graph, program: Step[], seed: number) {
  const { host, wakes } = quickHost(chance(seed));
  const world = new World(host);
  const rest = async (): Promise<void> => {
    for (; wakes.length > 0; await undefined) wakes.shift()?.();
  };
  for (let i = 0; i < graph.size; i++) {
    const args = [world, graph.trapping.includes(i)] as never;
    world.refs.push(world.kernel.spawn(member as never, args, null, {}) as Ref as never);
  }
  for (const step of program) world.ref(step.who).cast("run", step);
  await rest();
  const victim = graph.victim % graph.size;
  const { kernel } = world;
  // From the application, and so to be obeyed by those that trap as well.
  kernel.exit(asProcess(world.ref(victim)), graph.reason, null);
  await rest();
  return { world, victim };
}

/** Who falls with the victim, by plain search: links both ways, and who traps stands. */
function closure({ size, links, trapping, victim }: Graph): Set<number> {
  const fallen = new Set([victim % size]);
  const all = links.map(([a, b]) => [a % size, b % size] as const);
  for (let before = 0; before < fallen.size; ) {
    before = fallen.size;
    for (const [a, b] of all) {
      if (fallen.has(a) && !trapping.includes(b)) fallen.add(b);
      if (fallen.has(b) && !trapping.includes(a)) fallen.add(a);
    }
  }
  return fallen;
}
