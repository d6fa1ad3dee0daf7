import { describe, expect, it } from "vitest";
import { nodeHost } from "../../src/node/node-host.ts";

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("the real host", () => {
  it("has a clock that never goes back, and the day's time", () => {
    let last = nodeHost.now();
    for (let i = 0; i < 1_000; i++) {
      const now = nodeHost.now();
      expect(now).toBeGreaterThanOrEqual(last);
      last = now;
    }
    expect(Math.abs(nodeHost.wallNow() - Date.now())).toBeLessThan(1_000);
  });

  it("wakes after the current code: in a microtask before, in a macrotask behind the I/O", async () => {
    const order: string[] = [];
    nodeHost.wake(() => order.push("macro"), "macro");
    nodeHost.wake(() => order.push("micro"), "micro");
    process.nextTick(() => order.push("tick"));
    order.push("now");
    await turn();
    await turn();
    expect(order[0]).toBe("now");
    expect(order.at(-1)).toBe("macro");
    expect(order).toContain("micro");
  });

  it("fires a timer once, no sooner than asked, and never when cancelled", async () => {
    const began = nodeHost.now();
    let cancelled = 0;
    const cancel = nodeHost.timer(1, () => cancelled++);
    cancel();
    cancel();
    let fired = 0;
    await new Promise<void>((resolve) => {
      nodeHost.timer(20, () => {
        fired++;
        resolve();
      });
    });
    // Node rounds its own clock to milliseconds.
    expect(nodeHost.now() - began).toBeGreaterThanOrEqual(19);
    await turn();
    expect([fired, cancelled]).toEqual([1, 0]);
  });

  it.each([2 ** 31, 2 ** 40, Number.POSITIVE_INFINITY])(
    "does not fire at once a timer of %d ms, longer than Node can count",
    async (ms) => {
      let fired = 0;
      const cancel = nodeHost.timer(ms, () => fired++);
      await new Promise((resolve) => setTimeout(resolve, 20));
      cancel();
      expect(fired).toBe(0);
    },
  );

  it("chooses every number below the bound, and none else", () => {
    const seen = new Set<number>();
    for (let i = 0; i < 1_000; i++) seen.add(nodeHost.choose(5));
    expect([...seen].sort()).toEqual([0, 1, 2, 3, 4]);
    expect(nodeHost.choose(1)).toBe(0);
  });
});
