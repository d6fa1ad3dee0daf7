import { describe, expect, it } from "vitest";
import { startOffset } from "../../actors/start-offset.ts";
import type { PartitionPosition } from "../../src/ports/log-driver.ts";

const at = (partition: number, committed: number | null, latest = 20): PartitionPosition => ({
  topic: "orders",
  partition,
  committed,
  metadata: "",
  earliest: 5,
  latest,
});
const policy = (beginOffset: "earliest" | "latest", reset: "earliest" | "latest" = "earliest") => ({
  beginOffset,
  offsetResetPolicy: `reset_to_${reset}` as const,
});

describe("a gained partition begins", () => {
  it("at its committed offset, whatever the policy", () => {
    for (const begin of ["earliest", "latest"] as const) {
      const start = startOffset(policy(begin), at(0, 9), [at(0, 9)]);
      expect(start).toEqual({ offset: 9, pin: false, resetFrom: null });
    }
    expect(startOffset(policy("latest"), at(0, 20), []).offset).toBe(20);
  });

  it("at the log's start or end when the group has no commit at all, and pins the end", () => {
    const before = [at(0, null), at(1, null)];
    expect(startOffset(policy("earliest"), at(0, null), before)).toEqual({
      offset: 5,
      pin: false,
      resetFrom: null,
    });
    expect(startOffset(policy("latest"), at(0, null), before)).toEqual({
      offset: 20,
      pin: true,
      resetFrom: null,
    });
  });

  it("at the end of when the member joined, however long the log has become since", () => {
    const before = [at(0, null, 12), at(1, null, 12)];
    expect(startOffset(policy("latest"), at(0, null, 30), before)).toMatchObject({ offset: 12 });
    expect(startOffset(policy("latest"), at(0, null), [at(0, null, 3)])).toMatchObject({
      offset: 5,
    });
    expect(startOffset(policy("latest"), at(0, null), [at(0, null, 25)]).offset).toBe(20);
  });

  it("at its start, pinned, when it is new in a topic with commits, also under latest", () => {
    for (const before of [[at(0, 9), at(1, null)], [at(0, null)]]) {
      const start = startOffset(policy("latest"), at(1, null), before);
      expect(start).toEqual({ offset: 5, pin: true, resetFrom: null });
    }
  });

  it("by the reset policy when the log no longer has its committed offset", () => {
    expect(startOffset(policy("latest"), at(0, 2), [])).toEqual({
      offset: 5,
      pin: true,
      resetFrom: 2,
    });
    expect(startOffset(policy("earliest", "latest"), at(0, 2), [])).toEqual({
      offset: 20,
      pin: true,
      resetFrom: 2,
    });
    expect(startOffset(policy("earliest"), at(0, 21), [])).toEqual({
      offset: 5,
      pin: true,
      resetFrom: 21,
    });
  });
});
