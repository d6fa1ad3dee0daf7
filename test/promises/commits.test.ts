/** Promises 2, 4, 5, 6, 7 and 8: what is committed, by whom, and what never may be. */
import { describe, expect, it } from "vitest";
import { GROUP, groupWorld, TOPIC } from "../support/group-world.ts";

const NOTHING_BROKEN = { lost: [], regressions: [], pastUndone: [] };

describe("the committed offset", () => {
  it("stays at the one record held back and then becomes the end, whatever the order of acks", async () => {
    const world = groupWorld({ partitions: 1, records: 100 });
    const acks = new Map<number, () => void>();
    const member = await world.join("billing", {
      ackMode: "manual",
      prefetchCount: 100,
      eachMessage: ({ message, ack }) => void acks.set(Number(message.offset), ack),
    });
    await world.time.until(() => acks.size === 100);
    const order = [...acks.keys()].sort((a, b) => ((a * 37) % 101) - ((b * 37) % 101));
    for (const offset of order) if (offset !== 10) acks.get(offset)?.();
    await world.time.advance(5_000);
    expect(world.committed(0)).toBe(10);
    acks.get(10)?.();
    await world.time.advance(1_000);
    expect(world.committed(0)).toBe(100);
    await member.stop();
  });

  it("does not move by an ack of a partition's old owner", async () => {
    const world = groupWorld({ partitions: 2, records: 10 });
    const acks: { partition: number; offset: number; ack: () => void }[] = [];
    const options = {
      ackMode: "manual" as const,
      drainTimeoutMs: 100,
      eachMessage: ({
        partition,
        message,
        ack,
      }: {
        partition: number;
        message: { offset: string };
        ack: () => void;
      }) => {
        acks.push({ partition, offset: Number(message.offset), ack });
      },
    };
    const a = await world.join("a", options);
    await world.time.until(() => acks.length === 20);
    const ofA = [...acks];
    const b = await world.join("b", options);
    await world.time.until(() => b.events.some((event) => event.type === "opened"));
    const moved = b.system.tree() && [0, 1].find((p) => owns(b, p));
    await world.time.advance(1_000);
    const before = world.committed(moved ?? 0);
    for (const { partition, ack } of ofA) if (partition === moved) ack();
    await world.time.advance(5_000);
    expect(world.committed(moved ?? 0)).toBe(before);
    expect(world.commits.some(({ partition, offset }) => partition === moved && offset > 0)).toBe(
      false,
    );
    await a.stop();
    await b.stop();
  });

  it("restarts a partition that was lost and regained at the broker's offset", async () => {
    const world = groupWorld({ partitions: 1, records: 50 });
    const slow = { eachMessage: () => world.sleep(20), drainTimeoutMs: 1_000 };
    const a = await world.join("a", slow);
    await world.time.until(() => (world.committed(0) ?? 0) >= 10);
    world.kafka.freeze(a.memberId());
    const b = await world.join("b", slow);
    await world.time.until(() => (world.committed(0) ?? 0) >= 30);
    await b.stop();
    const regained = world.committed(0) ?? 0;
    const seen = world.started.length;
    world.kafka.thaw(a.memberId());
    await world.time.until(() => world.started.length > seen);
    // The first record after the partition came back is the broker's, not the one A remembered.
    expect(world.started[seen]?.offset).toBe(regained);
    await world.time.until(() => world.caughtUp());
    expect(world.verdict()).toEqual(NOTHING_BROKEN);
    await a.stop();
  });

  it("passes gaps of compaction and transaction markers", async () => {
    const world = groupWorld({ partitions: 1, records: 20 });
    world.kafka.compact(TOPIC, 0, (offset) => offset % 3 === 0);
    world.kafka.appendControl(TOPIC, 0, 4);
    const member = await world.join("billing");
    await world.time.until(() => world.committed(0) === 24);
    expect(world.offsetsStarted(0)).toEqual([0, 3, 6, 9, 12, 15, 18]);
    await member.stop();
  });

  it("is told at any time as the number of records that a crash would have handled again", async () => {
    const world = groupWorld({ partitions: 1, records: 20 });
    const member = await world.join("billing", {
      autoCommitInterval: 60_000,
      eachMessage: ({ message }) => (Number(message.offset) < 7 ? undefined : world.sleep(1e6)),
    });
    await world.time.until(() => world.offsetsStarted(0).includes(7));
    const exposure = member.status(0).exposure;
    expect(exposure).toBe(8 - (world.committed(0) ?? 0));

    // The member vanishes; the next one is given no more of the old records than was said.
    world.kafka.disconnect(member.memberId());
    const seen = world.started.length;
    const next = await world.join("next");
    await world.time.until(
      () => world.started.length >= seen + 20 - (world.committed(0) ?? 0),
      120_000,
    );
    const again = world.started.slice(seen).filter(({ offset }) => offset <= 7);
    expect(again.length).toBeLessThanOrEqual(exposure);
    await next.stop();
  });
});

describe("the exposure", () => {
  it("outlives the worker: what was handed out and not committed is still told after its crash", async () => {
    const world = groupWorld({ partitions: 1, records: 20 });
    const member = await world.join("billing", {
      autoCommitInterval: 60_000,
      eachMessage: ({ message }) => {
        if (message.offset === "7") throw new Error("no");
      },
    });
    await world.time.until(() => world.offsetsStarted(0).filter((at) => at === 7).length === 2);
    expect(world.committed(0)).toBe(null);
    expect(member.status(0).exposure).toBe(8);
    await member.stop();
  });
});

describe("latest", () => {
  it("is pinned before any handler starts, for all partitions at once", async () => {
    const world = groupWorld({ partitions: 3, records: 10 });
    const pinned: (number | null)[][] = [];
    const member = await world.join("billing", {
      beginOffset: "latest",
      eachMessage: () => {
        pinned.push([0, 1, 2].map((p) => world.committed(p)));
      },
    });
    for (let i = 0; i < 50; i++) {
      world.append(i % 3, 1);
      await world.time.advance(1);
    }
    await world.time.until(() => world.caughtUp());
    expect(pinned[0]?.every((offset) => (offset ?? 0) >= 10)).toBe(true);
    await member.stop();
  });

  it("loses nothing when the acker is killed in the first handler", async () => {
    const world = groupWorld({ partitions: 3, records: 10 });
    let kill = true;
    const member = await world.join("billing", {
      beginOffset: "latest",
      eachMessage: () => {
        if (kill) member.system.exit(member.acker(), "kill");
        kill = false;
      },
    });
    await world.time.until(() => [0, 1, 2].every((p) => world.committed(p) === 10));
    for (const p of [0, 1, 2]) world.append(p, 8);
    await world.time.until(() => world.caughtUp());
    const all = [10, 11, 12, 13, 14, 15, 16, 17];
    for (const p of [0, 1, 2]) expect([...new Set(world.offsetsStarted(p))]).toEqual(all);
    await member.stop();
  });

  it("is pinned by a commit at the first assignment, so that a crash skips nothing", async () => {
    const world = groupWorld({ partitions: 1, records: 10 });
    let crash = true;
    const member = await world.join("billing", {
      beginOffset: "latest",
      eachMessage: () => {
        if (!crash) return;
        crash = false;
        throw new Error("no");
      },
    });
    await world.time.until(() => world.committed(0) === 10);
    world.append(0, 5);
    await world.time.until(() => world.committed(0) === 15);
    expect(world.offsetsStarted(0)).toEqual([10, 10, 11, 12, 13, 14]);
    await member.stop();
  });

  it("does not apply to a partition that is added later: it is read from its start", async () => {
    const world = groupWorld({ partitions: 1, records: 10 });
    const member = await world.join("billing", { beginOffset: "latest" });
    await world.time.until(() => world.committed(0) === 10);
    world.kafka.addPartitions(TOPIC, 2);
    world.append(1, 5);
    await world.time.until(() => world.committed(1) === 5);
    expect(world.offsetsStarted(1)).toEqual([0, 1, 2, 3, 4]);
    await member.stop();
  });
});

describe("a position the log no longer has", () => {
  it("goes on by the reset policy, is reported, and is committed at once", async () => {
    const world = groupWorld({ partitions: 1, records: 10 });
    world.kafka.setCommitted(GROUP, { topic: TOPIC, partition: 0, offset: 2, metadata: "" });
    world.kafka.deleteRecords(TOPIC, 0, 5);
    const member = await world.join("billing");
    await world.time.until(() => world.caughtUp());
    expect(world.commits.map(({ offset }) => offset).slice(0, 2)).toEqual([2, 5]);
    expect(world.offsetsStarted(0)).toEqual([5, 6, 7, 8, 9]);
    expect(member.events).toContainEqual(
      expect.objectContaining({ type: "offset_reset", partition: 0, from: 2, to: 5 }),
    );
    await member.stop();
  });

  it("is healed when the client reset itself and committed a negative offset", async () => {
    const world = groupWorld({ partitions: 1, records: 5 });
    const member = await world.join("billing");
    await world.time.until(() => world.caughtUp());
    world.append(0, 5);
    world.kafka.deleteRecords(TOPIC, 0, 8);
    await world.time.until(() => world.committed(0) === 10);
    expect(world.committed(0)).toBe(10);
    await member.stop();
  });

  it("is healed so though no record follows, and a restart from the end passes nothing over", async () => {
    const world = groupWorld({ partitions: 1 });
    const member = await world.join("billing", { beginOffset: "latest" });
    await world.time.until(() => world.committed(0) === 0);
    world.kafka.disconnect(member.memberId());
    world.append(0, 5);
    world.kafka.deleteRecords(TOPIC, 0, 5);
    world.kafka.reconnect(member.memberId());
    await world.time.until(() => world.committed(0) === 5);
    await member.stop();
    world.append(0, 3);
    const next = await world.join("next", { beginOffset: "latest" });
    await world.time.until(() => world.caughtUp());
    expect(world.offsetsStarted(0)).toEqual([5, 6, 7]);
    await next.stop();
  });
});

describe("a stop in good order", () => {
  it("starts nothing new, waits for what is under way, commits it and leaves the group", async () => {
    const world = groupWorld({ partitions: 2, records: 50 });
    const member = await world.join("billing", { eachMessage: () => world.sleep(100) });
    await world.time.until(() => world.started.length === 6);
    const stopping = member.stop();
    await stopping;
    expect(world.done).toHaveLength(world.started.length);
    for (const p of [0, 1]) expect(world.committed(p)).toBe(world.offsetsStarted(p).length);
    expect(world.kafka.describe(GROUP).members).toEqual([]);

    const next = await world.join("next");
    await world.time.until(() => world.caughtUp());
    expect(new Set(world.offsetsStarted(0)).size).toBe(world.offsetsStarted(0).length);
    expect(world.verdict()).toEqual(NOTHING_BROKEN);
    await next.stop();
  });

  it("gives up at the deadline and names what it gave up", async () => {
    const world = groupWorld({ partitions: 1, records: 3 });
    let aborted = false;
    const member = await world.join("billing", {
      drainTimeoutMs: 1_000,
      eachMessage: ({ signal, message }) => {
        if (message.offset !== "1") return;
        signal.addEventListener("abort", () => {
          aborted = true;
        });
        return world.sleep(1e6);
      },
    });
    await world.time.until(() => world.started.length === 2);
    const from = world.time.now();
    await member.stop();
    expect(world.time.now() - from).toBeLessThan(1_200);
    expect(aborted).toBe(true);
    expect(world.committed(0)).toBe(1);
    expect(member.events).toContainEqual(
      expect.objectContaining({ type: "given_up", partition: 0, firstOffset: 1, lastOffset: 1 }),
    );
  });
});

function owns(member: { status(partition: number): unknown }, partition: number): boolean {
  try {
    member.status(partition);
    return true;
  } catch {
    return false;
  }
}
