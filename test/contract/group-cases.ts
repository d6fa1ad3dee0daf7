/** Why this exists: the part of the contract about members that come, stay and go. */
import { describe, expect, it } from "vitest";
import type { Assignment } from "../../src/ports/log-driver.ts";
import { type Bench, numbers, type Probe, texts } from "./contract-bench.ts";

const partitionsOf = (assignment: Assignment | undefined): number[] =>
  (assignment?.partitions ?? []).map((each) => each.partition).sort((a, b) => a - b);

interface Pair {
  readonly topic: string;
  readonly groupId: string;
  readonly first: Probe;
  readonly second: Probe;
  /** A partition that the first member has kept, and one that it lost to the second. */
  readonly kept: number;
  readonly gone: number;
}

/** Two members share two partitions; `before` runs while the first has both. */
async function pair(bench: Bench, before: (first: Probe, topic: string) => Promise<void>) {
  const topic = await bench.topic(2, texts(0, 5));
  await bench.world.append(topic, 1, texts(0, 5));
  const groupId = bench.name("group");
  const first = await bench.joined({ groupId, topics: [topic] });
  await before(first, topic);
  const second = await bench.joined({ groupId, topics: [topic] });
  const split = (): boolean =>
    first.assignments.at(-1)?.partitions.length === 1 &&
    second.assignments.at(-1)?.partitions.length === 1;
  await bench.settled(split, "each has one partition");
  const [kept = -1] = partitionsOf(first.assignments.at(-1));
  return { topic, groupId, first, second, kept, gone: 1 - kept } satisfies Pair;
}

export function groupCases(bench: Bench): void {
  describe("a group", () => {
    it("divides the partitions, and is confirmed by the broker", async () => {
      const { first, second, topic, groupId } = await pair(bench, async () => {});
      const all = [first, second].flatMap((each) => partitionsOf(each.assignments.at(-1)));
      expect(all.sort()).toEqual([0, 1]);
      expect(first.session.confirmed()).toBe(true);
      const ids = await bench.world.groupMembers(groupId);
      expect(ids.sort()).toEqual(
        [first, second].map((each) => each.assignments.at(-1)?.memberId).sort(),
      );
      expect(first.owned(topic, 7)).toBeUndefined();
    });

    it("holds the rejoin until rejoin() and takes commits meanwhile", async () => {
      const topic = await bench.topic(2, texts(0, 5));
      const groupId = bench.name("group");
      const first = await bench.joined({ groupId, topics: [topic] });
      first.rejoins = false;
      const second = bench.join({ groupId, topics: [topic] });
      await bench.settled(() => first.revoked === 1, "revoking");
      await bench.quiet();
      expect(second.assignments).toEqual([]);
      expect(first.assignments.length).toBe(1);
      expect(first.session.confirmed()).toBe(true);
      expect(await first.commit(first.must(topic, 0), 3)).toMatchObject({ status: "committed" });
      expect(await bench.committedOffset(groupId, topic, 0)).toBe(3);
      first.rejoins = true;
      first.session.rejoin();
      const both = (): boolean => first.assignments.length > 1 && second.assignments.length > 0;
      await bench.settled(both, "both assigned");
      expect(first.revoked).toBe(1);
      expect(first.assignments[1]?.memberId).toBe(first.assignments[0]?.memberId);
    });

    it("stores nothing between JoinGroup and the assignment", async () => {
      const topic = await bench.topic(2, texts(0, 5));
      const groupId = bench.name("group");
      const [first, third] = [
        await bench.joined({ groupId, topics: [topic] }),
        await bench.joined({ groupId, topics: [topic] }),
      ];
      await bench.settled(() => first.assignments.at(-1)?.partitions.length === 1, "a split");
      third.rejoins = false;
      const mine = first.assignments.at(-1)?.partitions[0];
      if (mine === undefined) throw new Error("no partition");
      const [seen, revoked] = [first.assignments.length, first.revoked];
      bench.join({ groupId, topics: [topic] });
      // The first has rejoined and waits; the third holds its own rejoin back.
      const both = (): boolean => first.revoked > revoked && third.revoked > 0;
      await bench.settled(both, "both revoking");
      await bench.quiet();
      expect(first.assignments.length).toBe(seen);
      expect(await first.commit(mine, 4)).toMatchObject({ status: "rebalancing" });
      expect(await bench.committedOffset(groupId, topic, mine.partition)).toBe(-1);
      third.rejoins = true;
      third.session.rejoin();
      await bench.settled(() => first.assignments.length > seen, "assigned again");
    });

    it("keeps epoch, route and position of a kept partition: no rewind to the commit", async () => {
      const routes: ReturnType<Probe["attach"]>[] = [];
      const { first, topic, kept } = await pair(bench, async (member, name) => {
        for (const partition of [0, 1]) routes.push(member.attach(member.must(name, partition), 0));
        const all = (): boolean => routes.every((route) => route.offsets().length >= 5);
        await bench.settled(all, "both partitions read");
        for (const partition of [0, 1]) await member.commit(member.must(name, partition), 1);
      });
      const epochs = first.assignments.map(
        (each) => each.partitions.find((owned) => owned.partition === kept)?.epoch,
      );
      expect(new Set(epochs).size).toBe(1);
      await bench.world.append(topic, kept, texts(5, 8));
      const route = routes[kept];
      await bench.settled(() => (route?.offsets().length ?? 0) >= 8, "the new records");
      await bench.quiet();
      expect(route?.offsets()).toEqual(numbers(0, 8));
      expect(await first.commit(first.must(topic, kept), 8)).toMatchObject({ fenced: [] });
    });

    it("delivers nothing more of a lost partition, and fences its commits", async () => {
      const routes: ReturnType<Probe["attach"]>[] = [];
      const { first, second, topic, groupId, kept, gone } = await pair(
        bench,
        async (member, name) => {
          for (const partition of [0, 1])
            routes.push(member.attach(member.must(name, partition), 0));
          const all = (): boolean => routes.every((route) => route.offsets().length >= 5);
          await bench.settled(all, "both partitions read");
        },
      );
      const before = first.assignments[0]?.partitions.find((each) => each.partition === gone);
      if (before === undefined) throw new Error("it was never owned");
      await bench.world.append(topic, gone, texts(5, 8));
      expect(await second.commit(second.must(topic, gone), 4)).toMatchObject({ fenced: [] });
      const result = await first.session.commit([
        { ...before, offset: 5, metadata: "" },
        { ...first.must(topic, kept), offset: 3, metadata: "" },
      ]);
      expect(result).toMatchObject({ status: "committed", fenced: [{ topic, partition: gone }] });
      expect(await bench.committedOffset(groupId, topic, gone)).toBe(4);
      expect(await bench.committedOffset(groupId, topic, kept)).toBe(3);
      await bench.quiet();
      expect(routes[gone]?.offsets()).toEqual(numbers(0, 5));
      expect(first.attach(before, 0).attached).toBe(false);
    });

    it("gives a partition that was lost and regained a new epoch, and no route", async () => {
      const routes: ReturnType<Probe["attach"]>[] = [];
      const { first, second, topic, gone } = await pair(bench, async (member, name) => {
        for (const partition of [0, 1]) routes.push(member.attach(member.must(name, partition), 0));
        const all = (): boolean => routes.every((route) => route.offsets().length >= 5);
        await bench.settled(all, "both partitions read");
      });
      const before = first.assignments[0]?.partitions.find((each) => each.partition === gone);
      await second.session.close();
      await bench.settled(() => first.owned(topic, gone) !== undefined, "regained");
      expect(first.must(topic, gone).epoch).not.toBe(before?.epoch);
      await bench.world.append(topic, gone, texts(5, 8));
      await bench.quiet();
      expect(routes[gone]?.offsets()).toEqual(numbers(0, 5));
      const again = first.attach(first.must(topic, gone), 5);
      await bench.settled(() => again.offsets().length >= 3, "the regained partition's records");
      expect(again.offsets()).toEqual([5, 6, 7]);
    });

    for (const how of ["close", "abort"] as const) {
      it(`leaves at once by ${how}(), so that the other takes over before the session ends`, async () => {
        const { first, second, groupId } = await pair(bench, async () => {});
        const began = performance.now();
        if (how === "close") await second.session.close();
        else second.abort.abort();
        const over = (): boolean => first.assignments.at(-1)?.partitions.length === 2;
        await bench.settled(over, "taken over");
        expect(performance.now() - began).toBeLessThan(bench.world.timing.sessionTimeout);
        expect((await bench.world.groupMembers(groupId)).length).toBe(1);
        expect(second.lost).toEqual([]);
      });
    }

    it("leaves though its rejoin is held", async () => {
      const topic = await bench.topic(2);
      const groupId = bench.name("group");
      const first = await bench.joined({ groupId, topics: [topic] });
      first.rejoins = false;
      const second = bench.join({ groupId, topics: [topic] });
      await bench.settled(() => first.revoked === 1, "revoking");
      const began = performance.now();
      await first.session.close();
      await bench.settled(() => second.assignments.at(-1)?.partitions.length === 2, "taken over");
      expect(performance.now() - began).toBeLessThan(bench.world.timing.sessionTimeout);
      expect(first.assignments.length).toBe(1);
    });

    it("finds partitions that were added", async (test) => {
      const { addPartitions, timing } = bench.world;
      if (addPartitions === undefined) return test.skip();
      const topic = await bench.topic(1, texts(0, 3));
      const member = await bench.joined({ groupId: bench.name("group"), topics: [topic] });
      const { epoch } = member.must(topic, 0);
      await addPartitions(topic, 2);
      const end = performance.now() + timing.metadataMs;
      while (member.owned(topic, 1) === undefined && performance.now() < end) await bench.quiet();
      expect(member.must(topic, 1).epoch).not.toBe(epoch);
      expect(member.must(topic, 0).epoch).toBe(epoch);
    });
  });
}
