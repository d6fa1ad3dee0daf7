/** Why this exists: what only a real broker and kafkajs's own habits can show about the driver. */
import { Kafka, logLevel } from "kafkajs";
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from "vitest";
import { createBench, numbers, type Probe, sleep, texts } from "../contract/contract-bench.ts";
import { describeGroup } from "./kafka-server.mjs";
import { kafkajsWorld, TIMING, transact } from "./kafkajs-world.ts";

/** Longer than the session timeout of 6 s. */
const LONG_MS = 9_000;

describe("kafkajs on a broker", () => {
  const bench = createBench();
  const { bootstrap } = inject("kafka");
  beforeAll(async () => bench.open(await kafkajsWorld(bootstrap)));
  afterEach(() => bench.closeAll());
  afterAll(() => bench.world.close());

  const membersAre = async (groupId: string, probe: Probe): Promise<void> => {
    const ids = await bench.world.groupMembers(groupId);
    expect(ids).toContain(probe.assignments[0]?.memberId);
  };

  it("keeps the member through a hold longer than the session timeout", async () => {
    const topic = await bench.topic(2, texts(0, 5));
    const groupId = bench.name("group");
    const first = await bench.joined({ groupId, topics: [topic] });
    const route = first.attach(first.must(topic, 0), 0);
    await bench.settled(() => route.offsets().length === 5, "the records");
    first.rejoins = false;
    const second = bench.join({ groupId, topics: [topic] });
    await bench.settled(() => first.revoked === 1, "revoking");
    await sleep(LONG_MS);
    expect(second.assignments).toEqual([]);
    expect(first.session.confirmed()).toBe(true);
    expect(await first.commit(first.must(topic, 0), 5)).toMatchObject({ status: "committed" });
    first.session.rejoin();
    await bench.settled(() => second.assignments.length === 1, "the other is assigned");
    // Each is told on a connection of its own, whichever first.
    await bench.settled(() => first.assignments.length > 1, "its own next assignment");
    expect(first.assignments.length).toBe(2);
    expect(first.assignments[1]?.memberId).toBe(first.assignments[0]?.memberId);
  });

  it("lets go of a hold in time where nothing was read, and nothing can heartbeat", async () => {
    const topic = await bench.topic(2);
    const groupId = bench.name("group");
    const first = await bench.joined({ groupId, topics: [topic] });
    first.rejoins = false;
    const second = bench.join({ groupId, topics: [topic] });
    await bench.settled(() => second.assignments.length === 1, "the other is assigned");
    await bench.settled(() => first.assignments.length === 2, "rejoined");
    expect(first.assignments[1]?.memberId).toBe(first.assignments[0]?.memberId);
  });

  it("ends a hold that nobody ends before the rebalance timeout does", async () => {
    const topic = await bench.topic(2, texts(0, 5));
    const groupId = bench.name("group");
    const first = await bench.joined({ groupId, topics: [topic] });
    const route = first.attach(first.must(topic, 0), 0);
    await bench.settled(() => route.offsets().length === 5, "the records");
    first.rejoins = false;
    const second = bench.join({ groupId, topics: [topic] });
    await sleep(TIMING.rebalanceTimeout);
    await bench.settled(() => second.assignments.length === 1, "the other is assigned");
    await bench.settled(() => first.assignments.length === 2, "rejoined");
    expect(first.assignments[1]?.memberId).toBe(first.assignments[0]?.memberId);
  });

  it("heartbeats while every partition is paused", async () => {
    const topic = await bench.topic(1, texts(0, 5));
    const groupId = bench.name("group");
    const member = await bench.joined({ groupId, topics: [topic] });
    const owned = member.must(topic, 0);
    const route = member.attach(owned, 0, () => member.session.pause(owned));
    await bench.settled(() => route.batches.length > 0, "a batch");
    await sleep(LONG_MS);
    expect(member.session.confirmed()).toBe(true);
    await membersAre(groupId, member);
    expect(member.assignments.length).toBe(1);
    await bench.world.append(topic, 0, texts(5, 6));
    member.session.resume(owned);
    await bench.settled(() => route.offsets().length === 6, "the rest after the pause");
    expect(route.offsets()).toEqual(numbers(0, 6));
  });

  it("advances over transactions of one record each, committed and aborted", async () => {
    const topic = await bench.topic(1);
    const kafka = new Kafka({ brokers: [bootstrap], logLevel: logLevel.NOTHING });
    const member = await bench.joined({ groupId: bench.name("group"), topics: [topic] });
    const route = member.attach(member.must(topic, 0), 0);
    await transact(kafka, topic, 0, texts(0, 10), "commit");
    await transact(kafka, topic, 0, texts(10, 15), "abort");
    await bench.settled(() => route.position() === 30, "the end");
    expect(route.values()).toEqual(texts(0, 10));
    expect(route.batches.every((batch) => batch.resetFrom === undefined)).toBe(true);
  });

  it("reports a reset that kafkajs made itself; its negative commit counts as none", async () => {
    const topic = await bench.topic(1, texts(0, 3));
    const groupId = bench.name("group");
    const member = await bench.joined({ groupId, topics: [topic] });
    const owned = member.must(topic, 0);
    const route = member.attach(owned, 0, () => member.session.pause(owned));
    await bench.settled(() => route.batches.length === 1, "the first batch");
    await member.commit(owned, 3);
    await bench.world.append(topic, 0, texts(3, 20));
    await bench.world.deleteRecords?.(topic, 0, 15);
    // A fresh short pause, so that this resume does not ask for the range.
    member.session.resume(owned);
    await bench.settled(() => route.ranges.length > 0, "the news of the reset");
    expect(route.ranges).toEqual([{ position: 3, earliest: 15, latest: 20 }]);
    expect(route.batches).toHaveLength(1);
    expect(await bench.committedOffset(groupId, topic, 0)).toBe(-2);
    expect(await member.positions()).toMatchObject([{ committed: null, earliest: 15 }]);
    const again = member.attach(owned, 15);
    await bench.settled(() => again.position() === 20, "the rest");
    expect(again.batches[0]).toMatchObject({ firstOffset: 15 });
    expect(await member.commit(owned, 20)).toMatchObject({ status: "committed" });
    expect(await bench.committedOffset(groupId, topic, 0)).toBe(20);
  });

  it("reports a topic that was made anew, whose log ends below the position", async () => {
    const topic = await bench.topic(1, texts(0, 10));
    const member = await bench.joined({ groupId: bench.name("group"), topics: [topic] });
    const route = member.attach(member.must(topic, 0), 0);
    await bench.settled(() => route.position() === 10, "the records");
    const admin = new Kafka({ brokers: [bootstrap], logLevel: logLevel.NOTHING }).admin();
    await admin.connect();
    await admin.deleteTopics({ topics: [topic] });
    await sleep(100);
    await admin.createTopics({ topics: [{ topic, numPartitions: 1 }] });
    await bench.world.append(topic, 0, texts(0, 4));
    const told = (): boolean => route.ranges.length > 0 || member.lost.length > 0;
    await bench.settled(told, "the loss is told");
    expect(route.offsets()).toEqual(numbers(0, 10));
    if (member.lost.length === 0) expect(route.ranges[0]).toMatchObject({ position: 10 });
    await admin.disconnect();
  });

  it("is not confirmed after a blocked loop, commits nothing, and comes back anew", async () => {
    const topic = await bench.topic(1, texts(0, 5));
    const groupId = bench.name("group");
    const member = await bench.joined({ groupId, topics: [topic] });
    const owned = member.must(topic, 0);
    const route = member.attach(owned, 0);
    await bench.settled(() => route.offsets().length === 5, "the records");
    const end = performance.now() + LONG_MS;
    while (performance.now() < end);
    expect(member.session.confirmed()).toBe(false);
    expect(await member.commit(owned, 5)).toMatchObject({ status: "rebalancing" });
    await bench.settled(() => member.assignments.length === 2, "assigned again");
    expect(member.must(topic, 0).epoch).not.toBe(owned.epoch);
    expect(member.session.confirmed()).toBe(true);
    expect(await bench.committedOffset(groupId, topic, 0)).toBe(-1);
  });

  it("commits what Kafka's own tool then shows, and its lag", async () => {
    const topic = await bench.topic(1, texts(0, 5));
    const groupId = bench.name("group");
    const member = await bench.joined({ groupId, topics: [topic] });
    await member.commit(member.must(topic, 0), 3);
    const shown = await describeGroup({ bootstrap, group: groupId });
    const row = shown.split("\n").find((line) => line.startsWith(groupId));
    expect(row?.split(/\s+/).slice(1, 6)).toEqual([topic, "0", "3", "5", "2"]);
  });

  it("answers for each of 2,500 records where it was stored", async () => {
    const topic = await bench.topic(3);
    const sent = await bench.sink().send(
      topic,
      numbers(0, 2_500).map((number) => ({ value: `${number}`, key: `${number % 50}` })),
    );
    if (!sent.ok) throw sent.error;
    expect(sent.value.length).toBe(2_500);
    const member = await bench.joined({ groupId: bench.name("group"), topics: [topic] });
    const routes = [0, 1, 2].map((partition) => member.attach(member.must(topic, partition), 0));
    const read = (): number => routes.reduce((sum, route) => sum + route.offsets().length, 0);
    await bench.settled(() => read() === 2_500, "all records");
    for (const [index, { partition, offset }] of sent.value.entries()) {
      expect(routes[partition]?.values()[offset]).toBe(`${index}`);
    }
  });
});
