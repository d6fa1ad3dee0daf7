/** Why this exists: when a fault strikes, and what that does to the world. */
import type { RequestKind } from "../drivers/memory-wire.ts";
import type { Process } from "../kernel/process.ts";
import type { TopicPartition } from "../ports/record.ts";
import type { FactType, Given } from "./facts.ts";
import type { Fault, FaultKind } from "./fault.ts";
import type { Member } from "./member.ts";
import { SimulatedFailure } from "./simulated-failure.ts";
import { entryOf } from "./tables.ts";
import type { Fate } from "./watched-handlers.ts";

/** What the world lets faults do. */
export interface Victim {
  readonly kafka: {
    stop(): void;
    start(): void;
    rebalance(groupId: string): void;
    appendControl(topic: string, partition: number, count: number): void;
    compact(topic: string, partition: number, keep: (offset: number) => boolean): void;
    deleteRecords(topic: string, partition: number, before: number): void;
    earliest(topic: string, partition: number): number;
    end(topic: string, partition: number): number;
  };
  members(): readonly Member[];
  groupIds(): readonly string[];
  partitions(): readonly TopicPartition[];
  /** Gives the topic one partition more. */
  addPartition(topic: string): void;
  /** A further member, until it is taken away again. */
  newcomer(): Member;
  /** Runs once the world's time has gone on by `ms`; at once when the world heals. */
  later(ms: number, then: () => void): void;
  /** Where its requests break from now on; null: nowhere. */
  cut(member: Member, breaks: "before" | "after" | null): void;
  /** Tells that it struck; an empty text: nothing was there to strike. */
  struck(fault: Fault, what: string): void;
}

interface Tamper {
  readonly fault: Fault;
  readonly kind: RequestKind;
}

const FLOOD = 1_000;
const USUAL: Fate = { delayMs: 0, how: "runs" };

export class Injector {
  readonly #world: Victim;
  /** By what they wait for, the next one last. */
  readonly #waiting = new Map<string, Fault[]>();
  readonly #counts = new Map<string, number>();
  /** Struck, and to be done before the next step. */
  #due: Fault[] = [];
  /** What the next requests and handlers will meet. */
  #tampers: Tamper[] = [];
  #fates: Fault[] = [];
  /** Records whose handler fails again, and how often. */
  readonly #poison = new Map<string, number>();
  #over = false;

  constructor(world: Victim, faults: readonly Fault[]) {
    this.#world = world;
    for (const fault of [...faults].sort((a, b) => b.nth - a.nth)) {
      entryOf(this.#waiting, fault.on, () => []).push(fault);
    }
  }

  /** What the faults wait for: nobody need tell of anything else. */
  get awaits(): Iterable<string> {
    return this.#waiting.keys();
  }

  /** A fact happened, in `member`. */
  count(type: FactType | "step", member: Member | null, pid: number | null): void {
    const waiting = this.#waiting.get(type);
    if (waiting === undefined || this.#over) return;
    const count = (this.#counts.get(type) ?? 0) + 1;
    this.#counts.set(type, count);
    for (let next = waiting.at(-1); next?.nth === count; next = waiting.at(-1)) {
      waiting.pop();
      if (next.kind === "crash" && next.how === "within") this.#within(next, member, pid);
      else this.#due.push(next);
    }
  }

  strikeSoon(fault: Fault): void {
    this.#due.push(fault);
  }

  /** Between two steps. */
  strike(): void {
    if (this.#due.length === 0) return;
    for (const fault of this.#due.splice(0)) STRIKES[fault.kind](this.#world, fault, this);
  }

  heal(): void {
    this.#over = true;
    this.#due = [];
    this.#tampers = [];
    this.#fates = [];
    this.#poison.clear();
  }

  /** The next request of this kind meets it. */
  tamper(kind: RequestKind, fault: Fault): void {
    this.#tampers.push({ kind, fault });
  }

  tampered(kind: RequestKind): Fault | null {
    if (this.#tampers.length === 0) return null;
    const at = this.#tampers.findIndex((tamper) => tamper.kind === kind);
    const [found] = at < 0 ? [] : this.#tampers.splice(at, 1);
    if (found === undefined) return null;
    this.#world.struck(found.fault, kind);
    return found.fault;
  }

  /** The next handler that is started meets it. */
  fated(fault: Fault): void {
    this.#fates.push(fault);
  }

  fate(member: Member, given: Given): Fate {
    const record = `${given.topic}/${given.partition} ${given.offsets[0]}`;
    const again = this.#poison.get(record) ?? 0;
    if (again > 0) {
      this.#poison.set(record, again - 1);
      return { delayMs: 0, how: "throws" };
    }
    const fault = this.#fates.shift();
    if (fault === undefined) return USUAL;
    this.#world.struck(fault, `handler of ${record} in ${member.name}`);
    if (fault.kind === "zombie") {
      this.#world.later(0, () => member.process(given.incarnation)?.kill());
      return { delayMs: Math.max(1, fault.ms), how: "runs" };
    }
    if (fault.kind === "slowConsumer") return { delayMs: Math.max(1, fault.ms), how: "runs" };
    if (fault.how === "poison") this.#poison.set(record, 1 + (fault.target % 3));
    const how = fault.how === "poison" ? "throws" : (fault.how as Fate["how"]);
    return { delayMs: how === "throws" ? 0 : fault.ms, how };
  }

  /** In the middle of the message that told the fact: what follows it is done by a dead process. */
  #within(fault: Fault, member: Member | null, pid: number | null): void {
    const process = member?.process(pid);
    if (process === undefined || process === member?.root) {
      this.#due.push({ ...fault, how: "kill" });
      return;
    }
    this.#world.struck(fault, `${process.label} of ${member?.name}`);
    process.kill();
  }
}

type Strike = (world: Victim, fault: Fault, injector: Injector) => void;

const STRIKES: Record<FaultKind, Strike> = {
  crash(world, fault) {
    const victim = victimOf(world, fault);
    if (victim === undefined) return;
    const reason =
      fault.how === "error" ? { error: new SimulatedFailure("simulated crash") } : "kill";
    victim.member.kernel?.exit(victim.process, reason, null);
  },
  handlerError: (_world, fault, injector) => injector.fated(fault),
  zombie: (_world, fault, injector) => injector.fated(fault),
  slowConsumer: (_world, fault, injector) => injector.fated(fault),
  kill(world, fault) {
    withMember(world, fault, (member) => {
      member.kill();
      world.later(fault.ms, () => member.state === "down" && member.boot());
    });
  },
  stop(world, fault) {
    withMember(world, fault, (member) => member.stop());
  },
  pause(world, fault) {
    withMember(world, fault, (member) => {
      member.pause();
      world.later(fault.ms, () => member.resume());
    });
  },
  rebalance(world, fault, injector) {
    const [groupId] = world.groupIds();
    if (groupId === undefined) return world.struck(fault, "");
    if (fault.how === "same") {
      world.struck(fault, groupId);
      world.kafka.rebalance(groupId);
      return;
    }
    const member = world.newcomer();
    // Told when the answer is lost.
    if (fault.how === "unheard") injector.tamper("sync", fault);
    else world.struck(fault, member.name);
    world.later(fault.ms, () => (fault.target % 2 === 0 ? member.stop() : member.kill()));
  },
  addPartitions(world, fault) {
    const partitions = world.partitions();
    const topic = partitions[fault.target % Math.max(1, partitions.length)]?.topic ?? "";
    world.struck(fault, topic);
    if (topic !== "") world.addPartition(topic);
  },
  brokerRestart(world, fault) {
    world.struck(fault, "broker");
    world.kafka.stop();
    world.later(fault.ms, () => world.kafka.start());
  },
  staleCommit: (_world, fault, injector) => injector.tamper("commit", fault),
  staleOffsets: (_world, fault, injector) => injector.tamper("positions", fault),
  producerTimeout: (_world, fault, injector) => injector.tamper("produce", fault),
  networkCut(world, fault) {
    withMember(world, fault, (member) => {
      world.cut(member, fault.how === "answers" ? "after" : "before");
      world.later(fault.ms, () => world.cut(member, null));
    });
  },
  fetch(world, fault, injector) {
    if (fault.how === "empty" || fault.how === "partial") return injector.tamper("fetch", fault);
    const partitions = world.partitions();
    const at = partitions[fault.target % Math.max(1, partitions.length)];
    if (at === undefined) return world.struck(fault, "");
    const { topic, partition } = at;
    world.struck(fault, `${topic}/${partition}`);
    const { kafka } = world;
    const first = kafka.earliest(topic, partition);
    const end = kafka.end(topic, partition);
    if (fault.how === "gap") kafka.appendControl(topic, partition, 1 + (fault.nth % 3));
    else if (fault.how === "compacted") {
      kafka.compact(topic, partition, (offset) => (offset + fault.nth) % 3 !== 0);
    } else {
      const before = first + ((fault.nth * 7) % (end - first + 1));
      kafka.deleteRecords(topic, partition, before);
    }
  },
  clockJump(world, fault) {
    withMember(world, fault, (member) => {
      member.jump((fault.how === "back" ? -1 : 1) * (fault.ms + 1));
    });
  },
  drift(world, fault) {
    withMember(world, fault, (member) => member.drift(fault.how === "fast" ? 1.1 : 0.9));
  },
  mailboxFull(world, fault) {
    const victim = victimOf(world, fault);
    if (victim === undefined) return;
    for (let i = 0; i < FLOOD; i++) victim.process.send({ type: "flood" });
  },
};

/** Every process that a crash may strike: all but the members' roots. */
export const victimsOf = (members: readonly Member[]): { member: Member; process: Process }[] =>
  members.flatMap((member) =>
    member.processes().flatMap((process) => (process === member.root ? [] : [{ member, process }])),
  );

function victimOf(world: Victim, fault: Fault): { member: Member; process: Process } | undefined {
  const victims = victimsOf(world.members());
  const victim = victims[fault.target % Math.max(1, victims.length)];
  const what = victim === undefined ? "" : `${victim.process.label} of ${victim.member.name}`;
  world.struck(fault, what);
  return victim;
}

/** Those that a fault of members may strike. */
export const upMembers = (members: readonly Member[]): Member[] =>
  members.filter(({ state }) => state === "up");

function withMember(world: Victim, fault: Fault, strike: (member: Member) => void): void {
  const up = upMembers(world.members());
  const member = up[fault.target % Math.max(1, up.length)];
  world.struck(fault, member?.name ?? "");
  if (member !== undefined) strike(member);
}
