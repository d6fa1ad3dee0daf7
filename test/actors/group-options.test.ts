import { OptionError } from "holdfast";
import { type ConsumerGroupOptions, consumerGroup, memoryKafka } from "holdfast/kafka";
import { describe, expect, it } from "vitest";

const good: ConsumerGroupOptions = {
  groupId: "billing",
  topics: ["orders"],
  source: memoryKafka(),
  eachMessage: () => {},
};

describe("an option that cannot be meant", () => {
  const cases: [keyof ConsumerGroupOptions | "prefetch", unknown, RegExp][] = [
    ["groupId", "", /^groupId: "" is not allowed; allowed: a name$/],
    ["topics", [], /^topics: \[\] is not allowed/],
    ["topics", "orders", /^topics: "orders" is not allowed/],
    ["topics", ["a", "a"], /each topic once/],
    ["source", "127.0.0.1:9092", /a driver such as kafkajs/],
    ["eachMessage", "handler", /^eachMessage: "handler" is not allowed; allowed: a function$/],
    ["eachBatch", () => {}, /^eachBatch: .*one handler of the two$/],
    ["name", "", /^name: ""/],
    ["beginOffset", "middle", /"earliest" or "latest"/],
    ["offsetResetPolicy", "hope", /"reset_to_earliest" or "reset_to_latest"/],
    ["ackMode", true, /"auto" or "manual"/],
    ["prefetchCount", -1, /^prefetchCount: -1 is not allowed; allowed: a whole number from 1/],
    ["prefetchCount", 1.5, /whole number/],
    ["prefetchBytes", Number.NaN, /prefetchBytes/],
    ["autoCommitInterval", 0, /from 1 to 60000/],
    ["sessionTimeout", Number.POSITIVE_INFINITY, /sessionTimeout/],
    ["heartbeatInterval", 20_000, /from 1 to 10000/],
    ["drainTimeoutMs", 60_000, /from 0 to 59999/],
    ["maxRestarts", "5", /^maxRestarts: "5"/],
    ["prefetch", 5, /^prefetch: 5 is not allowed; allowed: one of groupId/],
  ];

  it.each(cases)("%s = %j is refused before anything starts", (name, value, line) => {
    const options = { ...good, [name]: value } as ConsumerGroupOptions;
    expect(() => consumerGroup(options)).toThrow(OptionError);
    expect(() => consumerGroup(options)).toThrow(line);
  });

  it("is not one that is undefined: that is the default", () => {
    const options = { ...good, prefetchCount: undefined } as unknown as ConsumerGroupOptions;
    expect(consumerGroup(options).id).toBe("billing");
  });
});
