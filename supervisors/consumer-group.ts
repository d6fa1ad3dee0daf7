/**
 * Why this exists: the tree of a consumer group, and the reason of each strategy in it.
 *
 *     <group>            one_for_one: what one of them knows, the others can be told again
 *     ├─ acker           permanent: a new one is told the broker's offsets by the manager
 *     ├─ producer        permanent: holds nothing over a crash but its connection
 *     ├─ group-manager   permanent: a new one joins the group anew
 *     └─ workers         one_for_one, dynamic: a partition's failure is its own
 *        └─ orders/0     transient: it stops in good order when the acker or the manager is lost
 *
 * They start in this order and stop in reverse: the workers finish, the manager has the last
 * offsets committed and leaves the group, and only then do the others go.
 */

import { acker } from "../actors/acker.ts";
import { groupManager } from "../actors/group-manager.ts";
import {
  type ConsumerGroupOptions,
  type GroupOptions,
  groupOptions,
} from "../actors/group-options.ts";
import { producer } from "../actors/producer.ts";
import { createUnsettled } from "../actors/unsettled.ts";
import { type ChildSpec, child } from "../src/ports/child-spec.ts";
import { dynamicSupervisor, supervisor } from "./supervisor.ts";

/**
 * The child specification of a consumer group: for `system.start`, or for a supervisor of yours.
 * Throws an `OptionError` that names the option, the value and what is allowed.
 */
export function consumerGroup(options: ConsumerGroupOptions): ChildSpec {
  const group = groupOptions(options);
  return child({
    id: group.name,
    start: supervisor,
    args: [{ intensity: 3, periodMs: 10_000, children: children(group) }],
    name: group.name,
    type: "supervisor",
  });
}

/** The registered names of a group's processes. */
export const groupNames = (name: string) =>
  ({
    acker: `${name}.acker`,
    producer: `${name}.producer`,
    manager: `${name}.group-manager`,
    workers: `${name}.workers`,
  }) as const;

function children(group: GroupOptions): ChildSpec[] {
  const names = groupNames(group.name);
  const handed = new Map<string, number>();
  const backoff = { minMs: 100, maxMs: 5_000 };
  return [
    child({
      id: "acker",
      name: names.acker,
      start: acker,
      args: [{ commitIntervalMs: group.autoCommitInterval, handed }],
      backoff,
    }),
    child({
      id: "producer",
      name: names.producer,
      start: producer,
      args: [group.source],
      backoff,
    }),
    child({
      id: "group-manager",
      name: names.manager,
      start: groupManager,
      args: [
        {
          group,
          ackerName: names.acker,
          producerName: names.producer,
          workersName: names.workers,
          supervisor: dynamicSupervisor,
          unsettled: createUnsettled(),
          handed,
          began: { positions: null },
        },
      ],
      // The last commit may take 5 s, and leaving 5 s more.
      shutdownMs: 15_000,
      backoff,
    }),
    child({
      id: "workers",
      name: names.workers,
      start: dynamicSupervisor,
      args: [],
      type: "supervisor",
      // It ends when a worker's own budget is spent: one level more would only spend it again.
      budget: { restarts: 0 },
    }),
  ];
}
