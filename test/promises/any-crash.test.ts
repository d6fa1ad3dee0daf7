/**
 * Promises 1 to 3 as a property: whichever processes crash, at whichever steps of whichever
 * schedule, nothing is lost, no commit goes back or past an unacked record, and a crash of workers
 * alone has no acked record handled again.
 */
import fc from "fast-check";
import { supervisor } from "holdfast";
import { expect, it } from "vitest";
import { type GroupWorld, groupWorld, type Member } from "../support/group-world.ts";

const PARTITIONS = 2;
const RECORDS = 12;

const plan = fc.record({
  /** Chooses among the ready processes at every step. */
  seed: fc.nat(2 ** 31 - 1),
  crashes: fc.array(
    fc.record({
      step: fc.integer({ min: 1, max: 150 }),
      target: fc.nat(30),
      workers: fc.boolean(),
    }),
    { maxLength: 5 },
  ),
  /** Records that fail the first time. */
  bad: fc.array(fc.record({ partition: fc.nat(PARTITIONS - 1), offset: fc.nat(RECORDS - 1) }), {
    maxLength: 3,
  }),
  handlerMs: fc.constantFrom(0, 1, 7),
});
type Plan = typeof plan extends fc.Arbitrary<infer P> ? P : never;

it("keeps promises 1 to 3 in 1,000 random plans of crashes of any process at any step", async () => {
  let struck = 0;
  await fc.assert(
    fc.asyncProperty(plan, async (given) => {
      const { world, kills, member } = await play(given);
      struck += kills.length;
      expect(world.verdict()).toEqual({ lost: [], regressions: [], pastUndone: [] });
      if (kills.every((label) => label.includes("/"))) {
        const again = world.started.length - PARTITIONS * RECORDS;
        expect(again).toBeLessThanOrEqual(kills.length + given.bad.length);
        expect(member.events.filter(({ type }) => type === "joined")).toHaveLength(1);
      }
    }),
    { numRuns: 1_000, seed: 42 },
  );
  // A property whose crashes never strike proves nothing.
  expect(struck).toBeGreaterThan(1_000);
}, 120_000);

async function play(given: Plan): Promise<{ world: GroupWorld; kills: string[]; member: Member }> {
  const crashes = [...given.crashes].sort((a, b) => a.step - b.step);
  const kills: string[] = [];
  const failed = new Set<string>();
  let steps = 0;
  let member: Member | null = null;
  const random = generator(given.seed);
  const world = groupWorld({
    partitions: PARTITIONS,
    records: RECORDS,
    seed: given.seed,
    pick: (ready) => {
      steps++;
      while (member !== null && (crashes[0]?.step ?? Number.POSITIVE_INFINITY) <= steps) {
        const label = strike(member, crashes.shift());
        if (label !== null) kills.push(label);
      }
      return random(ready);
    },
  });
  member = await world.join(
    "billing",
    {
      settleGraceMs: 100,
      eachMessage: async ({ partition, message }) => {
        if (given.handlerMs > 0) await world.sleep(given.handlerMs);
        const key = `${partition}/${message.offset}`;
        const bad = given.bad.some((it) => `${it.partition}/${it.offset}` === key);
        if (!bad || failed.has(key)) return;
        failed.add(key);
        throw new Error("once");
      },
    },
    supervisor,
  );
  await world.time.until(() => world.caughtUp() && crashes.every(({ step }) => step > steps));
  await member.stop();
  return { world, kills, member };
}

/** Anything below the test's own supervisor may be struck. */
function strike(member: Member, crash: Plan["crashes"][number] | undefined): string | null {
  const all = member.system.processes().slice(2);
  const targets = crash?.workers === true ? all.filter(({ label }) => label.includes("/")) : all;
  const target = targets[(crash?.target ?? 0) % Math.max(1, targets.length)];
  if (target === undefined) return null;
  member.system.exit(target, "kill");
  return target.label;
}

function generator(seed: number): (bound: number) => number {
  let state = seed >>> 0 || 1;
  return (bound) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % bound;
  };
}
