import { describe, expect, it } from "vitest";
import { createFlow } from "../../actors/flow.ts";
import type { Session } from "../../src/ports/log-driver.ts";
import type { Message } from "../../src/ports/record.ts";

const where = { topic: "t", partition: 0, epoch: 1 };
const messages = (count: number, bytes: number): Message[] =>
  Array.from({ length: count }, (_, i) => ({
    key: null,
    value: Buffer.alloc(bytes),
    timestamp: "0",
    offset: String(i),
  }));

function flowOf(prefetchCount: number, prefetchBytes: number) {
  const calls: string[] = [];
  const session = {
    pause: () => calls.push("pause"),
    resume: () => calls.push("resume"),
  } as unknown as Session;
  return { flow: createFlow({ prefetchCount, prefetchBytes }, session, where), calls };
}

describe("fetching ahead", () => {
  it("pauses when both bounds are exceeded, and goes on when either has fallen to half", () => {
    const { flow, calls } = flowOf(10, 1_000);
    flow.attached();
    flow.add(messages(20, 1));
    expect(calls).toEqual([]);
    flow.add(messages(10, 100));
    expect(calls).toEqual(["pause"]);
    flow.remove(messages(5, 100));
    expect(calls).toEqual(["pause"]);
    flow.remove(messages(1, 100));
    expect(calls).toEqual(["pause", "resume"]);
  });

  it("of large records stops at the count", () => {
    const { flow, calls } = flowOf(10, 1_000);
    flow.attached();
    flow.add(messages(9, 10_000));
    expect(calls).toEqual([]);
    flow.add(messages(1, 10_000));
    expect(calls).toEqual(["pause"]);
  });

  it("begins paused when a replay alone is too much", () => {
    const { flow, calls } = flowOf(1, 1);
    flow.add(messages(5, 5));
    expect(calls).toEqual([]);
    flow.attached();
    expect(calls).toEqual(["pause"]);
  });

  it("stays paused while it is throttled, whatever the bounds say", () => {
    const { flow, calls } = flowOf(10, 1_000);
    flow.attached();
    flow.throttle(true);
    flow.add(messages(1, 1));
    flow.remove(messages(1, 1));
    expect(calls).toEqual(["pause"]);
    flow.throttle(false);
    expect(calls).toEqual(["pause", "resume"]);
  });
});
