import fc from "fast-check";
import { createWorld, explore, type Invariant } from "holdfast/sim";
import { describe, expect, it } from "vitest";
import { billing, records, topics } from "./trees.ts";

describe("a world moved by hand", () => {
  const options = { topics: { orders: { partitions: 2, records: records(8, 2) } } };

  it("shows a crash with a record in flight, and where the next worker begins", async () => {
    const world = await createWorld({ ...options, tree: billing() });
    await world.run({ until: (w) => w.inflight("orders/0") === 1 && w.facts("acked").length > 1 });
    const [started] = world
      .facts("handler_started")
      .filter((it) => it.partition === 0)
      .slice(-1);
    world.inject({ kind: "crash", process: "orders/0" });
    await world.settle();
    expect(world.facts("restarting")).toMatchObject([{ child: "orders/0", member: "m1" }]);
    const again = world
      .facts("handler_started")
      .filter((it) => it.partition === 0 && it.offsets[0] === started?.offsets[0]);
    expect(again).toHaveLength(2);
    await world.stop();
    expect(world.kafka.lag()).toBe(0);
  });

  it("is the same to the byte for the same seed, and another for another", async () => {
    const play = async (seed: number): Promise<string> => {
      const tree = billing();
      const world = await createWorld({ ...options, tree, members: 2, strategy: "random", seed });
      world.inject({ kind: "pause", member: "m1", ms: 60_000 });
      await world.settle();
      await world.stop();
      return world.trace();
    };
    expect(await play(4)).toBe(await play(4));
    expect(await play(4)).not.toBe(await play(5));
  });

  it("strikes whom it was told to, and goes on for as long as it was told to", async () => {
    const world = await createWorld({ ...options, tree: billing(), members: 2 });
    await world.advance(1_000);
    expect(world.nowMs).toBe(1_000);
    for (let i = 0; i < 100; i++) await world.advance(100);
    expect(world.nowMs).toBe(11_000);
    world.inject({ kind: "crash", process: "acker", member: "m2" });
    world.inject({ kind: "mailboxFull", process: "acker", member: "m1" });
    world.inject({ kind: "fetch", how: "truncated", partition: "orders/1" });
    await world.advance(1_000);
    const struck = world.facts("injected").map((fact) => fact.struck);
    expect(struck).toEqual(["acker of m2", "acker of m1", "orders/1"]);
    await world.settle();
    await world.stop();
  });

  it("refuses options and strikes that it does not know", async () => {
    const wrong = { ...options, tree: billing(), faults: [] } as never;
    await expect(createWorld(wrong)).rejects.toThrow(/^faults: .* allowed: one of topics, tree/);
    const drawn = { orders: { partitions: 1, records: fc.array(fc.nat()) } };
    for (const [bad, message] of [
      [{ seed: -5 }, /^seed: -5/],
      [{ members: 1e9 }, /^members: 1000000000 .* from 1 to 100/],
      [{ topics: drawn }, /^topics.orders.records: .* an array/],
    ] as const) {
      await expect(createWorld({ ...options, tree: billing(), ...bad } as never)).rejects.toThrow(
        message,
      );
    }
    const world = await createWorld({ ...options, tree: billing() });
    await expect(world.run({} as never)).rejects.toThrow(/^until: undefined/);
    expect(() => world.inject({ kind: "kill", foo: 1 } as never)).toThrow(/^foo: 1/);
    expect(() => world.inject({ kind: "kill", ms: -5 })).toThrow(/^ms: -5/);
  });

  it("refuses what is not there in one line", async () => {
    const world = await createWorld({ ...options, tree: billing() });
    expect(() => world.inject({ kind: "crash", process: "orders/9" })).toThrow(/"orders\/9"/);
    expect(() => world.inject({ kind: "pause", member: "m9" })).toThrow(/"m9"/);
    expect(() => world.inject({ kind: "pause", process: "acker" })).toThrow(/process: "acker"/);
    expect(() => world.inject({ kind: "brokerRestart", member: "m1" })).toThrow(/takes none/);
    expect(() => world.inject({ kind: "fall" as never })).toThrow(/"fall".*allowed: crash/);
    const never = world.run({ until: () => false, ms: 1_000 });
    await expect(never).rejects.toThrow(/not within 1000 simulated ms/);
  });
});

describe("an exploration", () => {
  it("runs every schedule of a small world", async () => {
    const one = { topics: { orders: { partitions: 1, records: records(1, 1) } }, members: 1 };
    const shallow = await explore({ ...one, tree: billing(), depth: 4 });
    /** What each run did, in order. */
    const orders: string[] = [];
    const law: Invariant = {
      name: "seen",
      states: "nothing, it only looks",
      watch: () => {
        const run = orders.push("") - 1;
        const note = ({ type, pid }: { type: string; pid: number }): void => {
          orders[run] += `${type} ${pid};`;
        };
        return { on: { handled: note } };
      },
    };
    const deeper = await explore({ ...one, tree: billing(), depth: 7, invariants: [law] });
    expect(shallow.exhausted).toBe(true);
    expect(deeper.exhausted).toBe(true);
    expect(deeper.runs).toBeGreaterThan(shallow.runs);
    expect(orders).toHaveLength(deeper.runs);
    // Not every choice changes who handles what, but many must.
    expect(new Set(orders).size).toBeGreaterThan(deeper.runs / 4);
  });

  it("says when it did not get to the end", async () => {
    const result = await explore({ topics, tree: billing(), depth: 40, maxRuns: 20 });
    expect(result).toEqual({ runs: 20, exhausted: false });
  });
});
