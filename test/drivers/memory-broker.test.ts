/**
 * Why this exists: outages, a log whose beginning moves under a reader, and that under a virtual
 * host the same calls give the same life.
 */
import { describe, expect, it } from "vitest";
import {
  during,
  GROUP,
  join,
  offsetsOf,
  records,
  setUp,
  TOPIC,
  two,
} from "../support/memory-world.ts";

describe("the broker", () => {
  it("keeps logs, commits and members through a short outage", async () => {
    const world = setUp(1);
    const member = join(world);
    await world.time.advance(100);
    member.attach(0, 0);
    world.kafka.append(TOPIC, 0, records(0, 3));
    await during(world.time, 100, member.commit(0, 2));
    world.kafka.stop();
    expect(await during(world.time, 10, member.commit(0, 3))).toMatchObject({ status: "failed" });
    expect(await during(world.time, 10, world.kafka.partitions([TOPIC]))).toMatchObject({
      error: { code: "unreachable", retriable: true },
    });
    await world.time.advance(3_000);
    world.kafka.start();
    world.kafka.append(TOPIC, 0, records(3, 5));
    await world.time.advance(1_000);
    expect(world.kafka.committed(GROUP)).toMatchObject([{ offset: 2 }]);
    expect(offsetsOf(member)).toEqual([0, 1, 2, 3, 4]);
    expect(member.assignments.length).toBe(1);
    expect(member.session.confirmed()).toBe(true);
  });

  it("is given up after a while, with an error that may be tried again", async () => {
    const world = setUp(1);
    const member = join(world);
    await world.time.advance(100);
    world.kafka.stop();
    await world.time.advance(9_000);
    expect(member.lost).toEqual([]);
    expect(member.session.confirmed()).toBe(false);
    await world.time.advance(3_000);
    expect(member.lost).toMatchObject([{ code: "unreachable", retriable: true }]);
    expect(await during(world.time, 10, member.commit(0, 1))).toMatchObject({ status: "failed" });
    await world.time.idle();
  });

  it("expels after its start a member that does not come back", async () => {
    const world = setUp(2);
    const [first, second] = await two(world);
    world.kafka.stop();
    world.kafka.disconnect(first.id());
    world.kafka.start();
    await world.time.advance(5_000);
    expect(world.kafka.describe(GROUP).members.length).toBe(2);
    await world.time.advance(3_000);
    expect(second.assignments.at(-1)?.partitions.length).toBe(2);
  });

  it("gives new epochs to a member that had to join twice, the first answer being lost", async () => {
    const world = setUp(2);
    const [first, second] = await two(world);
    const before = first.assignments.at(-1)?.partitions[0];
    const third = join(world);
    await world.time.until(() => world.kafka.describe(GROUP).state === "CompletingRebalance");
    world.kafka.drop(first.id());
    await world.time.until(() => world.kafka.describe(GROUP).state === "Stable");
    await world.time.advance(2_000);
    const all = [first, second, third].flatMap((each) => each.assignments.at(-1)?.partitions ?? []);
    expect(all.length).toBe(2);
    expect(first.assignments.at(-1)?.partitions.length).toBe(1);
    for (const owned of first.assignments.at(-1)?.partitions ?? []) {
      expect(owned.epoch).not.toBe(before?.epoch);
    }
  });
});

describe("fetching", () => {
  it("destroys the commit as kafkajs does, and tells the route that its position is gone", async () => {
    const world = setUp(1);
    const member = join(world);
    await world.time.advance(100);
    world.kafka.append(TOPIC, 0, records(0, 3));
    member.attach(0, 0);
    await during(world.time, 100, member.commit(0, 3));
    world.kafka.disconnect(member.id());
    world.kafka.append(TOPIC, 0, records(3, 20));
    world.kafka.deleteRecords(TOPIC, 0, 12);
    await world.time.advance(1_000);
    world.kafka.reconnect(member.id());
    await world.time.advance(500);
    expect(world.kafka.committed(GROUP)).toMatchObject([{ offset: -2 }]);
    expect(member.ranges).toEqual([{ position: 3, earliest: 12, latest: 20 }]);
    expect(member.batches).toHaveLength(1);
    member.attach(0, 12);
    await world.time.advance(500);
    expect(member.batches[1]).toMatchObject({ firstOffset: 12, nextOffset: 20 });
  });

  it("brings no more than the bytes asked for, and passes what compaction left out", async () => {
    const world = setUp(1);
    const member = join(world);
    await world.time.advance(100);
    world.kafka.append(
      TOPIC,
      0,
      records(0, 9).map(() => ({ value: "x".repeat(400) })),
    );
    world.kafka.compact(TOPIC, 0, (offset) => offset % 2 === 1);
    member.attach(0, 0);
    await world.time.advance(200);
    expect(offsetsOf(member)).toEqual([1, 3, 5, 7]);
    expect(member.batches.map((batch) => batch.messages.length)).toEqual([2, 2]);
    expect(member.batches.at(-1)?.nextOffset).toBe(9);
  });

  it("is woken by an append, long before the poll would end", async () => {
    const world = setUp(1);
    const member = join(world);
    await world.time.advance(100);
    member.attach(0, 0);
    await world.time.advance(50);
    world.kafka.append(TOPIC, 0, records(0, 1));
    await world.time.advance(2);
    expect(offsetsOf(member)).toEqual([0]);
  });
});

describe("admin calls", () => {
  it("throw where the programmer named what does not exist", () => {
    const { kafka } = setUp(1);
    expect(() => kafka.append(TOPIC, 3, [])).toThrow(TypeError);
    expect(() => kafka.createTopic(TOPIC, { partitions: 1 })).toThrow(TypeError);
    expect(() => kafka.addPartitions(TOPIC, 1)).toThrow(TypeError);
    expect(() => kafka.deleteRecords(TOPIC, 0, 9)).toThrow(TypeError);
    expect(() => kafka.freeze("nobody")).toThrow(TypeError);
  });
});

describe("determinism", () => {
  /** A life with most of what can happen in it. */
  async function life(): Promise<string[]> {
    const world = setUp(4);
    const [first, second] = await two(world);
    for (const { partition } of first.assignments.at(-1)?.partitions ?? []) {
      first.attach(partition, 0);
      world.kafka.append(TOPIC, partition, records(0, 40));
    }
    await world.time.advance(200);
    const partition = first.assignments.at(-1)?.partitions[0]?.partition ?? -1;
    await during(world.time, 5, first.commit(partition, 12));
    const third = join(world);
    await world.time.advance(1_000);
    world.kafka.freeze(second.id());
    await world.time.advance(9_000);
    world.kafka.thaw(second.id());
    world.kafka.stop();
    await world.time.advance(2_000);
    world.kafka.start();
    await world.time.advance(9_000);
    await Promise.all([during(world.time, 100, third.session.close()), first.session.close()]);
    await world.time.advance(3_000);
    await during(world.time, 100, second.session.close());
    await world.time.idle();
    return world.trace;
  }

  it("gives the same trace for the same calls, and comes to rest", async () => {
    const trace = await life();
    expect(trace.length).toBeGreaterThan(15);
    expect(await life()).toEqual(trace);
  });
});
