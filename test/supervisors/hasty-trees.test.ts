/**
 * Proves: whatever befalls a tree while it is still starting, stopping or restarting, and whoever runs
 * next, it comes to rest: nothing is stuck, nobody is left behind, and every question is answered.
 * Which child lives then is for chance to say; `tree-model.test.ts` says it where it is certain.
 */
import fc from "fast-check";
import { expect, it } from "vitest";
import type { Ref } from "../../src/kernel/ref.ts";
import { chance } from "../../src/sim/chance.ts";
import { createSystem } from "../../supervisors/system.ts";
import { virtualHost } from "../support/virtual-host.ts";
import type { Supervisor } from "./harness.ts";
import { type Act, type Fate, fates } from "./random-tree.ts";
import { specOf } from "./tree-lockstep.ts";

const RUNS = Number(process.env.RUNS ?? 2_000);
/** Longer than all stops of a tree one after the other. */
const REST_MS = 20_000;

async function befall({ root, acts, end }: Fate, seed: number) {
  const choose = chance(seed);
  const virtual = virtualHost({ pick: choose });
  const system = createSystem({ host: virtual.host, logger: false });
  const parents = new Map<number, number | null>();
  const asked: { settled: boolean }[] = [];
  const restarts = new Map<number, number[]>();
  system.observe((event) => {
    if (event.type === "spawned") parents.set(event.pid, event.parent);
    if (event.type !== "restarting") return;
    const times = restarts.get(event.pid) ?? [];
    restarts.set(event.pid, [...times, event.at]);
    const recent = times.filter((at) => event.at - at < (event.periodMs ?? 0));
    expect(recent.length, "no restart above the intensity").toBeLessThan(event.allowed);
  });
  system.start(specOf(root, new Map())).catch(() => {});
  const below = (ref: Ref) => system.processes().filter(({ id }) => parents.get(id) === ref.id);
  const sups = () => system.processes().filter(({ label }) => /^(root|s\d)/.test(label));
  const ask = (promise: Promise<unknown>): void => {
    const one = { settled: false };
    asked.push(one);
    const settle = (): void => {
      one.settled = true;
    };
    promise.then(settle, ({ code }) => code !== "timeout" && settle());
  };
  for (const act of acts) {
    await virtual.advance(choose(4) === 0 ? choose(120) : 0);
    hurt(system.exit, act, sups(), below, ask);
  }
  await virtual.advance(REST_MS);
  expect(asked.filter(({ settled }) => !settled)).toEqual([]);
  const living = sups();
  let children = 0;
  for (const sup of living as Supervisor[]) {
    const answer = sup.call("whichChildren");
    await virtual.advance(0);
    const found = await answer;
    for (const { ref, status } of found) {
      expect(["running", "stopped"]).toContain(status);
      expect(ref?.alive ?? false).toBe(status === "running");
    }
    const running = found.filter(({ ref }) => ref !== null).map(({ ref }) => ref?.id);
    expect(below(sup).map(({ id }) => id)).toEqual(
      [...running].sort((a, b) => Number(a) - Number(b)),
    );
    children += running.length;
  }
  expect(system.processes()).toHaveLength(living.length === 0 ? 1 : children + 2);
  if (end === "kill" && living[0] !== undefined) system.exit(living[0], "kill");
  void system.stop();
  await virtual.advance(REST_MS);
  expect(system.processes()).toEqual([]);
  return { children, restarts: [...restarts.values()].flat().length };
}

function hurt(
  exit: (ref: Ref, reason: string) => void,
  act: Act,
  sups: Ref[],
  below: (ref: Ref) => Ref[],
  ask: (promise: Promise<unknown>) => void,
): void {
  const sup =
    act.do === "pass" ? undefined : (sups[act.sup % sups.length] as Supervisor | undefined);
  if (act.do === "pass" || sup === undefined) return;
  const children = below(sup);
  if (act.do === "startChild")
    ask(sup.call("startChild", specOf({ ...act.plan, significant: false }, new Map())));
  if (act.do === "startChild" || children.length === 0) return;
  const childAt = (index: number) => children[index % children.length] as Ref;
  if (act.do === "kill") for (const who of act.whom) exit(childAt(who), "kill");
  else if (act.do.endsWith("Child")) {
    const name = act.do as "terminateChild" | "restartChild" | "deleteChild";
    ask(sup.call(name, childAt(act.who).label));
  } else exit(childAt(act.who), act.do);
}

it("a tree comes to rest, whatever befalls it meanwhile", { timeout: 3_600_000 }, async () => {
  const seen = { children: 0, restarts: 0 };
  await fc.assert(
    fc.asyncProperty(fates(true), fc.integer(), async (fate, seed) => {
      const { children, restarts } = await befall(fate, seed);
      seen.children += children;
      seen.restarts += restarts;
    }),
    { numRuns: RUNS },
  );
  if (process.env.RUNS !== undefined) console.log(JSON.stringify(seen));
  // A run in which nothing happens proves nothing.
  expect(seen.children).toBeGreaterThan(0.5 * RUNS);
  expect(seen.restarts).toBeGreaterThan(0.5 * RUNS);
});
