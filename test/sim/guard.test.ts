import { check, createWorld, SimulationError } from "holdfast/sim";
import { expect, it } from "vitest";
import { billing, records } from "./trees.ts";

const one = { topics: { orders: { partitions: 1, records: records(2, 1) } }, runs: 5, seed: 1 };
const seen = (read: () => unknown): Promise<unknown[]> => {
  const values: unknown[] = [];
  const tree = billing({ eachMessage: () => void values.push(read()) });
  return check({ ...one, tree, faults: [], strategy: "fifo" }).then(() => values);
};

it.each([
  ["Date.now", () => Date.now()],
  ["new Date", () => new Date().toISOString()],
  ["Date as a function", () => Date()],
  ["performance.now", () => performance.now()],
  ["Math.random", () => Math.random()],
  ["crypto.randomUUID", () => crypto.randomUUID()],
  ["crypto.getRandomValues", () => [...crypto.getRandomValues(new Uint8Array(4))]],
  ["process.hrtime", () => [process.hrtime(), process.hrtime.bigint()]],
])("a handler that reads %s reads the same in the same run", async (_name, read) => {
  const first = await seen(read);
  expect(first.length).toBeGreaterThan(1);
  expect(await seen(read)).toEqual(first);
});

it("after a run everything is as it was", async () => {
  const before = [Date, setTimeout, setInterval, setImmediate, Math.random, performance.now];
  await seen(() => Date.now());
  const now = [Date, setTimeout, setInterval, setImmediate, Math.random, performance.now];
  expect(now).toEqual(before);
});

it("timers of handlers are the world's, can be taken back, and repeat", async () => {
  let fired = 0;
  let ticks = 0;
  const tree = billing({
    eachMessage: async () => {
      const never = setTimeout(() => fired++, 5);
      clearTimeout(never);
      await new Promise<void>((resolve) => {
        const ticking = setInterval(() => {
          if (++ticks % 3 !== 0) return;
          clearInterval(ticking);
          resolve();
        }, 1_000);
      });
    },
  });
  const began = performance.now();
  await check({ ...one, tree, faults: [], strategy: "fifo" });
  expect(fired).toBe(0);
  expect(ticks % 3).toBe(0);
  expect(ticks).toBeGreaterThan(0);
  expect(performance.now() - began).toBeLessThan(10_000);
});

it("timers are what Node's are: handles, values, promises", async () => {
  const { promisify } = await import("node:util");
  const seen: unknown[] = [];
  const tree = billing({
    eachMessage: async () => {
      const handle = setTimeout(() => seen.push("unreffed"), 10).unref();
      seen.push(handle.hasRef(), typeof Number(handle));
      handle.refresh();
      clearTimeout(Number(handle));
      seen.push(await promisify(setTimeout)(5, "value"));
      await new Promise((resolve) => setTimeout(resolve, Number.NaN));
      await new Promise((resolve) => setImmediate(resolve));
    },
  });
  await check({ ...one, runs: 1, tree, faults: [], strategy: "fifo" });
  expect(seen.slice(0, 3)).toEqual([true, "number", "value"]);
  expect(seen).not.toContain("unreffed");
});

it.each([0, 1, 2, 5])("code after %i nested ticks dies with its member", async (depth) => {
  const tick = (left: number): Promise<void> =>
    new Promise((resolve) => {
      const next = (more: number): void => {
        if (more === 0) resolve();
        else process.nextTick(next, more - 1);
      };
      next(left);
    });
  const world = await createWorld({
    topics: one.topics,
    tree: (given) =>
      billing({
        eachMessage: async () => {
          await tick(depth);
          for (let hop = 0; hop < 20; hop++) await null;
          await new Promise((resolve) => setTimeout(resolve, 50));
          given.state.set("lived", true);
        },
      })(given),
  });
  await world.run({ until: (w) => w.inflight() === 1, ms: 5_000 });
  await world.advance(2);
  world.inject({ kind: "kill", ms: 1_000_000 });
  await world.advance(500);
  expect(world.state.has("lived")).toBe(false);
});

it("leaves no trace of itself on the globals", async () => {
  const names = () => [
    ...Object.getOwnPropertyNames(globalThis.crypto),
    ...Object.getOwnPropertyNames(performance),
  ];
  const before = names();
  await seen(() => 0);
  expect(names()).toEqual(before);
});

it("strict refuses what it would stand in for, and names it", async () => {
  const tree = billing({ eachMessage: () => void Math.random() });
  const error = await check({ ...one, tree, strict: true, reportDir: false }).catch((e) => e);
  expect(error).toBeInstanceOf(SimulationError);
  expect(error.invariant).toBe("strict");
  expect(error.message).toMatch(/^strict {3}m\d reads Math\.random/);
});

it("a handler that waits for the real world is told so", async () => {
  const { readFile } = await import("node:fs/promises");
  const tree = billing({ eachMessage: () => readFile(new URL(import.meta.url)) });
  const error = await check({ ...one, tree, settleMs: 60_000, reportDir: false }).catch((e) => e);
  expect(error).toBeInstanceOf(SimulationError);
  expect(error.message).toMatch(/orders\/0.*real/);
});

it("a handler that ends the process breaks a law, and ends neither the check nor its process", async () => {
  const tree = billing({ eachMessage: () => process.exit(3) });
  const checked = check({ ...one, tree, faults: [], reportDir: false });
  await expect(checked).rejects.toThrow(/^exit {3}m\d calls process\.exit\(3\): throw instead/);
});
