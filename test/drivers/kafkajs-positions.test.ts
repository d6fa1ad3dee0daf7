import { describe, expect, it } from "vitest";
import { readBeforeJoin, readPositions } from "../../src/drivers/kafkajs-positions.ts";

/** An admin whose first answers are these errors. */
function adminWith(errors: { logs?: unknown[]; commits?: unknown[] }) {
  const { logs = [], commits = [] } = errors;
  return {
    async fetchTopicOffsets() {
      if (logs.length > 0) throw logs.shift();
      return [{ partition: 0, offset: "9", high: "9", low: "2" }];
    },
    async fetchOffsets() {
      if (commits.length > 0) throw commits.shift();
      return [{ topic: "orders", partitions: [{ partition: 0, offset: "4", metadata: null }] }];
    },
  };
}

/** As kafkajs makes them. */
const protocolError = (type: string): Error => Object.assign(new Error(type), { type });

const FOUND = [
  { topic: "orders", partition: 0, earliest: 2, latest: 9, committed: 4, metadata: "" },
];

describe.each([
  ["before a join", readBeforeJoin],
  ["after it", readPositions],
])("positions %s", (_, read) => {
  it.each(["NOT_LEADER_FOR_PARTITION", "LEADER_NOT_AVAILABLE"])(
    "waits for a leader that has just been elected: %s",
    async (type) => {
      const admin = adminWith({ logs: [protocolError(type), protocolError(type)] });
      expect(await read(admin, "billing", ["orders"])).toEqual(FOUND);
    },
  );

  it("waits for a coordinator that is loading", async () => {
    const loading = new Error("wrapped", { cause: protocolError("GROUP_LOAD_IN_PROGRESS") });
    const admin = adminWith({ commits: [loading, loading] });
    expect(await read(admin, "billing", ["orders"])).toEqual(FOUND);
  });

  it("gives any other error at once", async () => {
    const refused = protocolError("TOPIC_AUTHORIZATION_FAILED");
    const admin = adminWith({ logs: [refused] });
    await expect(read(admin, "billing", ["orders"])).rejects.toBe(refused);
  });

  it("gives up after ten times", async () => {
    const logs = Array.from({ length: 10 }, () => protocolError("LEADER_NOT_AVAILABLE"));
    const last = logs.at(-1);
    await expect(read(adminWith({ logs }), "billing", ["orders"])).rejects.toBe(last);
  });
});
