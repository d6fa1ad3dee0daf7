/** Promises 1 to 5 on a real broker, with everything in one process. */
import { afterEach, describe, expect, inject, it } from "vitest";
import { type BrokerWorld, brokerWorld, sleep, until } from "./broker-world.ts";

let world: BrokerWorld;
afterEach(() => world.close());

const caughtUp = (ends: number[]) => async (): Promise<boolean> =>
  JSON.stringify(await world.committed()) === JSON.stringify(ends);

/** Every record was handled to success. */
function expectAllDone(partitions: number, records: number): void {
  for (let p = 0; p < partitions; p++) {
    const offsets = new Set(world.done.filter((d) => d.partition === p).map((d) => d.offset));
    expect(offsets.size).toBe(records);
  }
}

describe("a worker's crash", () => {
  it("repeats the record and nothing below it, in the same generation; the others go on", async () => {
    world = await brokerWorld(inject("kafka").bootstrap, 3);
    for (const p of [0, 1, 2]) await world.send(p, 300);
    let failures = 2;
    const member = await world.join("billing", {
      eachMessage: async ({ partition, message }) => {
        await sleep(3);
        if (partition === 1 && message.offset === "42" && failures-- > 0) throw new Error("no");
      },
    });
    await until(caughtUp([300, 300, 300]));
    const p1 = world.offsets(1);
    expect(p1).toEqual([...range(0, 43), 42, ...range(42, 300)]);
    for (const other of [0, 2]) expect(world.offsets(other)).toEqual(range(0, 300));
    const first = world.starts.findIndex((s) => s.partition === 1 && s.offset === 42);
    const after = world.starts.findIndex((s) => s.partition === 1 && s.offset === 43);
    const meanwhile = new Set(world.starts.slice(first, after).map(({ partition }) => partition));
    expect(meanwhile).toEqual(new Set([0, 1, 2]));
    expect(member.events.filter(({ type }) => type === "joined")).toHaveLength(1);
  });

  it("over poison bytes is its worker's alone", async () => {
    world = await brokerWorld(inject("kafka").bootstrap, 2);
    for (const p of [0, 1]) await world.send(p, 50);
    const member = await world.join("billing", {
      maxRestarts: 3,
      eachMessage: ({ partition, message }) => {
        if (partition === 0 && message.offset === "10") JSON.parse("\u0000\uFFFD");
      },
    });
    await until(() => world.offsets(0).filter((offset) => offset === 10).length === 4);
    await until(() => world.offsets(1).length === 50);
    await until(() => member.events.some(({ type }) => type === "escalated"));
    await until(async () => (await world.committed())[0] === 10);
    expect(Math.max(...world.offsets(0))).toBe(10);
  });
});

describe("acks by hand", () => {
  it("in any order, one held back: the commit stays there, then becomes the end", async () => {
    world = await brokerWorld(inject("kafka").bootstrap, 1);
    await world.send(0, 100);
    const acks = new Map<number, () => void>();
    await world.join("billing", {
      ackMode: "manual",
      prefetchCount: 200,
      eachMessage: ({ message, ack }) => void acks.set(Number(message.offset), ack),
    });
    await until(() => acks.size === 100);
    const order = [...acks.keys()].sort(() => Math.random() - 0.5);
    for (const offset of order) if (offset !== 10) acks.get(offset)?.();
    await until(caughtUp([10]));
    await sleep(1_500);
    expect(await world.committed()).toEqual([10]);
    acks.get(10)?.();
    await until(caughtUp([100]));
  });

  it("of a partition's old owner move nothing", async () => {
    world = await brokerWorld(inject("kafka").bootstrap, 2);
    for (const p of [0, 1]) await world.send(p, 10);
    const acks: { member: string; partition: number; ack: () => void }[] = [];
    const options = (member: string) => ({
      ackMode: "manual" as const,
      eachMessage: ({ partition, ack }: { partition: number; ack: () => void }) => {
        acks.push({ member, partition, ack });
      },
    });
    const a = await world.join("a", options("a"));
    await until(() => acks.length === 20);
    const b = await world.join("b", options("b"));
    await until(() => acks.some(({ member }) => member === "b"));
    const moved = acks.find(({ member }) => member === "b")?.partition ?? -1;
    const before = await world.committed();
    for (const { member, partition, ack } of acks) if (member === "a" && partition === moved) ack();
    await sleep(1_500);
    expect((await world.committed())[moved]).toBe(before[moved]);
    await Promise.all([a.stop(), b.stop()]);
  });
});

describe("a lost process", () => {
  it.each(["acker", "manager"] as const)(
    "%s: nothing lost, one restart, one member",
    async (which) => {
      world = await brokerWorld(inject("kafka").bootstrap, 3);
      for (const p of [0, 1, 2]) await world.send(p, 200);
      const member = await world.join("billing", { eachMessage: () => sleep(3) });
      await until(() => world.starts.length > 150);
      const highest = watchCommits();
      member.system.exit(member[which](), "kill");
      await until(caughtUp([200, 200, 200]));
      expect(await highest()).toEqual([]);
      expectAllDone(3, 200);
      expect(member.events.filter(({ type }) => type === "restarting")).toHaveLength(1);
      await until(async () => (await world.members()).length === 1);
    },
  );
});

describe("a partition that was lost and regained", () => {
  it("restarts at the broker's offset when its worker crashes before the first ack", async () => {
    world = await brokerWorld(inject("kafka").bootstrap, 1);
    await world.send(0, 60);
    let crash = false;
    const a = await world.join("a", {
      eachMessage: async () => {
        await sleep(20);
        if (crash) {
          crash = false;
          throw new Error("before the first ack");
        }
      },
    });
    await until(async () => ((await world.committed())[0] ?? 0) >= 10);
    await a.stop();
    const b = await world.join("b", { eachMessage: () => sleep(20) });
    await until(async () => ((await world.committed())[0] ?? 0) >= 30);
    await b.stop();
    const [regained] = await world.committed();
    const seen = world.starts.length;
    crash = true;
    await world.join("c", {
      eachMessage: async () => {
        await sleep(20);
        if (!crash) return;
        crash = false;
        throw new Error("before the first ack");
      },
    });
    await until(caughtUp([60]));
    expect(world.starts.slice(seen, seen + 3).map(({ offset }) => offset)).toEqual([
      regained,
      regained,
      (regained ?? 0) + 1,
    ]);
  });
});

describe("a slow handler", () => {
  it("of 40 s outlives a session timeout of 10 s: one handling, no rebalance", async () => {
    world = await brokerWorld(inject("kafka").bootstrap, 1);
    await world.send(0, 2);
    const member = await world.join("billing", {
      eachMessage: ({ message }) => (message.offset === "0" ? sleep(40_000) : undefined),
    });
    await until(caughtUp([2]), 60_000);
    expect(world.offsets(0)).toEqual([0, 1]);
    expect(member.events.filter(({ type }) => type === "joined")).toHaveLength(1);
  });

  it("that is sync keeps no heartbeat from the loop, however many records wait", async () => {
    world = await brokerWorld(inject("kafka").bootstrap, 1);
    await world.send(0, 64);
    const starts: number[] = [];
    const member = await world.join("billing", {
      sessionTimeout: 6_000,
      sync: ({ message }) => {
        starts.push(Number(message.offset));
        const end = performance.now() + 150;
        while (performance.now() < end);
      },
    });
    await until(caughtUp([64]));
    expect(starts).toEqual(range(0, 64));
    expect(member.events.filter(({ type }) => type === "joined")).toHaveLength(1);
  });

  it("on one partition lets the other partitions of the same broker go on", async () => {
    world = await brokerWorld(inject("kafka").bootstrap, 3);
    for (const p of [0, 1, 2]) await world.send(p, 10);
    let slow = false;
    await world.join("billing", {
      eachMessage: async ({ partition, message }) => {
        if (partition !== 0 || message.offset !== "0") return;
        slow = true;
        await sleep(5_000);
        slow = false;
      },
    });
    await until(() => slow && world.offsets(1).length === 10);
    for (const p of [1, 2]) await world.send(p, 10);
    await until(() => world.offsets(1).length === 20 && world.offsets(2).length === 20);
    expect(slow).toBe(true);
    await until(caughtUp([10, 20, 20]));
  });
});

const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from }, (_, i) => from + i);

/** Reads the broker's offsets all the time; the answer lists what went back or past the undone. */
function watchCommits(): () => Promise<string[]> {
  const wrong: string[] = [];
  let running = true;
  const loop = (async () => {
    for (let last: number[] = []; running; await sleep(20)) {
      const now = await world.committed();
      for (const [p, offset] of now.entries()) {
        if (offset < (last[p] ?? -1)) wrong.push(`${p} went back to ${offset}`);
        wrong.push(...undone(p, offset).map((at) => `${p}: ${offset} passed ${at}`));
      }
      last = now;
    }
  })();
  return async () => {
    running = false;
    await loop;
    return wrong;
  };
}

function undone(partition: number, below: number): number[] {
  const done = new Set(world.done.filter((d) => d.partition === partition).map((d) => d.offset));
  return range(0, Math.max(0, below)).filter((at) => !done.has(at));
}
