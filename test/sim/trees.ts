/** Why this exists: the trees and topics that the simulator's own tests run. */
import { type ConsumerGroupOptions, consumerGroup } from "holdfast/kafka";
import type { Tree } from "holdfast/sim";

export const topics = { orders: { partitions: 3 } };

export const records = (count: number, partitions = 3) =>
  Array.from({ length: count }, (_, i) => ({ value: String(i), partition: i % partitions }));

export const billing =
  (options: Partial<ConsumerGroupOptions> = {}): Tree =>
  ({ kafka }) =>
    consumerGroup({
      groupId: "billing",
      topics: ["orders"],
      source: kafka,
      eachMessage: async () => {
        await new Promise((resolve) => setTimeout(resolve, 2));
      },
      ...options,
    });

/** A driver whose commits say one more than they were told: a lie that must be found. */
export const lying: Tree = (world) => {
  const { kafka } = world;
  const source = {
    ...kafka,
    join: (options: never, events: never) => {
      const session = kafka.join(options, events);
      return {
        ...session,
        commit: (commits: readonly { offset: number }[]) =>
          session.commit(
            commits.map((commit) => ({ ...commit, offset: commit.offset + 1 })) as never,
          ),
      };
    },
  };
  return billing()({ ...world, kafka: source as never });
};
