/** Promises 1, 3 and 10: a crash restarts one partition, at its lowest unacked record, in order. */
import { describe, expect, it } from "vitest";
import type { Message } from "../../src/ports/record.ts";
import { groupWorld } from "../support/group-world.ts";

describe("a worker's crash", () => {
  it("handles the record again, in its place, and nothing below it; the others never notice", async () => {
    const world = groupWorld({ partitions: 3, records: 200 });
    let failures = 2;
    const member = await world.join("billing", {
      eachMessage: async ({ partition, message }) => {
        await world.sleep(1);
        if (partition === 1 && message.offset === "42" && failures-- > 0) throw new Error("no");
      },
    });
    await world.time.until(() => world.caughtUp());

    const p1 = world.offsetsStarted(1);
    expect(p1.filter((offset) => offset === 42)).toHaveLength(3);
    expect(p1.slice(p1.indexOf(42))).toEqual([42, 42, ...p1.slice(p1.lastIndexOf(42))]);
    expect(p1.slice(p1.lastIndexOf(42))).toEqual(Array.from({ length: 158 }, (_, i) => 42 + i));
    for (const other of [0, 2]) {
      const times = world.started
        .filter(({ partition }) => partition === other)
        .map(({ at }) => at);
      const gaps = times.slice(1).map((at, i) => at - (times[i] ?? 0));
      expect(Math.max(...gaps)).toBeLessThan(500);
      expect(times).toHaveLength(200);
    }
    expect(member.events.filter(({ type }) => type === "joined")).toHaveLength(1);
    expect(world.verdict()).toEqual({ lost: [], regressions: [], pastUndone: [] });
    await member.stop();
  });

  it("is not the end of a batch that its handler empties", async () => {
    const world = groupWorld({ partitions: 1, records: 30 });
    const seen: string[] = [];
    const member = await world.join("billing", {
      eachBatch: async ({ messages }) => {
        const mine = messages as Message[];
        for (let next = mine.shift(); next !== undefined; next = mine.shift())
          seen.push(next.offset);
        await world.sleep(1);
      },
    });
    await world.time.until(() => world.committed(0) === 30);
    expect(seen).toEqual(Array.from({ length: 30 }, (_, i) => String(i)));
    await member.stop();
  });

  it("does not handle again what was acked above the failed record", async () => {
    const world = groupWorld({ partitions: 1, records: 10 });
    const acks: (() => void)[] = [];
    let crash = true;
    const member = await world.join("billing", {
      ackMode: "manual",
      eachMessage: ({ message, ack }) => {
        const offset = Number(message.offset);
        if (offset !== 3) ack();
        else acks.push(ack);
        if (offset === 7 && crash) {
          crash = false;
          throw new Error("no");
        }
      },
    });
    await world.time.advance(2_000);
    // 7 acked itself before it threw; 3 is the only one that was never acked.
    expect(world.offsetsStarted(0)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 3, 8, 9]);
    expect(world.committed(0)).toBe(3);
    for (const ack of acks) ack();
    await world.time.until(() => world.committed(0) === 10);
    await member.stop();
  });

  it("makes an ack of the old incarnation worthless: the record is the new one's to ack", async () => {
    const world = groupWorld({ partitions: 1, records: 6 });
    const acks: (() => void)[] = [];
    let crash = true;
    const member = await world.join("billing", {
      ackMode: "manual",
      eachMessage: ({ message, ack }) => {
        acks.push(ack);
        if (message.offset !== "5" || !crash) return;
        crash = false;
        throw new Error("no");
      },
    });
    await world.time.until(() => acks.length === 12);
    for (const ack of acks.slice(0, 6)) ack();
    await world.time.advance(2_000);
    expect(world.committed(0) ?? 0).toBe(0);
    expect(member.events.filter(({ type }) => type === "fenced")).toHaveLength(6);
    for (const ack of acks.slice(6)) ack();
    await world.time.until(() => world.committed(0) === 6);
    await member.stop();
  });

  it("keeps a poison record to its restart budget, then gives the group up", async () => {
    const world = groupWorld({ partitions: 2, records: 20 });
    const member = await world.join("billing", {
      eachMessage: ({ partition, message }) => {
        if (partition === 0 && message.offset === "5") throw new Error("poison");
      },
    });
    const ended = member.system.exited(
      member.system.processes().find(({ label }) => label === "billing")!,
    );
    expect(await world.settle(ended)).toBe("shutdown");
    expect(world.offsetsStarted(0).filter((offset) => offset === 5)).toHaveLength(6);
    expect(world.committed(0)).toBe(5);
    await member.stop();
  });

  it("spends no budget while it makes progress: eighty bad records are eighty restarts", async () => {
    const world = groupWorld({ partitions: 1, records: 400 });
    const failed = new Set<string>();
    const member = await world.join("billing", {
      eachMessage: ({ message }) => {
        if (Number(message.offset) % 5 !== 0 || failed.has(message.offset)) return;
        failed.add(message.offset);
        throw new Error("once");
      },
    });
    await world.time.until(() => world.caughtUp());
    const restarts = member.events.filter((event) => event.type === "restarting");
    expect(restarts).toHaveLength(80);
    expect(restarts.every((event) => event.delayMs === 0 && event.restarts === 1)).toBe(true);
    expect(world.time.now()).toBeLessThan(5_000);
    await member.stop();
  });

  it("starts no record while the handler of a killed incarnation is unsettled, until the grace ends", async () => {
    const world = groupWorld({ partitions: 1, records: 3 });
    const member = await world.join("billing", {
      settleGraceMs: 5_000,
      eachMessage: async () => {
        await world.sleep(world.started.length === 1 ? 2_000 : 60_000);
      },
    });
    await world.time.until(() => world.started.length === 1);
    member.system.exit(member.worker(0), "kill");
    await world.time.advance(1_500);
    expect(world.started).toHaveLength(1);
    await world.time.advance(1_000);
    expect(world.offsetsStarted(0)).toEqual([0, 0]);

    member.system.exit(member.worker(0), "kill");
    await world.time.advance(4_000);
    expect(world.started).toHaveLength(2);
    await world.time.advance(1_500);
    expect(world.offsetsStarted(0)).toEqual([0, 0, 0]);
    const said = member.events.filter((event) => event.type === "logged" && event.level === "warn");
    expect(said.map((event) => event.type === "logged" && event.message)).toContain(
      "an earlier handler has not ended; going on without it",
    );
  });
});
