import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import {
  arbitraries,
  check,
  invariants,
  reached,
  replay,
  SimulationError,
  sometimes,
  type TreeWorld,
} from "holdfast/sim";
import { describe, expect, it } from "vitest";
import { billing, lying, records, topics } from "./trees.ts";

const caught = async (run: Promise<unknown>): Promise<SimulationError> => {
  const error = await run.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof SimulationError)) throw error ?? new Error("nothing was found");
  return error;
};

describe("a check", () => {
  it("passes a tree that keeps its promises, and says how much happened", async () => {
    const result = await check({ topics, tree: billing(), seed: 1, runs: 200 });
    expect(result.runs).toBe(200);
    expect(result.steps).toBeGreaterThan(10_000);
    expect(result.situations["crash in flight"]).toBeGreaterThan(0);
    expect(Object.keys(result.strikes).length).toBeGreaterThan(10);
  });

  it("is the same check for the same seed", async () => {
    const run = () => check({ topics, tree: billing(), seed: 7, runs: 50 });
    expect(await run()).toEqual(await run());
  });

  it("finds a commit that passes what is not done, makes it simple and plays it again", async () => {
    const reportDir = mkdtempSync(join(tmpdir(), "sim-"));
    const options = { topics, tree: lying, seed: 3, runs: 200, reportDir, name: "a liar" };
    const error = await caught(check(options));
    expect(error.invariant).toBe("commitBelowUnacked");
    expect(error.storyLines).toBeLessThanOrEqual(20);
    expect(error.message.split("\n")[0]).toMatch(
      /^commitBelowUnacked {3}orders\/\d: commit \d+ is/,
    );
    expect(error.message).toContain(`SIM_REPLAY=${error.token}`);
    expect(error.message).toContain("same hash");
    expect(error.message.split("\n").length).toBeLessThan(60);
    expect(readFileSync(join(reportDir, "a-liar-3.mmd"), "utf8")).toMatch(/^sequenceDiagram\n/);
    const trace = readFileSync(join(reportDir, "a-liar-3.jsonl"), "utf8");
    const again = await caught(replay(error.token, options));
    expect(again.invariant).toBe(error.invariant);
    expect(readFileSync(join(reportDir, "a-liar-3.jsonl"), "utf8")).toBe(trace);
  });

  it("holds laws of the user's own, over state that outlives every member", async () => {
    const options = {
      topics,
      seed: 1,
      reportDir: false,
      tree: (world: TreeWorld) =>
        billing({
          eachMessage: ({ partition, message }) => {
            const record = `orders/${partition}: ${message.offset}`;
            const times = Number(world.state.get(record) ?? 0) + 1;
            world.state.set(record, times);
            if (times > 1) world.state.set("again", `${record} is handled again`);
          },
        })(world),
      invariants: [
        ...invariants.all,
        invariants.custom("once", ({ state }) => state.get("again") as string | undefined),
      ],
    } as const;
    const error = await caught(check(options));
    expect(error.invariant).toBe("once");
    // The text that the law answered is told, and of the partition that it begins with alone.
    const [, partition] = /^once {3}orders\/(\d): \d+ is handled again/.exec(error.message) ?? [];
    expect(partition).toBeDefined();
    const story = error.message.split("\n\n")[1] ?? "";
    expect(story).toMatch(new RegExp(`orders/${partition}`));
    expect(story).not.toMatch(new RegExp(`orders/[^${partition}]`));
  });

  it("finds what outlives a run by playing it twice, and says so of its token as well", async () => {
    let calls = 0;
    const options = {
      topics,
      seed: 1,
      reportDir: false,
      tree: (world: TreeWorld) =>
        billing({ eachMessage: () => void world.state.set("calls", ++calls) })(world),
    } as const;
    const error = await caught(check(options));
    expect(error.invariant).toBe("determinism");
    expect(error.message).toMatch(/something outlives a run/);
    expect((await caught(replay(error.token, options))).invariant).toBe("determinism");
  });

  it("makes simpler what fails with nothing going wrong", async () => {
    const tree = billing({
      eachMessage: ({ message }) => {
        if (String(message.value) === "7") throw new Error("not seven");
      },
    });
    const values = fc.array(
      fc.nat(9).map(
        (n) => ({ value: String(n) }),
        (record) => Number((record as { value: string }).value),
      ),
      { minLength: 20, maxLength: 40 },
    );
    const error = await caught(
      check({
        topics: { orders: { partitions: 1, records: values } },
        ...{ tree, seed: 1, settleMs: 5_000, reportDir: false },
      }),
    );
    expect(error.run).toBe(0);
    expect(error.message).toMatch(/with nothing going wrong of seed 1 \(shrunk \d+ times/);
    expect(error.message).toMatch(/: 2\d records, 0 faults/);
  });

  it("says what never became true once everything was whole again", async () => {
    const tree = billing({
      eachMessage: ({ message }) => {
        if (message.offset === "1") throw new Error("never");
      },
    });
    const error = await caught(
      check({
        topics: { orders: { partitions: 1, records: records(3, 1) } },
        tree,
        seed: 1,
        settleMs: 60_000,
        reportDir: false,
      }),
    );
    expect(error.invariant).toBe("eventually");
    expect(error.message).toMatch(/orders\/0 is committed up to 1 of 3/);
  });

  it("draws values with the user's own arbitraries", async () => {
    const seen = new Set<string>();
    await check({
      topics: {
        orders: {
          partitions: 1,
          records: fc.array(arbitraries.record(fc.constantFrom("a", "b")), { maxLength: 4 }),
        },
      },
      tree: billing({ eachMessage: ({ message }) => void seen.add(String(message.value)) }),
      seed: 1,
      runs: 20,
    });
    expect([...seen].sort()).toEqual(['"a"', '"b"']);
  });

  it("calls itself vacuous when a fault that was asked for never struck", async () => {
    const error = await caught(
      check({ topics, tree: billing(), faults: ["producerTimeout"], seed: 1, runs: 100 }),
    );
    expect(error.invariant).toBe("VACUOUS");
    expect(error.message).toMatch(/no producerTimeout ever struck/);
  });

  it("calls itself vacuous when no handler was ever given a record", async () => {
    const empty = { orders: { partitions: 1, records: [] } };
    const checked = check({ topics: empty, tree: billing(), seed: 1, runs: 100 });
    await expect(checked).rejects.toThrow(/^VACUOUS .* no handler was given a record/);
  });

  it("comes by the marks in the user's code, or calls itself vacuous", async () => {
    const tree = billing({
      eachMessage: ({ message }) => {
        reached("a handler");
        sometimes("a second record", message.offset === "1");
        sometimes("a hundredth record", message.offset === "99");
      },
    });
    const error = await caught(check({ topics, tree, seed: 1, runs: 20 }));
    expect(error.message).toMatch(/^VACUOUS .* never a hundredth record$/);
    sometimes("outside of a check it does nothing", false);
  });

  it.each(["fifo", "random", "pct", "swarm"] as const)("passes under %s", async (strategy) => {
    const result = await check({ topics, tree: billing(), seed: 2, runs: 40, strategy });
    expect(result.runs).toBe(40);
  });

  it("keeps headers and keys in its token", async () => {
    const tree = billing({
      eachMessage: ({ message }) => {
        if (String(message.headers?.who) === "me" && String(message.key) === "k") throw new Error();
      },
    });
    const options = {
      topics: {
        orders: { partitions: 1, records: [{ key: "k", value: null, headers: { who: "me" } }] },
      },
      tree,
      seed: 1,
      settleMs: 60_000,
      reportDir: false,
    } as const;
    const error = await caught(check(options));
    expect((await caught(replay(error.token, options))).invariant).toBe(error.invariant);
  });
});

describe("a run that throws is a run that fails:", () => {
  const one = { topics, tree: billing(), seed: 1, runs: 30, reportDir: false } as const;
  const oops = (): never => {
    throw new Error("oops");
  };

  it.each([
    ["a law", { ...one, invariants: [invariants.custom("mine", oops)] }],
    ["eventually", { ...one, eventually: oops }],
    [
      "a later life of the tree",
      {
        ...one,
        faults: ["kill"] as const,
        tree: (world: Parameters<ReturnType<typeof billing>>[0]) => {
          const lives = Number(world.state.get("lives") ?? 0) + 1;
          world.state.set("lives", lives);
          return lives > 2 ? oops() : billing()(world);
        },
      },
    ],
    [
      "a promise that nobody hears",
      { ...one, tree: billing({ eachMessage: () => void Promise.reject(new Error("oops")) }) },
    ],
    [
      "a timer of a handler",
      { ...one, tree: billing({ eachMessage: () => void setTimeout(oops, 1) }) },
    ],
  ])("%s", async (_what, options) => {
    const error = await caught(check(options));
    // A law of one's own by its name, all else by what it is.
    expect(error.message).toMatch(/^\w+ {3}.*Error: oops/);
    expect(error.cause).toMatchObject({ message: "oops" });
  });

  it("and what a handler threw is told, with its place", async () => {
    const tree = billing({
      eachMessage: () => {
        throw new RangeError("no such card");
      },
    });
    const error = await caught(check({ ...one, tree, settleMs: 60_000 }));
    expect(error.message).toMatch(/thrown first {2}RangeError: no such card\n.*check\.test\.ts/);
  });
});

describe("bad input", () => {
  const one = { topics, tree: billing() };

  it.each([
    ["no topics", { ...one, topics: {} }, /topics: an object is not allowed; allowed: one topic/],
    [
      "topics without partitions",
      { ...one, topics: { orders: { partitions: 0 } } },
      /topics\.orders\.partitions: 0 is not allowed; allowed: a whole number from 1/,
    ],
    ["no tree", { ...one, tree: undefined }, /tree: undefined is not allowed/],
    ["a tree that gives nothing", { ...one, tree: () => undefined }, /tree: undefined is not/],
    ["an unknown fault", { ...one, faults: ["gremlin"] }, /faults: "gremlin".*allowed: crash/],
    ["no runs", { ...one, runs: 0 }, /runs: 0 is not allowed/],
    ["half a member", { ...one, members: 0.5 }, /members: 0\.5/],
    ["a seed that is no whole number", { ...one, seed: 1.5 }, /seed: 1\.5/],
    ["a time limit of nothing", { ...one, timeLimitMs: 0 }, /timeLimitMs: 0/],
    ["an option that is none", { ...one, fualts: [] }, /fualts: \[\] is not allowed; .*faults/],
    [
      "records that are none",
      { ...one, topics: { orders: { partitions: 1, records: [{ value: 5 }] } } },
      /orders\.records\[0\].*string, a Buffer or null/,
    ],
    ["a topic that is none", { ...one, topics: { orders: null } }, /topics\.orders\.partitions/],
    ["an async eventually", { ...one, eventually: async () => false }, /not async/],
    ["a law that is none", { ...one, invariants: [{}] }, /invariants/],
    [
      "a record beyond its topic",
      { ...one, topics: { orders: { partitions: 1, records: [{ value: "x", partition: 7 }] } } },
      /records\[0\]\.partition: 7 is not allowed; allowed: below 1/,
    ],
    ["an unknown strategy", { ...one, strategy: "hope" }, /strategy: "hope".*swarm/],
  ])("of %s is one clear error", async (_what, options, line) => {
    await expect(check(options as never)).rejects.toThrow(line);
  });

  it("of a tree that joins no group is one clear error", async () => {
    const { supervisor } = await import("holdfast");
    const tree = () => ({ id: "empty", start: supervisor, args: [{}] });
    await expect(check({ topics, tree })).rejects.toThrow(
      /tree: .*one that joins a consumer group/,
    );
  });

  it.each([
    ["another version", "v9.e30", /"v9\.e30" is not allowed; allowed: a token of this version, v2/],
    ["no version", "hello", /"hello" is not allowed/],
    ["an altered token", "v2.e30.1", /the whole token/],
    ["half a token", "v2.eyJ3b3", /the whole token/],
    ["a token of another world", null, /topics and members as here/],
  ])("of %s is one clear error", async (_what, token, line) => {
    const other = await caught(
      check({ topics: { orders: { partitions: 2 } }, tree: lying, seed: 3, reportDir: false }),
    );
    await expect(replay(token ?? other.token, one)).rejects.toThrow(line);
  });
});
