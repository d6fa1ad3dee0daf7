import { stat } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { actor } from "../../src/kernel/actor.ts";
import type { Host } from "../../src/kernel/host.ts";
import { Kernel } from "../../src/kernel/kernel.ts";
import type { Ref } from "../../src/kernel/ref.ts";
import { probe, scene } from "./scene.ts";

/** The most messages that one process handles before the next one has its turn. */
const QUANTUM = 32;
/** The most messages between two turns of the loop, a quantum more or less. */
const CREDIT = 4_096;
const SLICE_MS = 4;

const noting = actor({
  init: (_self, order: string[], name: string) => ({ order, name }),
  casts: {
    go: ({ state }) => {
      state.order.push(state.name);
    },
  },
});

describe("turns", () => {
  it("a busy actor keeps another waiting for no more than its quantum", async () => {
    const { spawn, settle } = scene();
    const order: string[] = [];
    const busy = spawn(noting, order, "busy");
    const quiet = spawn(noting, order, "quiet");
    await settle();
    for (let i = 0; i < 10_000; i++) busy.cast("go");
    quiet.cast("go");
    await settle();
    expect(order).toHaveLength(10_001);
    expect(order.indexOf("quiet")).toBeLessThanOrEqual(QUANTUM);
  });

  it("go round among the busy", async () => {
    const { spawn, settle } = scene();
    const order: string[] = [];
    const names = ["a", "b", "c"];
    const refs = names.map((name) => spawn(noting, order, name));
    await settle();
    for (const ref of refs) for (let i = 0; i < 2_000; i++) ref.cast("go");
    await settle();
    for (let end = 3 * QUANTUM; end < order.length; end += QUANTUM) {
      const recent = new Set(order.slice(end - 3 * QUANTUM, end));
      expect(recent.size).toBe(3);
    }
  });

  it("one that feeds itself for ever starves nobody", async () => {
    const { spawn, settle } = scene();
    const ref = spawn(probe);
    const other = spawn(probe);
    let rounds = 0;
    const again = (): void => {
      if (++rounds < 20_000) ref.cast("do", again);
    };
    const steps = (self: { continue(step: () => void): void }): void => {
      if (++rounds < 40_000) self.continue(() => steps(self));
    };
    await settle();
    for (const start of [again, steps]) {
      ref.cast("do", start);
      let at = -1;
      const before = rounds;
      other.cast("do", () => {
        at = rounds - before;
      });
      await settle();
      expect(at).toBeGreaterThan(0);
      expect(at).toBeLessThanOrEqual(QUANTUM);
    }
    expect(rounds).toBeGreaterThanOrEqual(40_000);
  });

  it("come in the order in which processes got something to do", async () => {
    const { spawn, settle } = scene();
    const order: string[] = [];
    const refs = ["a", "b", "c"].map((name) => spawn(noting, order, name));
    await settle();
    for (const i of [2, 0, 1, 2, 0]) refs[i]?.cast("go");
    await settle();
    expect(order).toEqual(["c", "c", "a", "a", "b"]);
  });
});

/** A host whose wake-ups the test runs itself, counting what is done between macrotasks. */
function stepped(clock: () => number) {
  const queue: { run: () => void; turn: "micro" | "macro" }[] = [];
  const host: Host = {
    now: clock,
    wallNow: () => 0,
    wake: (run, turn) => void queue.push({ run, turn }),
    timer: () => () => {},
    choose: () => 0,
  };
  return { host, queue };
}

describe("the loop", () => {
  it("turns at least every so many messages, however many wait and though no time passes", () => {
    const { host, queue } = stepped(() => 0);
    const kernel = new Kernel(host);
    let handled = 0;
    const counter = actor({
      init: () => {},
      casts: {
        go: () => {
          handled++;
        },
      },
    });
    const refs = Array.from({ length: 10 }, () => kernel.spawn(counter, [], null, {}));
    for (let i = 0; i < 10_000; i++) for (const ref of refs) ref.cast("go");
    let inMicrotasks = 0;
    let macros = 0;
    while (queue.length > 0) {
      expect(queue).toHaveLength(1);
      const { run, turn } = queue.shift()!;
      const before = handled;
      run();
      if (turn === "micro") inMicrotasks += handled - before;
      else {
        expect(inMicrotasks).toBeLessThanOrEqual(CREDIT + QUANTUM);
        inMicrotasks = 0;
        macros++;
      }
    }
    expect(macros).toBeGreaterThan(0);
    expect(handled).toBe(100_000);
  });

  it.each([0.01, 0.1, 1])(
    "turns when a slice of time has passed, with handlers of %f ms",
    (costMs) => {
      let now = 0;
      const { host, queue } = stepped(() => now);
      const kernel = new Kernel(host);
      const slow = actor({
        init: () => {},
        casts: {
          go: () => {
            now += costMs;
          },
        },
      });
      const ref = kernel.spawn(slow, [], null, {});
      const messages = 100 / costMs + 2 * QUANTUM;
      for (let i = 0; i < messages; i++) ref.cast("go");
      let turned = 0;
      let longest = 0;
      while (queue.length > 0) {
        const { run, turn } = queue.shift()!;
        if (turn === "macro") turned = now;
        run();
        longest = Math.max(longest, now - turned);
      }
      expect(longest).toBeLessThanOrEqual(SLICE_MS + 2 * Math.max(1, costMs) + 0.1);
      expect(now).toBeCloseTo(messages * costMs);
    },
  );

  it("turns for slow handlers beside fast ones, too, and after them", () => {
    let now = 0;
    const { host, queue } = stepped(() => now);
    const kernel = new Kernel(host);
    const costing = (ms: number) => {
      const definition = actor({
        init: () => {},
        casts: {
          go: () => {
            now += ms;
          },
        },
      });
      return kernel.spawn(definition, [], null, {});
    };
    const [fast, slow] = [costing(0.001), costing(1)];
    for (let i = 0; i < 100_000; i++) fast.cast("go");
    let longest = 0;
    for (let turned = 0, turns = 0; queue.length > 0; turns++) {
      if (turns % 5 === 0 && turns < 100) for (let i = 0; i < 20; i++) slow.cast("go");
      const { run, turn } = queue.shift()!;
      if (turn === "macro") turned = now;
      run();
      longest = Math.max(longest, now - turned);
    }
    // The slice, and a turn of one of whom it was not known.
    expect(longest).toBeLessThanOrEqual(2 * SLICE_MS);
    expect(now).toBeGreaterThan(300);
  });

  it.each<[string, number, number]>([
    ["two that take turns", 2, 0.7],
    ["two that are just not slow", 2, 0.99],
    ["many slow ones", 20, 2],
  ])("turns for %s, beside one that takes every look", (_what, size, ms) => {
    let now = 0;
    const { host, queue } = stepped(() => now);
    const kernel = new Kernel(host);
    /** Each for ever, from its first message on; before that it is fast. */
    const costing = (cost: number) =>
      actor({
        init: () => {},
        casts: {
          rest: () => {},
          go: ({ ref }) => {
            now += cost;
            (ref as Ref<object, { go: () => void }>).cast("go");
          },
        },
      });
    const slow = costing(ms);
    const refs = Array.from({ length: size }, () => kernel.spawn(slow, [], null, {}));
    refs.push(kernel.spawn(costing(1), [], null, {}));
    for (const cast of ["rest", "go"] as const) for (const ref of refs) ref.cast(cast);
    const keeps: number[] = [];
    for (let turned = 0; now < 2_000; ) {
      const { run, turn } = queue.shift()!;
      if (turn === "macro") turned = now;
      run();
      if (turn === "macro") keeps.push(now - turned);
    }
    // Those that were fast, and are slow all at once, take everybody by surprise: once.
    expect(keeps.filter((kept) => kept > 2 * SLICE_MS).length).toBeLessThanOrEqual(1);
    expect(keeps.length).toBeGreaterThan(200);
  });

  it("lets Node's own timers and I/O through, with a million messages pending", async () => {
    const { nodeHost } = await import("../../src/node/node-host.ts");
    const kernel = new Kernel(nodeHost);
    const MANY = 1_000_000;
    let handled = 0;
    const counter = actor({ init: () => ({}), casts: { count: () => void handled++ } });
    const ref = kernel.spawn(counter, [], null, {});
    for (let i = 0; i < MANY; i++) ref.cast("count");
    // What was handled when each came.
    const timers: number[] = [];
    const reads: number[] = [];
    const timer = setInterval(() => timers.push(handled), 1);
    while (handled < MANY) {
      await stat(new URL(import.meta.url));
      reads.push(handled);
    }
    clearInterval(timer);
    const within = (seen: number[]) => seen.filter((at) => at > 0 && at < MANY).length;
    // A slice is 4 ms, and a million casts are some tens of them.
    expect(within(timers)).toBeGreaterThanOrEqual(3);
    expect(within(reads)).toBeGreaterThanOrEqual(3);
  });

  it("asks for one wake-up, however many processes get something to do", () => {
    const { host, queue } = stepped(() => 0);
    const kernel = new Kernel(host);
    for (let i = 0; i < 50; i++) kernel.spawn(probe, [], null, {}).send(i);
    expect(queue).toHaveLength(1);
    queue.shift()!.run();
    expect(queue).toHaveLength(0);
  });
});

describe("a host in charge of the schedule", () => {
  it("is asked before every single message, with how many are ready", async () => {
    const asked: number[] = [];
    const { spawn, settle } = scene({
      pick: (ready) => {
        asked.push(ready);
        return 0;
      },
    });
    const order: string[] = [];
    const a = spawn(noting, order, "a");
    const b = spawn(noting, order, "b");
    await settle();
    asked.length = 0;
    for (let i = 0; i < 3; i++) {
      a.cast("go");
      b.cast("go");
    }
    await settle();
    expect(asked).toEqual([2, 2, 2, 2, 2, 1]);
    expect(order).toEqual(["a", "b", "a", "b", "a", "b"]);
  });

  it("gets the one it picked, 0 being the one that waits longest; order within each is kept", async () => {
    let choice = (ready: number): number => ready - 1;
    const { spawn, settle } = scene({ pick: (ready) => choice(ready) });
    const order: string[] = [];
    const refs = ["a", "b", "c"].map((name) => spawn(noting, order, name));
    await settle();
    for (const ref of refs) {
      ref.cast("go");
      ref.cast("go");
    }
    await settle();
    expect(order).toEqual(["c", "c", "b", "b", "a", "a"]);
    order.length = 0;
    choice = (ready) => Math.min(1, ready - 1);
    for (const ref of refs) ref.cast("go");
    await settle();
    expect(order).toEqual(["b", "c", "a"]);
  });

  it("does no harm by picking one that has died meanwhile", async () => {
    const { spawn, settle, exit } = scene({ pick: () => 0 });
    const order: string[] = [];
    const a = spawn(noting, order, "a");
    const b = spawn(noting, order, "b");
    await settle();
    a.cast("go");
    b.cast("go");
    exit(a, "kill");
    await settle();
    expect(order).toEqual(["b"]);
  });
});
