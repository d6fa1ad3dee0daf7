/** Why this exists: the part of the contract about a log's edges, errors, sinks and endings. */
import { describe, expect, it } from "vitest";
import { type Bench, texts, until } from "./contract-bench.ts";

export function edgeCases(bench: Bench): void {
  describe("at the edges", () => {
    it("reports an attach above the log's end, and fetches nothing until attached anew", async () => {
      const topic = await bench.topic(1, texts(0, 3));
      const member = await bench.joined({ groupId: bench.name("group"), topics: [topic] });
      const owned = member.must(topic, 0);
      const route = member.attach(owned, 50);
      await bench.settled(() => route.ranges.length > 0, "out of range");
      expect(route.ranges).toEqual([{ position: 50, earliest: 0, latest: 3 }]);
      member.session.resume(owned);
      await bench.quiet();
      expect(route.ranges.length).toBe(1);
      expect(route.batches).toEqual([]);
      const again = member.attach(owned, 1);
      await bench.settled(() => again.offsets().length >= 2, "records after the new attach");
      expect(again.offsets()).toEqual([1, 2]);
    });

    it("takes an attach at the log's end for good", async () => {
      const topic = await bench.topic(1, texts(0, 3));
      const member = await bench.joined({ groupId: bench.name("group"), topics: [topic] });
      const route = member.attach(member.must(topic, 0), 3);
      await bench.quiet();
      expect(route.ranges).toEqual([]);
      await bench.world.append(topic, 0, texts(3, 5));
      await bench.settled(() => route.offsets().length >= 2, "the new records");
      expect(route.offsets()).toEqual([3, 4]);
    });

    it("reports an attach below the log's beginning", async (test) => {
      const { deleteRecords } = bench.world;
      if (deleteRecords === undefined) return test.skip();
      const topic = await bench.topic(1, texts(0, 10));
      await deleteRecords(topic, 0, 6);
      const member = await bench.joined({ groupId: bench.name("group"), topics: [topic] });
      const [position] = await member.positions();
      expect(position).toMatchObject({ earliest: 6, latest: 10 });
      const route = member.attach(member.must(topic, 0), 2);
      await bench.settled(() => route.ranges.length > 0, "out of range");
      expect(route.ranges).toEqual([{ position: 2, earliest: 6, latest: 10 }]);
      expect(route.batches).toEqual([]);
    });

    it("never skips in silence what retention took from under a paused position", async (test) => {
      const { deleteRecords } = bench.world;
      if (deleteRecords === undefined) return test.skip();
      const topic = await bench.topic(1, texts(0, 3));
      const member = await bench.joined({ groupId: bench.name("group"), topics: [topic] });
      const owned = member.must(topic, 0);
      const route = member.attach(owned, 0, () => member.session.pause(owned));
      await bench.settled(() => route.batches.length > 0, "the first batch");
      const position = route.position();
      await bench.world.append(topic, 0, texts(3, 20));
      await deleteRecords(topic, 0, 15);
      member.session.resume(owned);
      await bench.settled(() => route.ranges.length > 0, "the loss is reported");
      expect(route.ranges[0]?.position).toBe(position);
      expect(route.batches).toHaveLength(1);
    });

    it("advances to the log's end past control records, after records and alone", async (test) => {
      const { appendControl } = bench.world;
      if (appendControl === undefined) return test.skip();
      const topic = await bench.topic(1, texts(0, 3));
      await appendControl(topic, 0);
      const member = await bench.joined({ groupId: bench.name("group"), topics: [topic] });
      const end = async (): Promise<number> => (await member.positions())[0]?.latest ?? -1;
      const first = await end();
      expect(first).toBeGreaterThan(3);
      const route = member.attach(member.must(topic, 0), 0);
      await bench.settled(() => route.position() === first, "the position is at the end");
      await appendControl(topic, 0);
      const second = await end();
      expect(second).toBeGreaterThan(first);
      await bench.settled(() => route.position() === second, "the position is at the new end");
      expect(route.batches.at(-1)?.nextOffset).toBe(second);
      expect(route.batches.every((batch) => batch.resetFrom === undefined)).toBe(true);
      expect(route.values().slice(0, 3)).toEqual(texts(0, 3));
    });

    it("is lost for good where a topic does not exist", async () => {
      const missing = bench.name("missing");
      const there = await bench.topic(1);
      const member = bench.join({ groupId: bench.name("group"), topics: [there, missing] });
      await until(() => member.lost.length > 0, bench.world.timing.lostMs, "lost");
      expect(member.lost[0]).toMatchObject({ code: "unknown_topic", retriable: false });
      await bench.quiet();
      expect(member.lost.length).toBe(1);
      expect(member.assignments).toEqual([]);
    });

    it("is lost, and may be tried again, where no broker answers", async () => {
      const driver = bench.world.unreachable();
      const member = bench.join({ groupId: bench.name("group"), topics: ["any"], driver });
      await until(() => member.lost.length > 0, bench.world.timing.lostMs, "lost");
      expect(member.lost[0]).toMatchObject({ code: "unreachable", retriable: true });
      expect(member.session.confirmed()).toBe(false);
      expect(await member.session.positions()).toMatchObject({ ok: false });
      await member.session.close();
    });

    it("calls nothing after close, and answers with values", async () => {
      const topic = await bench.topic(1, texts(0, 3));
      const member = await bench.joined({ groupId: bench.name("group"), topics: [topic] });
      const owned = member.must(topic, 0);
      const route = member.attach(owned, 0);
      await bench.settled(() => route.offsets().length >= 3, "the records");
      await Promise.all([member.session.close(), member.session.close()]);
      const seen = [member.assignments.length, member.revoked];
      await bench.world.append(topic, 0, texts(3, 6));
      expect(await member.commit(owned, 3)).toMatchObject({ status: "failed" });
      expect(await member.session.positions()).toMatchObject({ ok: false });
      expect(member.attach(owned, 0).attached).toBe(false);
      await bench.quiet();
      expect(route.offsets()).toEqual([0, 1, 2]);
      expect([member.assignments.length, member.revoked]).toEqual(seen);
      expect(member.lost).toEqual([]);
    });

    it("joins nothing where the signal is aborted at once", async () => {
      const topic = await bench.topic(1);
      const groupId = bench.name("group");
      const member = bench.join({ groupId, topics: [topic] });
      member.abort.abort();
      await bench.quiet();
      expect(member.assignments).toEqual([]);
      await member.session.close();
      await bench.settled(
        async () => (await bench.world.groupMembers(groupId)).length === 0,
        "nobody is a member",
      );
    });
  });

  describe("a sink", () => {
    it("stores records in order and answers where", async () => {
      const topic = await bench.topic(2);
      const messages = texts(0, 3).map((value) => ({ value, partition: 1 }));
      const sent = await bench.sink().send(topic, messages);
      const stored = [0, 1, 2].map((offset) => ({ topic, partition: 1, offset }));
      expect(sent).toEqual({ ok: true, value: stored });
      const member = await bench.joined({ groupId: bench.name("group"), topics: [topic] });
      const route = member.attach(member.must(topic, 1), 0);
      await bench.settled(() => route.offsets().length >= 3, "what was sent");
      expect(route.values()).toEqual(texts(0, 3));
    });

    it("keeps key, headers and null values, and one key to one partition", async () => {
      const topic = await bench.topic(3);
      const sink = bench.sink();
      const first = await sink.send(topic, [{ key: "k", value: null, headers: { who: "me" } }]);
      const second = await sink.send(topic, [{ key: "k", value: "x" }]);
      if (!first.ok || !second.ok) throw new Error("not stored");
      const [at] = first.value;
      expect(second.value[0]).toEqual({ topic, partition: at?.partition, offset: 1 });
      const member = await bench.joined({ groupId: bench.name("group"), topics: [topic] });
      const route = member.attach(member.must(topic, at?.partition ?? -1), 0);
      await bench.settled(() => route.offsets().length >= 2, "what was sent");
      const [read] = route.batches.flatMap((batch) => batch.messages);
      expect(String(read?.key)).toBe("k");
      expect(read?.value).toBeNull();
      expect(String(read?.headers?.who)).toBe("me");
      expect(Number(read?.timestamp)).toBeGreaterThan(0);
    });

    it("answers with a value what cannot be stored", async () => {
      const topic = await bench.topic(2);
      const sink = bench.sink();
      const missing = await sink.send(bench.name("missing"), [{ value: "x" }]);
      expect(missing).toMatchObject({ ok: false, error: { code: "unknown_topic" } });
      const beyond = await sink.send(topic, [{ value: "x", partition: 9 }]);
      expect(beyond).toMatchObject({ ok: false, error: { code: "unknown_partition" } });
      await sink.close();
      const late = await sink.send(topic, [{ value: "x" }]);
      expect(late).toMatchObject({ ok: false, error: { code: "closed" } });
    });

    it.each([
      ["a number", { value: 5 }],
      ["an object", { value: {} }],
      ["nothing", {}],
      ["a key that is a number", { value: "z", key: 7 }],
      ["a header that is null", { value: "z", headers: { a: null } }],
      ["no object", null],
    ])("answers with a value that a record is none: %s", async (_what, record) => {
      const topic = await bench.topic(1);
      const sent = await bench.sink().send(topic, [{ value: "good" }, record as never]);
      expect(sent).toMatchObject({ ok: false, error: { code: "failed" } });
      const member = await bench.joined({ groupId: bench.name("group"), topics: [topic] });
      expect(await member.positions()).toMatchObject([{ latest: 0 }]);
    });

    it("is told how many partitions each topic has", async () => {
      const [one, three] = [await bench.topic(1), await bench.topic(3)];
      const driver = bench.world.driver();
      expect(await driver.partitions([three, one])).toEqual({ ok: true, value: [3, 1] });
      const missing = await driver.partitions([one, bench.name("missing")]);
      expect(missing).toMatchObject({ ok: false, error: { code: "unknown_topic" } });
    });
  });
}
