import { createSystem } from "holdfast";
import { memoryKafka, producer } from "holdfast/kafka";
import { describe, expect, it } from "vitest";
import { groupWorld, TOPIC } from "../support/group-world.ts";

const started = async () => {
  const kafka = memoryKafka({ topics: { out: { partitions: 2 } } });
  const system = createSystem({ logger: false });
  const ref = await system.start(producer, kafka);
  return { kafka, system, ref };
};

describe("the producer", () => {
  it("answers where the broker stored the record", async () => {
    const { kafka, system, ref } = await started();
    const result = await ref.call("produce", "out", { value: "a", partition: 1 });
    expect(result).toEqual({ ok: true, value: { topic: "out", partition: 1, offset: 0 } });
    expect(kafka.end("out", 1)).toBe(1);
    await system.stop();
  });

  it("answers a typed error where it was not, and goes on", async () => {
    const { system, ref } = await started();
    const missing = await ref.call("produce", "nowhere", { value: "a" });
    expect(missing).toMatchObject({
      ok: false,
      error: { code: "unknown_topic", retriable: false },
    });
    const beyond = await ref.call("produce", "out", { value: "a", partition: 7 });
    expect(beyond).toMatchObject({ ok: false, error: { code: "unknown_partition" } });
    expect(await ref.call("produce", "out", { value: "a" })).toMatchObject({ ok: true });
    await system.stop();
  });

  it("is every handler's: consumed, transformed, produced", async () => {
    const world = groupWorld({ partitions: 1, records: 3 });
    world.kafka.createTopic("out", { partitions: 1 });
    const answers: unknown[] = [];
    const member = await world.join("billing", {
      eachMessage: async ({ topic, message, produce }) => {
        expect(topic).toBe(TOPIC);
        answers.push(await produce("out", { value: `charged ${message.value}` }));
      },
    });
    await world.time.until(() => world.caughtUp());
    expect(world.kafka.end("out", 0)).toBe(3);
    expect(answers[2]).toEqual({ ok: true, value: { topic: "out", partition: 0, offset: 2 } });
    await member.stop();
  });

  it("that ends under a handler is an error value, not an exception", async () => {
    const world = groupWorld({ partitions: 1, records: 1 });
    world.kafka.createTopic("out", { partitions: 1 });
    const answers: unknown[] = [];
    const member = await world.join("billing", {
      eachMessage: async ({ produce }) => {
        const answer = produce("out", { value: "x" });
        const its = member.system.processes().find(({ label }) => label === "producer");
        if (its !== undefined) member.system.exit(its, "kill");
        answers.push(await answer);
      },
    });
    await world.time.until(() => world.caughtUp());
    expect(answers).toEqual([expect.objectContaining({ ok: false })]);
    await member.stop();
  });
});
