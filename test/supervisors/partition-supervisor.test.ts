import { expect, it } from "vitest";
import { actor } from "../../src/kernel/actor.ts";
import { partitionFor, partitionSupervisor } from "../../supervisors/partition-supervisor.ts";
import { harness } from "./harness.ts";

const prices = actor({
  name: "prices",
  init: (_self, number: number) => ({ number }),
  calls: { number: ({ state }) => state.number },
  casts: {
    crash: () => {
      throw new Error("crash");
    },
  },
});
const options = {
  name: "prices",
  partitions: 4,
  start: prices,
  args: (partition: number): [number] => [partition],
  intensity: 5,
};

it("a key is always at the same process, and many keys are at all of them", async () => {
  const { system, settle } = harness();
  await system.start(partitionSupervisor(options));
  const numbers = new Set<number>();
  for (let key = 0; key < 100; key++) {
    const ref = partitionFor(system, options, `customer-${key}`);
    expect(partitionFor(system, options, `customer-${key}`)).toBe(ref);
    numbers.add((await ref?.call("number")) ?? -1);
  }
  expect([...numbers].sort()).toEqual([0, 1, 2, 3]);
  const one = partitionFor(system, options, "customer-7");
  one?.cast("crash");
  await settle();
  const again = partitionFor(system, options, "customer-7");
  expect(again).not.toBe(one);
  expect(again?.label).toBe(one?.label);
});

it.each([0, 1.5, Number.NaN, -1])("%s partitions are refused", (partitions) => {
  expect(() => partitionSupervisor({ ...options, partitions })).toThrow(
    /^prices: partitions: .* from 1/,
  );
});
