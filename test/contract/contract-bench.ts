/** Why this exists: the cases of the contract speak of members and routes; this is how they look in. */
import { expect } from "vitest";
import type { DriverError } from "../../src/ports/driver-error.ts";
import type {
  AssignedPartition,
  Assignment,
  CommitResult,
  LogDriver,
  OutOfRange,
  PartitionPosition,
  Route,
  Session,
  Sink,
} from "../../src/ports/log-driver.ts";
import type { Batch } from "../../src/ports/record.ts";
import type { ContractWorld } from "./contract-world.ts";

/** A member of a group, with all that it was told. */
export interface Probe {
  readonly session: Session;
  readonly assignments: Assignment[];
  readonly lost: DriverError[];
  /** How often `revoking` was called. */
  revoked: number;
  /** Whether `revoking` is answered by `rejoin` at once. Default true. */
  rejoins: boolean;
  readonly abort: AbortController;
  /** The partition as the newest assignment has it. */
  owned(topic: string, partition: number): AssignedPartition | undefined;
  must(topic: string, partition: number): AssignedPartition;
  attach(partition: AssignedPartition, offset: number, onBatch?: () => void): RouteProbe;
  commit(partition: AssignedPartition, offset: number): Promise<CommitResult>;
  positions(): Promise<PartitionPosition[]>;
}

/** One attach, with all that it was handed. */
export interface RouteProbe {
  readonly attached: boolean;
  readonly batches: Batch[];
  readonly ranges: OutOfRange[];
  offsets(): number[];
  values(): string[];
  /** Where the next batch must begin. */
  position(): number;
}

export interface JoinProbe {
  readonly groupId: string;
  readonly topics: readonly string[];
  readonly driver?: LogDriver;
  readonly maxBytesPerPartition?: number;
}

export interface Bench {
  readonly world: ContractWorld;
  open(world: ContractWorld): void;
  /** A name that no other case and no earlier run of the suite has used. */
  name(stem: string): string;
  topic(partitions: number, values?: readonly string[]): Promise<string>;
  join(options: JoinProbe): Probe;
  /** Joins and waits for the first assignment. */
  joined(options: JoinProbe): Promise<Probe>;
  sink(): Sink;
  settled(condition: () => boolean | Promise<boolean>, what: string): Promise<void>;
  quiet(): Promise<void>;
  committedOffset(groupId: string, topic: string, partition: number): Promise<number>;
  closeAll(): Promise<void>;
}

export const sleep = (ms: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, ms));

/** Polls until `condition` holds; fails with `what` after `ms`. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  ms: number,
  what: string,
): Promise<void> {
  const end = performance.now() + ms;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`not within ${ms} ms: ${what}`);
    await sleep(5);
  }
}

export const numbers = (from: number, to: number): number[] =>
  Array.from({ length: to - from }, (_, index) => from + index);

export const texts = (from: number, to: number): string[] =>
  numbers(from, to).map((number) => `v${number}`);

export function createBench(): Bench {
  const run = `${process.pid}-${Date.now().toString(36)}`;
  let names = 0;
  let current: ContractWorld | undefined;
  let probes: Probe[] = [];
  let sinks: Sink[] = [];
  const world = (): ContractWorld => {
    if (current === undefined) throw new Error("the contract's setup has not run");
    return current;
  };
  const bench: Bench = {
    get world() {
      return world();
    },
    open(opened) {
      current = opened;
    },
    name: (stem) => `${stem}-${run}-${++names}`,
    async topic(partitions, values = []) {
      const topic = bench.name("topic");
      await world().createTopic(topic, partitions);
      if (values.length > 0) await world().append(topic, 0, values);
      return topic;
    },
    join(options) {
      const probe = probeOf(world(), options);
      probes.push(probe);
      return probe;
    },
    async joined(options) {
      const probe = bench.join(options);
      await bench.settled(() => probe.assignments.length > 0, "a first assignment");
      return probe;
    },
    sink() {
      const sink = world().driver().sink({ signal: new AbortController().signal });
      sinks.push(sink);
      return sink;
    },
    settled: (condition, what) => until(condition, world().timing.settleMs, what),
    quiet: () => sleep(world().timing.quietMs),
    async committedOffset(groupId, topic, partition) {
      const held = await world().committed(groupId, topic);
      return held.find((each) => each.partition === partition)?.offset ?? -1;
    },
    async closeAll() {
      const closing = [...probes.map((probe) => probe.session), ...sinks];
      probes = [];
      sinks = [];
      await Promise.all(closing.map((each) => each.close()));
    },
  };
  return bench;
}

function probeOf(world: ContractWorld, options: JoinProbe): Probe {
  const { sessionTimeout, heartbeatInterval, rebalanceTimeout } = world.timing;
  const abort = new AbortController();
  const assignments: Assignment[] = [];
  const lost: DriverError[] = [];
  let returned = false;
  const session = (options.driver ?? world.driver()).join(
    {
      groupId: options.groupId,
      topics: options.topics,
      sessionTimeout,
      heartbeatInterval,
      rebalanceTimeout,
      maxBytesPerPartition: options.maxBytesPerPartition ?? 1_048_576,
      resetPolicy: "earliest",
      signal: abort.signal,
    },
    {
      assigned(assignment) {
        expect(returned, "assigned is called after join has returned").toBe(true);
        assignments.push(assignment);
      },
      revoking() {
        probe.revoked += 1;
        if (probe.rejoins) session.rejoin();
      },
      lost(error) {
        expect(returned, "lost is called after join has returned").toBe(true);
        lost.push(error);
      },
    },
  );
  const probe: Probe = {
    session,
    assignments,
    lost,
    revoked: 0,
    rejoins: true,
    abort,
    owned: (topic, partition) =>
      assignments
        .at(-1)
        ?.partitions.find((each) => each.topic === topic && each.partition === partition),
    must(topic, partition) {
      const owned = probe.owned(topic, partition);
      if (owned === undefined) throw new Error(`${topic}/${partition} is not owned`);
      return owned;
    },
    attach: (partition, offset, onBatch) => attachTo(session, partition, offset, onBatch),
    commit: (partition, offset) =>
      session.commit([{ ...partition, offset, metadata: `at ${offset}` }]),
    async positions() {
      const answer = await session.positions();
      if (!answer.ok) throw answer.error;
      return answer.value;
    },
  };
  returned = true;
  return probe;
}

function attachTo(
  session: Session,
  partition: AssignedPartition,
  offset: number,
  onBatch: () => void = () => {},
): RouteProbe {
  const batches: Batch[] = [];
  const ranges: OutOfRange[] = [];
  const route: Route = {
    ...partition,
    offset,
    deliver(batch) {
      batches.push(batch);
      onBatch();
    },
    outOfRange: (range) => ranges.push(range),
  };
  const messages = () => batches.flatMap((batch) => batch.messages);
  return {
    attached: session.attach(route),
    batches,
    ranges,
    offsets: () => messages().map((message) => Number(message.offset)),
    values: () => messages().map((message) => String(message.value)),
    position: () => batches.at(-1)?.nextOffset ?? offset,
  };
}
