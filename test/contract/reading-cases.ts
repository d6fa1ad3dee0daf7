/** Why this exists: the part of the contract about one member that reads and commits. */
import { describe, expect, it } from "vitest";
import { type Bench, numbers, texts } from "./contract-bench.ts";

export function readingCases(bench: Bench): void {
  describe("reading", () => {
    it("reads from the attached offset in order, without gaps, each batch where the last ended", async () => {
      const topic = await bench.topic(1, texts(0, 20));
      const member = await bench.joined({ groupId: bench.name("group"), topics: [topic] });
      const route = member.attach(member.must(topic, 0), 3);
      await bench.settled(() => route.offsets().length >= 17, "the records that were there");
      await bench.world.append(topic, 0, texts(20, 25));
      await bench.settled(() => route.offsets().length >= 22, "the records that came later");
      expect(route.offsets()).toEqual(numbers(3, 25));
      expect(route.values()).toEqual(texts(3, 25));
      let expected = 3;
      for (const batch of route.batches) {
        expect(batch.firstOffset).toBe(expected);
        expect(batch.resetFrom).toBeUndefined();
        expect(batch.highWatermark).toBeGreaterThanOrEqual(batch.nextOffset);
        expected = batch.nextOffset;
      }
    });

    it("brings at least one record though each is larger than the byte limit", async () => {
      const values = numbers(0, 5).map((number) => `${number}`.repeat(2_000));
      const topic = await bench.topic(1, values);
      const groupId = bench.name("group");
      const member = await bench.joined({ groupId, topics: [topic], maxBytesPerPartition: 1_000 });
      const route = member.attach(member.must(topic, 0), 0);
      await bench.settled(() => route.offsets().length >= 5, "all five");
      expect(route.values()).toEqual(values);
    });

    it("delivers nothing to a partition that is not attached, or was detached", async () => {
      const topic = await bench.topic(2, texts(0, 3));
      await bench.world.append(topic, 1, texts(0, 3));
      const member = await bench.joined({ groupId: bench.name("group"), topics: [topic] });
      const route = member.attach(member.must(topic, 0), 0);
      await bench.settled(() => route.offsets().length >= 3, "the first records");
      member.session.detach(member.must(topic, 0));
      await bench.world.append(topic, 0, texts(3, 6));
      await bench.quiet();
      expect(route.offsets()).toEqual([0, 1, 2]);
      const other = member.attach(member.must(topic, 1), 1);
      await bench.settled(() => other.offsets().length >= 2, "the other partition's records");
      expect(other.offsets()).toEqual([1, 2]);
    });

    it("delivers nothing while paused, and goes on where the last batch ended", async () => {
      const topic = await bench.topic(1, texts(0, 3));
      const member = await bench.joined({ groupId: bench.name("group"), topics: [topic] });
      const owned = member.must(topic, 0);
      const route = member.attach(owned, 0, () => member.session.pause(owned));
      await bench.settled(() => route.batches.length > 0, "the first batch");
      const seen = route.offsets();
      await bench.world.append(topic, 0, texts(3, 6));
      await bench.quiet();
      expect(route.batches.length).toBe(1);
      member.session.resume(owned);
      await bench.settled(() => route.batches.length > 1, "the second batch");
      expect(route.offsets().slice(0, seen.length + 1)).toEqual(numbers(0, seen.length + 1));
      expect(route.ranges).toEqual([]);
    });

    it("replays from a lower offset after a new attach, and the old route hears no more", async () => {
      const topic = await bench.topic(1, texts(0, 10));
      const member = await bench.joined({ groupId: bench.name("group"), topics: [topic] });
      const first = member.attach(member.must(topic, 0), 0);
      await bench.settled(() => first.offsets().length >= 10, "all ten");
      const second = member.attach(member.must(topic, 0), 4);
      await bench.world.append(topic, 0, texts(10, 12));
      await bench.settled(() => second.offsets().length >= 8, "the replay");
      expect(second.offsets()).toEqual(numbers(4, 12));
      expect(second.batches.every((batch) => batch.resetFrom === undefined)).toBe(true);
      expect(first.offsets()).toEqual(numbers(0, 10));
    });

    it("drops the fetch under way when attached anew in the middle of it", async () => {
      const topic = await bench.topic(1, texts(0, 10));
      const member = await bench.joined({ groupId: bench.name("group"), topics: [topic] });
      const dropped = member.attach(member.must(topic, 0), 8);
      const route = member.attach(member.must(topic, 0), 2);
      await bench.settled(() => route.offsets().length >= 8, "the second attach's records");
      expect(dropped.batches).toEqual([]);
      expect(route.offsets()).toEqual(numbers(2, 10));
    });

    it("attaches and commits nothing under an epoch that is not live", async () => {
      const topic = await bench.topic(2, texts(0, 5));
      const groupId = bench.name("group");
      const member = await bench.joined({ groupId, topics: [topic] });
      const live = member.must(topic, 0);
      const stale = { ...member.must(topic, 1), epoch: 987_654 };
      expect(member.attach(stale, 0).attached).toBe(false);
      const result = await member.session.commit([
        { ...live, offset: 2, metadata: "two" },
        { ...stale, offset: 4, metadata: "" },
      ]);
      expect(result.status).toBe("committed");
      const fenced = result.status === "committed" ? result.fenced : [];
      expect(fenced.map((each) => each.partition)).toEqual([1]);
      expect(await bench.committedOffset(groupId, topic, 0)).toBe(2);
      expect(await bench.committedOffset(groupId, topic, 1)).toBe(-1);
    });

    it("stores an offset and its metadata for each partition, and tells them again", async () => {
      const topic = await bench.topic(3, texts(0, 5));
      const groupId = bench.name("group");
      await bench.world.commitRaw(groupId, topic, 2, -2);
      const member = await bench.joined({ groupId, topics: [topic] });
      const result = await member.session.commit([
        { ...member.must(topic, 0), offset: 2, metadata: "two" },
        { ...member.must(topic, 1), offset: 0, metadata: "" },
      ]);
      expect(result).toMatchObject({ status: "committed", fenced: [] });
      const held = await bench.world.committed(groupId, topic);
      expect(held.find((each) => each.partition === 0)).toMatchObject({
        offset: 2,
        metadata: "two",
      });
      const [zero, one, two] = await member.positions();
      expect(zero).toEqual({
        topic,
        partition: 0,
        committed: 2,
        metadata: "two",
        earliest: 0,
        latest: 5,
      });
      expect(one).toMatchObject({ partition: 1, committed: 0, metadata: "", latest: 0 });
      expect(two).toMatchObject({ partition: 2, committed: null, earliest: 0, latest: 0 });
    });

    it("tells with every assignment what was committed before this member first joined", async () => {
      const topic = await bench.topic(2, texts(0, 5));
      const groupId = bench.name("group");
      await bench.world.commitRaw(groupId, topic, 0, 2);
      const member = await bench.joined({ groupId, topics: [topic] });
      await member.commit(member.must(topic, 0), 4);
      const other = await bench.joined({ groupId, topics: [topic] });
      await bench.settled(() => member.assignments.length > 1, "a second assignment");
      for (const { beforeJoin } of member.assignments) {
        expect(beforeJoin).toMatchObject([
          { topic, partition: 0, committed: 2, earliest: 0, latest: 5 },
          { topic, partition: 1, committed: null, earliest: 0, latest: 0 },
        ]);
      }
      expect(other.assignments[0]?.beforeJoin[0]).toMatchObject({ committed: 4 });
    });
  });
}
