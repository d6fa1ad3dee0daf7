/**
 * Why this exists: members of one group on the in-memory Kafka, in virtual time, with a judge that
 * sees what handlers did and what the broker was told, and believes no actor.
 */

import { createSystem, type Ref, type System, type SystemEvent, type supervisor } from "holdfast";
import {
  type ConsumerGroupOptions,
  consumerGroup,
  type EachMessagePayload,
  groupNames,
  groupStatus,
  type MemoryKafka,
  memoryKafka,
} from "holdfast/kafka";
import { acker } from "../../actors/acker.ts";
import { groupManager } from "../../actors/group-manager.ts";
import type { AppliedCommit } from "../../src/drivers/memory-kafka.ts";
import { type VirtualHost, type VirtualHostOptions, virtualHost } from "./virtual-host.ts";

export const TOPIC = "orders";
export const GROUP = "billing";

export interface Handled {
  readonly member: string;
  readonly partition: number;
  readonly offset: number;
  readonly at: number;
}

export interface Member {
  readonly name: string;
  readonly system: System;
  readonly events: SystemEvent[];
  acker(): Ref;
  manager(): Ref;
  worker(partition: number): Ref;
  status(partition: number): ReturnType<typeof groupStatus>[number];
  /** The broker's name for it. */
  memberId(): string;
  stop(): Promise<void>;
}

export interface GroupWorld {
  readonly time: VirtualHost;
  readonly kafka: MemoryKafka;
  /** Every handler start. */
  readonly started: Handled[];
  /** Every handler that returned. */
  readonly done: Handled[];
  readonly commits: AppliedCommit[];
  /** Given a supervisor, the group is its child and started again whatever happens to it. */
  join(
    name: string,
    options?: Partial<ConsumerGroupOptions>,
    above?: typeof supervisor,
  ): Promise<Member>;
  /** Moves time until `promise` has settled. */
  settle<T>(promise: Promise<T>): Promise<T>;
  sleep(ms: number): Promise<void>;
  committed(partition: number): number | null;
  append(partition: number, count: number): void;
  /** Committed everywhere up to the logs' ends. */
  caughtUp(): boolean;
  offsetsStarted(partition: number): number[];
  /** What a judge says: all to be empty. */
  verdict(): { lost: string[]; regressions: string[]; pastUndone: string[] };
}

export interface GroupWorldOptions extends VirtualHostOptions {
  readonly partitions?: number;
  readonly records?: number;
}

export function groupWorld(options: GroupWorldOptions = {}): GroupWorld {
  const { partitions = 3, records = 0 } = options;
  const time = virtualHost(options);
  const kafka = memoryKafka({ host: time.host, topics: { [TOPIC]: { partitions } } });
  const started: Handled[] = [];
  const done: Handled[] = [];
  const commits: AppliedCommit[] = [];
  const regressions: string[] = [];
  const pastUndone: string[] = [];
  const doneSets = Array.from({ length: 100 }, () => new Set<number>());
  const last = new Map<number, number>();
  const removed = new Map<number, number>();

  kafka.onCommit((commit) => {
    commits.push(commit);
    const { partition, offset } = commit;
    const before = last.get(partition) ?? -1;
    if (offset < before) regressions.push(`${partition}: ${before} -> ${offset}`);
    last.set(partition, offset);
    for (let at = Math.max(0, before, removed.get(partition) ?? 0); at < offset; at++) {
      if (!doneSets[partition]?.has(at)) pastUndone.push(`${partition}: ${offset} passes ${at}`);
    }
  });

  const world: GroupWorld = {
    time,
    kafka,
    started,
    done,
    commits,
    sleep: (ms) => new Promise((resolve) => time.host.timer(ms, resolve)),
    async settle(promise) {
      let settled = false;
      const mark = (): void => {
        settled = true;
      };
      promise.then(mark, mark);
      await time.until(() => settled);
      return promise;
    },
    append(partition, count) {
      const from = kafka.end(TOPIC, partition);
      const messages = Array.from({ length: count }, (_, i) => ({
        value: `${partition}:${from + i}`,
      }));
      kafka.append(TOPIC, partition, messages);
    },
    committed(partition) {
      const found = kafka.committed(GROUP).find((commit) => commit.partition === partition);
      return found?.offset ?? null;
    },
    caughtUp() {
      for (let p = 0; p < partitions; p++) {
        if (kafka.end(TOPIC, p) > 0 && world.committed(p) !== kafka.end(TOPIC, p)) return false;
      }
      return true;
    },
    offsetsStarted: (partition) =>
      started.filter((handled) => handled.partition === partition).map(({ offset }) => offset),
    verdict() {
      const lost: string[] = [];
      for (let p = 0; p < partitions; p++) {
        for (let at = kafka.earliest(TOPIC, p); at < kafka.end(TOPIC, p); at++) {
          if (!doneSets[p]?.has(at)) lost.push(`${p}/${at}`);
        }
      }
      return { lost, regressions, pastUndone };
    },
    async join(name, given = {}, above) {
      const system = createSystem({ name: `${name}-app`, host: time.host, logger: false });
      const events: SystemEvent[] = [];
      system.observe((event) => {
        if (event.type !== "sent" && event.type !== "handled") events.push(event);
      });
      const { eachMessage, ...rest } = given;
      const handle = async (payload: EachMessagePayload): Promise<void> => {
        const { partition, message } = payload;
        const handled = { member: name, partition, offset: Number(message.offset) };
        started.push({ ...handled, at: time.now() });
        await eachMessage?.(payload);
        done.push({ ...handled, at: time.now() });
        doneSets[partition]?.add(handled.offset);
      };
      const spec = consumerGroup({
        groupId: GROUP,
        topics: [TOPIC],
        source: kafka,
        name,
        ...(rest.eachBatch === undefined ? { eachMessage: handle } : {}),
        ...rest,
      });
      const backoff = { minMs: 100, maxMs: 1_000 };
      const start =
        above === undefined
          ? system.start(spec)
          : system.start(above, { intensity: 1_000, children: [{ ...spec, backoff }] });
      await world.settle(start);
      return member(world, name, system, events);
    },
  };
  for (let p = 0; p < partitions; p++) if (records > 0) world.append(p, records);
  return world;
}

function member(world: GroupWorld, name: string, system: System, events: SystemEvent[]): Member {
  const names = groupNames(name);
  const need = (ref: Ref | undefined, what: string): Ref => {
    if (ref === undefined) throw new Error(`${name} has no ${what} now`);
    return ref;
  };
  return {
    name,
    system,
    events,
    acker: () => need(system.whereis(names.acker, acker), "acker"),
    manager: () => need(system.whereis(names.manager, groupManager), "manager"),
    worker: (partition) =>
      need(
        system.processes().find((process) => process.label === `${TOPIC}/${partition}`),
        `worker of ${partition}`,
      ),
    status(partition) {
      const row = groupStatus(system.tree(), name).find((its) => its.partition === partition);
      if (row === undefined) throw new Error(`${name} does not own ${partition}`);
      return row;
    },
    memberId() {
      const joined = events.filter((event) => event.type === "joined").at(-1);
      if (joined === undefined) throw new Error(`${name} has not joined`);
      return joined.memberId;
    },
    stop: () => world.settle(system.stop()),
  };
}
