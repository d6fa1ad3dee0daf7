/**
 * Why this exists: what the contract cannot ask of a real broker in passing: sessions that expire,
 * answers that are lost, and how little the broker itself asks of a commit.
 */
import { describe, expect, it } from "vitest";
import type { AppliedCommit } from "../../src/drivers/memory-kafka.ts";
import { during, GROUP, join, setUp, TOPIC, two, type World } from "../support/memory-world.ts";

describe("sessions", () => {
  it("expels a frozen member, which comes back as a new one with new epochs", async () => {
    const world = setUp(2);
    const [first, second] = await two(world);
    const frozen = first.id();
    const before = first.assignments.at(-1)?.partitions.map((each) => each.epoch) ?? [];
    world.kafka.freeze(frozen);
    await world.time.advance(4_000);
    expect(first.session.confirmed()).toBe(true);
    expect(second.assignments.at(-1)?.partitions.length).toBe(1);
    await world.time.advance(4_000);
    expect(first.session.confirmed()).toBe(false);
    expect(second.assignments.at(-1)?.partitions.length).toBe(2);
    world.kafka.thaw(frozen);
    await world.time.advance(2_000);
    expect(first.id()).not.toBe(frozen);
    expect(first.session.confirmed()).toBe(true);
    const epochs = first.assignments.at(-1)?.partitions.map((each) => each.epoch) ?? [];
    expect(epochs.length).toBe(1);
    expect(before).not.toContain(epochs[0]);
  });

  it("sends a frozen member's commit when it is thawed, and the broker refuses it", async () => {
    const world = setUp(2);
    const [first] = await two(world);
    const { partition } = first.owned(first.assignments.at(-1)?.partitions[0]?.partition ?? -1);
    world.kafka.freeze(first.id());
    const pending = first.commit(partition, 5);
    await world.time.advance(10_000);
    expect(world.kafka.committed(GROUP)).toEqual([]);
    world.kafka.thaw(first.id());
    expect(await during(world.time, 5, pending)).toEqual({
      status: "rebalancing",
      reason: "UNKNOWN_MEMBER_ID",
    });
    expect(world.kafka.committed(GROUP)).toEqual([]);
  });

  it("is not confirmed by an answer that waited while the client was frozen", async () => {
    const world = setUp(1);
    const member = join(world);
    await world.time.advance(100);
    const pending = member.commit(0, 1);
    await world.time.advance(1);
    world.kafka.freeze(member.id());
    await world.time.advance(10_000);
    world.kafka.thaw(member.id());
    expect(member.session.confirmed()).toBe(false);
    expect(await pending).toMatchObject({ status: "committed" });
    expect(member.session.confirmed()).toBe(false);
  });

  it("ends a hold that outlasts the rebalance timeout by joining itself, in time", async () => {
    const world = setUp(2);
    const first = join(world, { rejoins: false });
    await world.time.advance(100);
    const id = first.id();
    const second = join(world);
    await world.time.advance(15_000);
    expect(second.assignments).toEqual([]);
    await world.time.advance(10_000);
    expect(second.assignments.length).toBe(1);
    expect(first.id()).toBe(id);
    expect(first.assignments.length).toBe(2);
  });

  it("goes on without a member that does not rejoin within the rebalance timeout", async () => {
    const world = setUp(2);
    const first = join(world, { rejoins: false });
    await world.time.advance(100);
    world.kafka.disconnect(first.id());
    const second = join(world);
    await world.time.advance(7_000);
    expect(second.assignments.at(-1)?.partitions.length).toBe(2);
    expect(world.kafka.describe(GROUP).members.length).toBe(1);
  });

  it("keeps waiting for the sync of a leader that froze, until its session ends", async () => {
    const world = setUp(2);
    const first = join(world);
    await world.time.advance(100);
    const second = join(world);
    await world.time.until(() => world.kafka.describe(GROUP).state === "CompletingRebalance");
    const leader = world.kafka.describe(GROUP).leaderId;
    expect(leader).toBe(first.id());
    world.kafka.freeze(first.id());
    await world.time.advance(5_000);
    expect(second.assignments).toEqual([]);
    await world.time.advance(3_000);
    expect(second.assignments.at(-1)?.partitions.length).toBe(2);
  });
});

describe("commits", () => {
  const as = (world: World, commit: Partial<AppliedCommit>): string | null => {
    const { generation, members } = world.kafka.describe(GROUP);
    const memberId = members[0]?.memberId ?? "";
    const base = { groupId: GROUP, memberId, generation, topic: TOPIC, metadata: "" };
    return world.kafka.commitAs({ ...base, partition: 0, offset: 1, ...commit });
  };

  it("are taken from any member of the generation, for any partition, lower and negative", async () => {
    const world = setUp(2);
    const [first, second] = await two(world);
    const foreign = second.assignments.at(-1)?.partitions[0]?.partition ?? -1;
    const memberId = first.id();
    for (const offset of [9, 3, -2]) {
      expect(as(world, { memberId, partition: foreign, offset })).toBeNull();
      const held = world.kafka.committed(GROUP).find((each) => each.partition === foreign);
      expect(held?.offset).toBe(offset);
    }
    const positions = await during(world.time, 10, first.session.positions());
    expect(positions.ok && positions.value[foreign]?.committed).toBeNull();
  });

  it("are refused from an old generation and from a stranger", async () => {
    const world = setUp(1);
    const member = join(world);
    await world.time.advance(100);
    expect(as(world, { generation: 0 })).toBe("ILLEGAL_GENERATION");
    expect(as(world, { memberId: "stranger" })).toBe("UNKNOWN_MEMBER_ID");
    expect(as(world, { memberId: "", generation: -1 })).toBe("UNKNOWN_MEMBER_ID");
    expect(world.kafka.committed(GROUP)).toEqual([]);
    expect(member.assignments.length).toBe(1);
  });

  it("are refused while a generation is complete but not yet divided", async () => {
    const world = setUp(1);
    join(world);
    await world.time.until(() => world.kafka.describe(GROUP).state === "CompletingRebalance");
    expect(as(world, {})).toBe("REBALANCE_IN_PROGRESS");
    await world.time.until(() => world.kafka.describe(GROUP).state === "Stable");
    expect(as(world, {})).toBeNull();
  });

  it("may be applied though the answer is lost", async () => {
    const world = setUp(1);
    const member = join(world);
    await world.time.advance(100);
    const forget = world.kafka.onCommit(() => world.kafka.drop(member.id()));
    const result = await during(world.time, 10, member.commit(0, 7));
    forget();
    expect(result).toMatchObject({ status: "failed", error: { code: "unreachable" } });
    expect(world.kafka.committed(GROUP)).toMatchObject([{ offset: 7 }]);
    expect(await during(world.time, 10, member.commit(0, 8))).toMatchObject({ fenced: [] });
    await world.time.advance(10_000);
    expect(member.assignments.length).toBe(1);
  });

  it("are not applied where the connection breaks on the way out", async () => {
    const world = setUp(1);
    const member = join(world);
    await world.time.advance(100);
    const pending = member.commit(0, 7);
    world.kafka.drop(member.id());
    expect(await during(world.time, 10, pending)).toMatchObject({ status: "failed" });
    expect(world.kafka.committed(GROUP)).toEqual([]);
  });
});
