import { describe, expect, it } from "vitest";
import { type Backoff, type Budget, child } from "../../src/ports/child-spec.ts";
import { gate } from "../kernel/scene.ts";
import { childRef, type Harness, harness, info, part, type Supervisor } from "./harness.ts";

interface Limits {
  readonly backoff?: Backoff;
  readonly budget?: Budget;
}

const one = (limits: Limits, init?: () => unknown) =>
  child({ id: "a", start: part, args: [init === undefined ? {} : { init }], ...limits });

/** Crashes the child as soon as it runs, `times` times, and waits for each restart. */
async function crash(setup: Harness, sup: Supervisor, times: number): Promise<void> {
  for (let i = 0; i < times && sup.alive; i++) {
    (await childRef(sup, "a")).cast("crash");
    await setup.settle();
    await setup.advance(sup.alive ? (setup.of("restarting").at(-1)?.delayMs ?? 0) : 0);
  }
}

const delays = (setup: Harness): number[] => setup.of("restarting").map(({ delayMs }) => delayMs);

describe("back-off", () => {
  const backoff = { minMs: 100, maxMs: 1_000 };
  const doubling = [0, 100, 200, 400, 800, 1_000, 1_000, 1_000];

  it.each<[string, (bound: number) => number, number]>([
    ["a fifth less", () => 0, 0.8],
    ["as it is", (bound) => Math.floor(bound / 2), 1],
    ["a fifth more", (bound) => bound - 1, 1.2],
  ])("is at once, then doubles up to its limit; by chance %s", async (_how, choose, factor) => {
    const setup = harness({ choose });
    const sup = await setup.supervise({ intensity: 100, children: [one({ backoff })] });
    await crash(setup, sup, doubling.length);
    expect(delays(setup)).toEqual(doubling.map((ms) => Math.round(ms * factor)));
  });

  it("restarts no sooner than it said", async () => {
    const setup = harness({ choose: (bound) => Math.floor(bound / 2) });
    const sup = await setup.supervise({ intensity: 100, children: [one({ backoff })] });
    await crash(setup, sup, 1);
    (await childRef(sup, "a")).cast("crash");
    await setup.settle();
    await setup.advance(99);
    expect(await info(sup, "a")).toMatchObject({ status: "restarting", ref: null, restarts: 2 });
    await setup.advance(1);
    expect(await info(sup, "a")).toMatchObject({ status: "running" });
  });

  it("stays a number, however often it was doubled", async () => {
    const setup = harness();
    const never = { minMs: 0, maxMs: 0 };
    const children = [one({ backoff: never })];
    const sup = await setup.supervise({ intensity: 5_000, children });
    // Two to the power of that is infinite, and nothing times infinity is no number.
    await crash(setup, sup, 1_100);
    expect(new Set(delays(setup))).toEqual(new Set([0]));
  });

  it("begins anew after a period of life", async () => {
    const setup = harness({ choose: (bound) => Math.floor(bound / 2) });
    const sup = await setup.supervise({
      intensity: 100,
      periodMs: 5_000,
      children: [one({ backoff })],
    });
    await crash(setup, sup, 3);
    await setup.advance(4_999);
    await crash(setup, sup, 1);
    await setup.advance(5_000);
    await crash(setup, sup, 2);
    expect(delays(setup)).toEqual([0, 100, 200, 400, 0, 100]);
  });

  it("takes a start that fails for no life, however long it takes", async () => {
    const setup = harness({ choose: (bound) => Math.floor(bound / 2) });
    let starts = 0;
    const init = async () => {
      if (++starts === 1) return;
      await new Promise<void>((resolve) => void setup.host.timer(6_000, resolve));
      throw new Error("no connection");
    };
    const sup = await setup.supervise({
      intensity: 100,
      periodMs: 5_000,
      children: [one({ backoff }, init)],
    });
    (await childRef(sup, "a")).cast("crash");
    await setup.settle();
    await setup.advance(20_000);
    expect(delays(setup).slice(0, 4)).toEqual([0, 100, 200, 400]);
  });

  it("applies to a start that fails again", async () => {
    const setup = harness({ choose: (bound) => Math.floor(bound / 2) });
    let starts = 0;
    const init = () => {
      if (++starts > 1 && starts < 5) throw new Error("not yet");
    };
    const sup = await setup.supervise({ intensity: 100, children: [one({ backoff }, init)] });
    (await childRef(sup, "a")).cast("crash");
    await setup.settle();
    await setup.advance(700);
    expect(delays(setup)).toEqual([0, 100, 200, 400]);
    expect(await info(sup, "a")).toMatchObject({ status: "running" });
  });
});

describe("a budget", () => {
  it("without a measure allows its number, and one more escalates", async () => {
    const setup = harness();
    const sup = await setup.supervise({ children: [one({ budget: { restarts: 5 } })] });
    const ended = setup.system.exited(sup);
    await crash(setup, sup, 5);
    expect(sup.alive).toBe(true);
    await setup.advance(1e9);
    await crash(setup, sup, 1);
    expect(await ended).toBe("shutdown");
    expect(setup.of("escalated")).toHaveLength(1);
    expect(setup.of("restarting").map(({ restarts }) => restarts)).toEqual([1, 2, 3, 4, 5]);
  });

  it("is cleared by progress, however many crashes there are", async () => {
    const setup = harness();
    let offset = 0;
    const budget = { restarts: 5, progress: async () => Math.floor(offset++ / 5) };
    const sup = await setup.supervise({ children: [one({ budget })] });
    await crash(setup, sup, 80);
    expect(sup.alive).toBe(true);
    expect(await info(sup, "a")).toMatchObject({ status: "running", restarts: 80 });
  });

  it("counts again from the last progress: 5 on the same spot, then it escalates", async () => {
    const setup = harness();
    let offset = 1;
    const budget = { restarts: 5, progress: async () => offset };
    const sup = await setup.supervise({ children: [one({ budget })] });
    await crash(setup, sup, 4);
    offset = 2;
    await crash(setup, sup, 5);
    expect(sup.alive).toBe(true);
    await crash(setup, sup, 1);
    expect(sup.alive).toBe(false);
    expect(setup.of("restarting").map(({ restarts }) => restarts)).toEqual([
      1, 2, 3, 4, 1, 2, 3, 4, 5,
    ]);
  });

  it("waits 5 s for a progress, hears it once, and only for the crash it was asked at", async () => {
    const setup = harness();
    const doors: ReturnType<typeof gate<number>>[] = [];
    const progress = (): Promise<number> => {
      const door = gate<number>();
      doors.push(door);
      return door.promise;
    };
    const limits = { budget: { restarts: 5, progress }, backoff: { minMs: 100, maxMs: 100 } };
    const sup = await setup.supervise({ children: [one(limits)] });
    (await childRef(sup, "a")).cast("crash");
    await setup.settle();
    expect(await sup.call("terminateChild", "a")).toBe("ok");
    await sup.call("restartChild", "a");
    (await childRef(sup, "a")).cast("crash");
    await setup.settle();
    for (const door of doors) door.open(1);
    await setup.settle();
    await setup.advance(500);
    expect(setup.of("restarting")).toHaveLength(1);
    const running = setup.system.processes().filter(({ label }) => label === "a");
    expect(running).toHaveLength(1);
    (await childRef(sup, "a")).cast("crash");
    await setup.settle();
    expect(await info(sup, "a")).toMatchObject({ status: "restarting" });
    await setup.advance(5_100);
    expect(await info(sup, "a")).toMatchObject({ status: "running" });
    expect(setup.of("restarting")).toHaveLength(2);
  });

  it("takes a progress that rejects, or throws, for none", async () => {
    for (const progress of [
      () => Promise.reject(new Error("down as well")),
      () => {
        throw new Error("at once");
      },
    ]) {
      const setup = harness();
      const sup = await setup.supervise({ children: [one({ budget: { restarts: 2, progress } })] });
      await crash(setup, sup, 2);
      expect(sup.alive).toBe(true);
      await crash(setup, sup, 1);
      expect(sup.alive).toBe(false);
    }
  });

  it("slow to answer can be waited for, stopped over, and dies with its supervisor", async () => {
    for (const how of ["answered", "terminated", "killed"]) {
      const setup = harness();
      const door = gate<number>();
      const budget = { restarts: 5, progress: () => door.promise };
      const sup = await setup.supervise({ children: [one({ budget })] });
      (await childRef(sup, "a")).cast("crash");
      await setup.settle();
      expect(await info(sup, "a")).toMatchObject({ status: "restarting", ref: null });
      if (how === "terminated") expect(await sup.call("terminateChild", "a")).toBe("ok");
      if (how === "killed") setup.system.exit(sup, "kill");
      const spawned = setup.of("spawned").length;
      door.open(1);
      await setup.settle();
      expect(setup.of("spawned").length - spawned).toBe(how === "answered" ? 1 : 0);
      if (how === "answered") expect(await info(sup, "a")).toMatchObject({ status: "running" });
    }
  });

  it("clears the back-off as well", async () => {
    const setup = harness({ choose: (bound) => Math.floor(bound / 2) });
    let offset = 0;
    const limits = {
      budget: { restarts: 5, progress: async () => offset },
      backoff: { minMs: 100, maxMs: 10_000 },
    };
    const sup = await setup.supervise({ children: [one(limits)] });
    await crash(setup, sup, 4);
    offset++;
    await crash(setup, sup, 2);
    expect(delays(setup)).toEqual([0, 100, 200, 400, 0, 100]);
  });
});
