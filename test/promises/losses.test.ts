/** Promises 1, 2 and 4 where a process that holds the place is lost, or the group rebalances. */
import { describe, expect, it } from "vitest";
import { GROUP, groupWorld, type Member } from "../support/group-world.ts";

const NOTHING_BROKEN = { lost: [], regressions: [], pastUndone: [] };

/** How many workers stopped because of it, in good order: not restarted, not counted. */
const stoppedFor = (member: Member, why: string): number =>
  member.events.filter(
    (event) =>
      event.type === "exited" &&
      typeof event.reason === "object" &&
      "shutdown" in event.reason &&
      event.reason.shutdown === why,
  ).length;

describe("a killed acker", () => {
  it("costs one restart: the workers go on from the broker's offsets, in the same generation", async () => {
    const world = groupWorld({ partitions: 3, records: 100 });
    const member = await world.join("billing", { eachMessage: () => world.sleep(5) });
    await world.time.until(() => world.started.length > 60);
    member.system.exit(member.acker(), "kill");
    await world.time.until(() => world.caughtUp());
    expect(world.verdict()).toEqual(NOTHING_BROKEN);
    expect(member.events.filter(({ type }) => type === "restarting")).toHaveLength(1);
    expect(stoppedFor(member, "acker_lost")).toBe(3);
    expect(member.events.filter(({ type }) => type === "joined")).toHaveLength(1);
    await member.stop();
  });
});

describe("a killed manager", () => {
  it("costs one restart: the member leaves, and a new one joins", async () => {
    const world = groupWorld({ partitions: 3, records: 100 });
    const member = await world.join("billing", { eachMessage: () => world.sleep(5) });
    await world.time.until(() => world.started.length > 60);
    const old = member.memberId();
    member.system.exit(member.manager(), "kill");
    await world.time.until(() => world.caughtUp());
    expect(world.verdict()).toEqual(NOTHING_BROKEN);
    expect(member.events.filter(({ type }) => type === "restarting")).toHaveLength(1);
    expect(stoppedFor(member, "manager_lost")).toBe(3);
    const members = world.kafka.describe(GROUP).members.map(({ memberId }) => memberId);
    expect(members).toEqual([member.memberId()]);
    expect(members).not.toContain(old);
    await member.stop();
  });
});

describe("a rebalance", () => {
  it("waits for handlers under way: no record is handled twice when a member joins or leaves", async () => {
    const world = groupWorld({ partitions: 4, records: 100 });
    const slow = { eachMessage: () => world.sleep(20) };
    const a = await world.join("a", slow);
    await world.time.until(() => world.started.length > 40);
    const b = await world.join("b", slow);
    await world.time.until(() => b.events.some(({ type }) => type === "opened"));
    await world.time.advance(300);
    await b.stop();
    await world.time.until(() => world.caughtUp());
    expect(world.verdict()).toEqual(NOTHING_BROKEN);
    expect(world.started).toHaveLength(400);
    await a.stop();
  });

  it("keeps a handler that outlasts the drain on a kept partition: one handling, one ack", async () => {
    const world = groupWorld({ partitions: 2, records: 1 });
    const slow = { drainTimeoutMs: 500, eachMessage: () => world.sleep(8_000) };
    const a = await world.join("a", slow);
    await world.time.until(() => world.started.length === 2);
    const b = await world.join("b", { drainTimeoutMs: 500 });
    await world.time.until(() => world.caughtUp());
    const kept = world.done.filter(({ member }) => member === "a");
    const byA = world.started.filter(({ member }) => member === "a");
    expect(byA).toHaveLength(2);
    expect(kept).toHaveLength(2);
    expect(world.started.filter(({ member }) => member === "b")).toHaveLength(1);
    expect(world.verdict()).toEqual(NOTHING_BROKEN);
    await a.stop();
    await b.stop();
  });

  it("lets no handler start on a partition from the moment it is another's", async () => {
    const world = groupWorld({ partitions: 4, records: 200 });
    const quick = { eachMessage: () => world.sleep(20), drainTimeoutMs: 0 };
    const a = await world.join("a", quick);
    await world.time.until(() => world.started.length > 40);
    const b = await world.join("b", quick);
    await world.time.until(() => world.caughtUp());
    const joined = b.events.find((event) => event.type === "joined");
    const gained = joined?.type === "joined" ? joined.partitions : [];
    const mine = new Set(gained.map(({ partition }) => partition));
    expect(mine.size).toBe(2);
    const late = world.started.filter(
      ({ member, partition, at }) =>
        member === "a" && mine.has(partition) && at > (joined?.at ?? 0),
    );
    expect(late).toEqual([]);
    await a.stop();
    await b.stop();
  });
});

describe("a member that the broker may have given up", () => {
  it("starts nothing after a freeze until it is confirmed again", async () => {
    const world = groupWorld({ partitions: 1, records: 400 });
    const a = await world.join("a", {
      sessionTimeout: 6_000,
      heartbeatInterval: 500,
      eachMessage: () => world.sleep(50),
    });
    await world.time.until(() => world.started.length > 5);
    world.kafka.freeze(a.memberId());
    await world.time.advance(6_200);
    const before = world.started.length;
    await world.time.advance(5_000);
    expect(world.started).toHaveLength(before);
    world.kafka.thaw(a.memberId());
    await world.time.until(() => world.caughtUp());
    expect(world.verdict()).toEqual(NOTHING_BROKEN);
    await a.stop();
  });
});

describe("a partition that is lost and regained while its handler works", () => {
  it("aborts the handler at once, and holds no other partition up", async () => {
    const world = groupWorld({ partitions: 2, records: 5 });
    let abortedAt = 0;
    const member = await world.join("a", {
      sessionTimeout: 6_000,
      heartbeatInterval: 500,
      settleGraceMs: 1_000,
      eachMessage: async ({ partition, signal }) => {
        if (partition === 1 || abortedAt > 0) return;
        signal.addEventListener("abort", () => {
          abortedAt ||= world.time.now();
        });
        await world.sleep(60_000);
      },
    });
    await world.time.until(() => world.started.length > 3);
    world.kafka.freeze(member.memberId());
    await world.time.advance(8_000);
    world.append(1, 1);
    world.kafka.thaw(member.memberId());
    const thawed = world.time.now();
    await world.time.until(() => world.committed(1) === 6);
    expect(abortedAt).toBeGreaterThan(0);
    expect(world.time.now() - thawed).toBeLessThan(5_000);
    await member.stop();
  });
});

describe("a manager that is killed and owns nothing afterwards", () => {
  it("leaves no old session in the acker: the stop is quick and nothing fails for ever", async () => {
    const world = groupWorld({ partitions: 1, records: 2_000 });
    const a = await world.join("a", { eachMessage: () => world.sleep(5) });
    await world.time.until(() => world.started.length > 20);
    a.system.exit(a.manager(), "kill");
    const b = await world.join("b", { eachMessage: () => world.sleep(5) });
    await world.time.advance(20_000);
    const failures = a.events.filter(({ type }) => type === "commit_failed").length;
    await world.time.advance(20_000);
    expect(a.events.filter(({ type }) => type === "commit_failed")).toHaveLength(failures);
    const from = world.time.now();
    await a.stop();
    expect(world.time.now() - from).toBeLessThan(2_000);
    await b.stop();
    expect(world.verdict().regressions).toEqual([]);
  });
});

describe("a broker that is away", () => {
  it("is waited for: the group goes on by itself, and nothing is lost", async () => {
    const world = groupWorld({ partitions: 3, records: 200 });
    const a = await world.join("a", { eachMessage: () => world.sleep(10) });
    await world.time.until(() => world.started.length > 100);
    world.kafka.stop();
    await world.time.advance(15_000);
    world.kafka.start();
    await world.time.until(() => world.caughtUp());
    expect(world.verdict()).toEqual(NOTHING_BROKEN);
    expect(a.events.filter(({ type }) => type === "restarting")).toEqual([]);
    await a.stop();
  });
});
