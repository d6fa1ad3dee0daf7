/** Proves: work that is done once is awaited or not, and never outlives its supervisor. */
import { describe, expect, it } from "vitest";
import { runTask, startTask } from "../../supervisors/task.ts";
import { gate, watched } from "../kernel/scene.ts";
import { harness } from "./harness.ts";

describe("a task that is awaited", () => {
  it("gives what its work gives, sync or async, and is forgotten", async () => {
    const { dynamic, of, settle } = harness();
    const tasks = await dynamic({});
    expect(await runTask(tasks, () => 1)).toBe(1);
    expect(await runTask(tasks, async () => "two")).toBe("two");
    await settle();
    expect(await tasks.call("whichChildren")).toEqual([]);
    expect(of("exited").map(({ label, reason }) => [label, reason])).toEqual([
      ["task-1", "normal"],
      ["task-2", "normal"],
    ]);
  });

  it("rejects with what the work throws, and nobody else hears of it", async () => {
    const { dynamic, settle } = harness();
    const tasks = await dynamic({ intensity: 0 });
    const sooner = runTask(tasks, () => {
      throw new RangeError("at once");
    });
    await expect(sooner).rejects.toThrow(RangeError);
    const later = runTask(tasks, async () => Promise.reject(new TypeError("later")));
    await expect(later).rejects.toThrow(TypeError);
    await settle();
    expect(tasks.alive).toBe(true);
  });

  it("leaves the signal of work that is done alone: what it opened may live on", async () => {
    const { dynamic, settle } = harness();
    const tasks = await dynamic({});
    const signal = await runTask(tasks, async (given) => given);
    await settle();
    expect(signal.aborted).toBe(false);
  });

  it("is killed after its time, and its work is told", async () => {
    const { dynamic, advance } = harness();
    const tasks = await dynamic({});
    let signal: AbortSignal | undefined;
    const endless = (given: AbortSignal): Promise<void> => {
      signal = given;
      return new Promise(() => {});
    };
    const seen = watched(runTask(tasks, endless, { timeoutMs: 100, label: "scan" }));
    await advance(99);
    expect([seen.state, signal?.aborted]).toEqual(["pending", false]);
    await advance(1);
    expect([seen.code, signal?.aborted]).toEqual(["timeout", true]);
    expect(String(seen.value)).toContain("scan-1 took longer than 100 ms");
  });

  it("rejects when its supervisor stops, and when there is none", async () => {
    const { dynamic, system, settle } = harness();
    const tasks = await dynamic({});
    const door = gate();
    const seen = watched(runTask(tasks, () => door.promise));
    await settle();
    system.exit(tasks, "shutdown");
    await settle();
    expect([seen.code, seen.reason]).toEqual(["exit", "shutdown"]);
    await expect(runTask(tasks, () => 1)).rejects.toMatchObject({ code: "noproc" });
    await expect(runTask(tasks, () => 1, { timeoutMs: -1 })).rejects.toThrow(/^timeoutMs: -1/);
  });
});

it("a task that nobody awaits ends as any process does: its failure is an event", async () => {
  const { dynamic, of, settle } = harness();
  const tasks = await dynamic({ intensity: 0 });
  const ref = await startTask(tasks, () => Promise.reject(new Error("lost")), { label: "mail" });
  expect(ref.label).toBe("mail-1");
  await settle();
  expect(of("exited")).toMatchObject([{ label: "mail-1", reason: { error: new Error("lost") } }]);
  expect(tasks.alive).toBe(true);
});
