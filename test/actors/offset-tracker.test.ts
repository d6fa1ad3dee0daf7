import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  ack,
  deliver,
  lowestUnacked,
  type OffsetWindow,
  openWindow,
  unackedMessages,
} from "../../actors/offset-tracker.ts";
import type { Batch, Message } from "../../src/ports/record.ts";

const message = (offset: number, value = Buffer.from(`v${offset}`)): Message => ({
  key: null,
  value,
  timestamp: "0",
  offset: String(offset),
});

const batch = (from: number, offsets: readonly number[], next: number): Batch => ({
  topic: "t",
  partition: 0,
  messages: offsets.map((offset) => message(offset)),
  firstOffset: from,
  nextOffset: next,
  highWatermark: next,
});

const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from }, (_, i) => from + i);

describe("what may be committed", () => {
  it("is the start position while nothing was delivered", () => {
    expect(lowestUnacked(openWindow(7))).toBe(7);
  });

  it("stays at the one offset that is held back, then jumps to the end", () => {
    const window = openWindow(0);
    deliver(window, batch(0, range(0, 100), 100));
    for (const offset of range(0, 100).reverse()) if (offset !== 10) ack(window, offset);
    expect(lowestUnacked(window)).toBe(10);
    ack(window, 10);
    expect(lowestUnacked(window)).toBe(100);
  });

  it("passes gaps between, before and after the records of a batch", () => {
    const window = openWindow(0);
    deliver(window, batch(0, [3, 7], 12));
    expect(lowestUnacked(window)).toBe(3);
    ack(window, 3);
    expect(lowestUnacked(window)).toBe(7);
    ack(window, 7);
    expect(lowestUnacked(window)).toBe(12);
  });

  it("moves over a batch that holds no records", () => {
    const window = openWindow(5);
    deliver(window, batch(5, [], 9));
    expect(lowestUnacked(window)).toBe(9);
  });
});

describe("acks", () => {
  it("count once, and only for what was delivered", () => {
    const window = openWindow(0);
    deliver(window, batch(0, [0, 2], 3));
    expect(ack(window, 1)).toBe(false);
    expect(ack(window, 3)).toBe(false);
    expect(ack(window, -1)).toBe(false);
    expect(ack(window, 2)).toBe(true);
    expect(ack(window, 2)).toBe(false);
    expect(window.unacked).toBe(1);
  });

  it("of a batch that is complete leave nothing of it behind", () => {
    const window = openWindow(0);
    for (let i = 0; i < 1_000; i++)
      deliver(window, batch(i * 10, range(i * 10, i * 10 + 10), i * 10 + 10));
    for (const offset of range(1, 10_000)) ack(window, offset);
    expect(window.segments.length).toBe(1);
    expect(lowestUnacked(window)).toBe(0);
  });
});

describe("what is handled again", () => {
  it("is what is unacked, in order, and a batch delivered twice is taken once", () => {
    const window = openWindow(0);
    deliver(window, batch(0, range(0, 5), 5));
    deliver(window, batch(2, range(2, 8), 8));
    for (const offset of [0, 3, 6]) ack(window, offset);
    expect(unackedMessages(window).map(({ offset }) => Number(offset))).toEqual([1, 2, 4, 5, 7]);
  });

  it("is copied out when little is left, so that it pins no fetch response", () => {
    const response = Buffer.alloc(1_000, 1);
    const window = openWindow(0);
    const messages = range(0, 8).map((offset) =>
      message(offset, response.subarray(offset, offset + 1)),
    );
    deliver(window, { ...batch(0, [], 8), messages });
    for (const offset of range(0, 6)) ack(window, offset);
    const [left] = unackedMessages(window);
    expect(left?.value?.buffer).not.toBe(response.buffer);
    expect(left?.value).toEqual(Buffer.from([1]));
  });
});

/** What the tracker is to know, the slow way. */
interface Model {
  position: number;
  readonly open: Set<number>;
}

type Step = { type: "deliver"; gaps: number[]; tail: number } | { type: "ack"; pick: number };

function apply(window: OffsetWindow, model: Model, step: Step): void {
  if (step.type === "ack") {
    expect(ack(window, step.pick)).toBe(model.open.delete(step.pick));
    return;
  }
  const from = model.position;
  const offsets: number[] = [];
  for (const gap of step.gaps) {
    offsets.push(model.position + gap);
    model.position += gap + 1;
  }
  model.position += step.tail;
  for (const offset of offsets) model.open.add(offset);
  deliver(window, batch(from, offsets, model.position));
}

describe("against a naive model", () => {
  it("gives the same answers for any order of batches, gaps and acks", () => {
    const step: fc.Arbitrary<Step> = fc.oneof(
      fc.record({
        type: fc.constant("deliver" as const),
        gaps: fc.array(fc.nat(3), { maxLength: 12 }),
        tail: fc.nat(3),
      }),
      fc.record({ type: fc.constant("ack" as const), pick: fc.nat(200) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const window = openWindow(0);
        const model: Model = { position: 0, open: new Set() };
        for (const it of steps) {
          apply(window, model, it);
          const open = [...model.open].sort((a, b) => a - b);
          expect(lowestUnacked(window)).toBe(open[0] ?? model.position);
          expect(unackedMessages(window).map(({ offset }) => Number(offset))).toEqual(open);
          expect(window.unacked).toBe(open.length);
        }
      }),
      { numRuns: 500 },
    );
  });
});
