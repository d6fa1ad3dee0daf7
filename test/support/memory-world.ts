/** Why this exists: members of the in-memory Kafka under virtual time, with all they were told. */
import { type MemoryKafka, memoryKafka } from "../../src/drivers/memory-kafka.ts";
import type { DriverError } from "../../src/ports/driver-error.ts";
import type {
  AssignedPartition,
  Assignment,
  CommitResult,
  OutOfRange,
  Session,
} from "../../src/ports/log-driver.ts";
import type { Batch, OutgoingMessage } from "../../src/ports/record.ts";
import { type VirtualHost, virtualHost } from "./virtual-host.ts";

export const GROUP = "g";
export const TOPIC = "t";

export interface World {
  readonly time: VirtualHost;
  readonly kafka: MemoryKafka;
  readonly trace: string[];
}

export function setUp(partitions: number): World {
  const time = virtualHost();
  const trace: string[] = [];
  const kafka = memoryKafka({ host: time.host, topics: { [TOPIC]: { partitions } } });
  kafka.onCommit((commit) => trace.push(`${time.now()} commit ${JSON.stringify(commit)}`));
  return { time, kafka, trace };
}

export interface TestMember {
  readonly session: Session;
  readonly assignments: Assignment[];
  readonly lost: DriverError[];
  readonly batches: Batch[];
  readonly ranges: OutOfRange[];
  revoked: number;
  id(): string;
  owned(partition: number): AssignedPartition;
  attach(partition: number, offset: number): boolean;
  commit(partition: number, offset: number): Promise<CommitResult>;
}

export function join(
  { time, kafka, trace }: World,
  options: { rejoins?: boolean } = {},
): TestMember {
  const assignments: Assignment[] = [];
  const lost: DriverError[] = [];
  const batches: Batch[] = [];
  const ranges: OutOfRange[] = [];
  const session = kafka.join(
    {
      groupId: GROUP,
      topics: [TOPIC],
      sessionTimeout: 6_000,
      heartbeatInterval: 500,
      rebalanceTimeout: 20_000,
      maxBytesPerPartition: 1_000,
      resetPolicy: "earliest",
      signal: new AbortController().signal,
    },
    {
      assigned(assignment) {
        assignments.push(assignment);
        trace.push(`${time.now()} assigned ${JSON.stringify(assignment)}`);
      },
      revoking() {
        member.revoked += 1;
        trace.push(`${time.now()} revoking`);
        if (options.rejoins !== false) session.rejoin();
      },
      lost: (error) => lost.push(error),
    },
  );
  const member: TestMember = {
    session,
    assignments,
    lost,
    batches,
    ranges,
    revoked: 0,
    id: () => assignments.at(-1)?.memberId ?? "",
    owned(partition) {
      const all = assignments.at(-1)?.partitions ?? [];
      const owned = all.find((each) => each.partition === partition);
      if (owned === undefined) throw new Error(`${partition} is not owned`);
      return owned;
    },
    attach: (partition, offset) =>
      session.attach({
        ...member.owned(partition),
        offset,
        deliver(batch) {
          batches.push(batch);
          trace.push(`${time.now()} ${partition}: ${batch.firstOffset}-${batch.nextOffset}`);
        },
        outOfRange: (range) => ranges.push(range),
      }),
    commit: (partition, offset) =>
      session.commit([{ ...member.owned(partition), offset, metadata: "" }]),
  };
  return member;
}

export const records = (from: number, to: number): OutgoingMessage[] =>
  Array.from({ length: to - from }, (_, index) => ({ value: `v${from + index}` }));

/** Time moves while `pending` is on its way. */
export async function during<T>(time: VirtualHost, ms: number, pending: Promise<T>): Promise<T> {
  await time.advance(ms);
  return pending;
}

export const offsetsOf = (member: TestMember): number[] =>
  member.batches.flatMap((batch) => batch.messages.map((message) => Number(message.offset)));

export async function two(world: World): Promise<[TestMember, TestMember]> {
  const first = join(world);
  await world.time.advance(100);
  const second = join(world);
  await world.time.until(() => second.assignments.length > 0);
  await world.time.advance(100);
  return [first, second];
}
