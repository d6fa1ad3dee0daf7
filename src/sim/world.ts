/**
 * Why this exists: a whole deployment in one thread and no time: a broker, members in processes of
 * their own, and every step of them one after the other, in an order that the oracle decides.
 */
import { type MemoryKafka, memoryKafka } from "../drivers/memory-kafka.ts";
import type { Passage, RequestKind } from "../drivers/memory-wire.ts";
import type { EventType, SystemEvent } from "../kernel/events.ts";
import type { Host } from "../kernel/host.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type { OutgoingMessage, TopicPartition } from "../ports/record.ts";
import { chance } from "./chance.ts";
import { Clock } from "./clock.ts";
import { drain } from "./drain.ts";
import { type Fact, type FactOf, type FactType, isSystemType, type NewSimEvent } from "./facts.ts";
import type { Fault } from "./fault.ts";
import { guard } from "./guard.ts";
import { Injector, type Victim } from "./injector.ts";
import { Member, type Surroundings } from "./member.ts";
import { Oracle, type Strategy } from "./oracle.ts";
import type { Topics, Tree } from "./setup.ts";
import { Violation } from "./violation.ts";
import { watchedDriver } from "./watched-driver.ts";
import { type FoundGroup, type HandlerWorld, watchHandlers } from "./watched-handlers.ts";

export interface WorldOptions {
  readonly topics: Topics;
  readonly tree: Tree;
  readonly members: number;
  readonly faults: readonly Fault[];
  readonly strategy: Strategy;
  /** Between two records that are appended; 0: all are there at the start. */
  readonly feedMs: number;
  readonly strict: boolean;
}

/** Hears of every fact of its types; `member` is null where it is the broker's, or nobody's. */
export type Watcher = { readonly [T in FactType]?: (fact: FactOf<T>, member: string) => void };

const DELAYS_MS = [1, 0, 10, 100] as const;
/** How far a timer may overtake messages that wait: so long may a step take. */
const OVERTAKE_MS = 10;
/** Steps between two looks at whether the end is reached. */
const LOOK_EVERY = 16;
const RESTART_MS = 1_000;
const FETCH_WAIT_MS = 5_000;
const EPOCH_MS = 1_700_000_000_000;

export class World {
  readonly clock = new Clock();
  readonly oracle: Oracle;
  readonly kafka: MemoryKafka & { lag(groupId?: string): number };
  /** What outlives every member, as a database does. */
  readonly state = new Map<string, unknown>();
  readonly members: Member[] = [];
  /** The consumer groups found in the tree, by id. */
  readonly groups = new Map<string, FoundGroup>();
  steps = 0;
  /** The first broken law; the world stands still from then on. */
  violation: Violation | null = null;
  /** Faults that struck, by kind. */
  readonly strikes = new Map<string, number>();
  healed = false;
  readonly #options: WorldOptions;
  readonly #injector: Injector;
  readonly #surroundings: Surroundings;
  #ready: { member: Member; run: () => void }[] = [];
  readonly #laters = new Set<() => void>();
  readonly #cut = new Map<Member, "before" | "after">();
  readonly #watchers = new Map<FactType, ((fact: never, member: string) => void)[]>();
  readonly #after: (() => void)[] = [];
  #all: ((fact: Fact, member: string) => void) | null = null;
  #current: Member | null = null;
  #unfed: number;
  #newcomers = 0;
  #changed = true;
  #closing = false;
  readonly #host: Host;
  #restore: (() => void) | null = null;

  constructor(options: WorldOptions) {
    this.#options = options;
    this.oracle = new Oracle(options.strategy);
    this.#host = {
      now: () => this.clock.nowMs,
      wallNow: () => EPOCH_MS + this.clock.nowMs,
      wake: (run) => void this.clock.set(0, run),
      timer: (ms, fire) => this.clock.set(ms, fire),
      choose: (bound) => this.oracle.choose("jitter", bound),
    };
    const kafka = memoryKafka({
      host: this.#host,
      passage: (kind, client) => this.#passage(kind, client),
      fetchMaxWaitMs: FETCH_WAIT_MS,
      topics: options.topics,
    });
    this.kafka = { ...kafka, lag: (groupId) => this.#lag(groupId) };
    kafka.onCommit((commit) => {
      this.#changed = true;
      this.tell({ type: "commit_applied", ...commit }, null);
    });
    this.#injector = new Injector(this.#victim(), options.faults);
    this.#surroundings = this.#surround();
    this.#unfed = 0;
    for (const { records = [] } of Object.values(options.topics)) this.#unfed += records.length;
  }

  /** Adds a watcher; before `begin` only, so that everybody hears everything. */
  watch(watcher: Watcher): void {
    for (const [type, hear] of Object.entries(watcher)) {
      const known = this.#watchers.get(type as FactType) ?? [];
      this.#watchers.set(type as FactType, [...known, hear as never]);
    }
  }

  /** Asked after every step. */
  watchSteps(look: () => void): void {
    this.#after.push(look);
  }

  /** Hears every fact there is, single messages included. */
  watchAll(hear: (fact: Fact, member: string) => void): void {
    this.#all = hear;
  }

  /** Everybody stops in good order, and nobody is started again. */
  close(): void {
    this.#closing = true;
    for (const member of this.members) member.stop();
  }

  /** Appends the first records and starts the members. From here to `end` this world has the thread. */
  begin(): void {
    const random = chance(0x5eed);
    this.#restore = guard({
      host: () => this.#current?.host ?? this.#host,
      chance: random,
      strict: this.#options.strict,
    });
    this.#feed();
    for (let i = 1; i <= this.#options.members; i++) this.#enlist(`m${i}`).boot();
  }

  /** Gives the thread and its globals back. */
  end(): void {
    this.#restore?.();
    this.#restore = null;
  }

  /**
   * Goes on until `condition` holds, a law is broken, or one of the limits is reached: then false.
   * The condition may be dear: it is asked after a commit, and every few steps.
   */
  async until(
    condition: () => boolean,
    limits: { readonly ms: number; readonly steps: number },
  ): Promise<boolean> {
    this.#changed = true;
    const endMs = this.clock.nowMs + limits.ms;
    const endSteps = this.steps + limits.steps;
    while (this.violation === null) {
      if (this.#changed || this.steps % LOOK_EVERY === 0) {
        this.#changed = false;
        if (condition()) return true;
      }
      if (this.steps >= endSteps || !this.#step(endMs)) return condition();
      await drain();
      this.#current = null;
      this.steps++;
      this.#injector.count("step", null, null);
      for (const look of this.#after) this.attempt(look);
    }
    return false;
  }

  /** A law that is broken by what `look` finds ends the run. */
  attempt(look: () => void): void {
    try {
      look();
    } catch (error) {
      this.#broken(error);
    }
  }

  #broken(error: unknown): void {
    if (!(error instanceof Violation)) throw error;
    this.violation ??= error;
  }

  tell(fact: NewSimEvent, member: Member | null): void {
    this.#hear({ ...fact, at: this.clock.nowMs } as Fact, member);
  }

  /** Nothing goes wrong any more, what was cut is whole, and who was down is up. */
  heal(): void {
    this.#injector.heal();
    this.healed = true;
    for (const then of [...this.#laters]) then();
    this.#laters.clear();
    this.#cut.clear();
    this.kafka.start();
    for (const member of this.members) {
      if (member.drifts) member.drift(1);
      // Only the end of its process ends a handler that never ends: an operator's last resort.
      if (member.hung > 0) member.kill();
      if (member.state === "down" && !isNewcomer(member)) member.boot();
    }
    this.tell({ type: "healed" }, null);
  }

  /** Whether every record was appended and everything that a fault began is over. */
  get quiet(): boolean {
    return this.#laters.size === 0;
  }

  /** Whether everybody who should be up is, and none of their processes waits for a restart. */
  get settled(): boolean {
    return this.members.every((member) => isNewcomer(member) || member.state === "up");
  }

  /** What stands in the way of coming to rest, in words. */
  whyNot(): string {
    const reasons: string[] = [];
    for (const { topic, partition } of this.consumed()) {
      const end = this.kafka.end(topic, partition);
      const committed = [...this.groups.keys()]
        .flatMap((groupId) => this.kafka.committed(groupId))
        .find((its) => its.topic === topic && its.partition === partition);
      if ((committed?.offset ?? 0) < end) {
        reasons.push(
          `${topic}/${partition} is committed up to ${committed?.offset ?? "nothing"} of ${end}`,
        );
      }
    }
    for (const { name, state } of this.members) {
      if (state !== "up" && !name.startsWith("n")) reasons.push(`${name} is ${state}`);
    }
    const at = `${Math.round(this.clock.nowMs)} ms, ${this.steps} steps`;
    return `${reasons.join("; ") || "the world is not as it should be"} after ${at}`;
  }

  /** Every partition that some group reads. */
  consumed(): TopicPartition[] {
    return [...this.groups.values()].flatMap(({ topics }) => this.#partitionsOf(topics));
  }

  /** Records that the groups' committed offsets do not cover; of one group or of all. */
  #lag(groupId?: string): number {
    let lag = this.#unfed;
    for (const group of this.groups.values()) {
      if (groupId !== undefined && group.groupId !== groupId) continue;
      const committed = new Map<string, number>();
      for (const { topic, partition, offset } of this.kafka.committed(group.groupId)) {
        committed.set(`${topic}/${partition}`, offset);
      }
      for (const { topic, partition } of this.#partitionsOf(group.topics)) {
        const end = this.kafka.end(topic, partition);
        const from = committed.get(`${topic}/${partition}`) ?? -1;
        const empty = from < 0 && this.kafka.nextRecord(topic, partition, 0) === null;
        if (!empty) lag += Math.max(0, end - Math.max(from, 0));
      }
    }
    return lag;
  }

  /** The member's life that `host` belongs to. */
  #memberOf(host: Host): Member | null {
    return this.members.find((member) => member.host === host) ?? null;
  }

  #enlist(name: string): Member {
    const member = new Member(name, this.#surroundings);
    this.members.push(member);
    return member;
  }

  /** One step of somebody, or of time; false: nothing is left to do by `endMs`. */
  #step(endMs: number): boolean {
    this.#injector.strike();
    const ready = this.#ready;
    const { nextMs } = this.clock;
    if (ready.length > 0) {
      const overtakes = nextMs !== null && nextMs - this.clock.nowMs <= OVERTAKE_MS ? 1 : 0;
      const at = this.oracle.choose("pick", ready.length + overtakes);
      const next = ready[at];
      if (next !== undefined) {
        ready.splice(at, 1);
        next.member.step(next.run);
        return true;
      }
    }
    if (nextMs === null || nextMs > endMs) return false;
    this.clock.take()?.();
    return true;
  }

  #hear(fact: Fact, member: Member | null): void {
    const name = member?.name ?? "";
    if (this.#all !== null) this.#all(fact, name);
    const watchers = this.#watchers.get(fact.type);
    if (watchers !== undefined) {
      try {
        for (const hear of watchers) hear(fact as never, name);
      } catch (error) {
        this.#broken(error);
      }
    }
    this.#injector.count(fact.type, member, "pid" in fact ? fact.pid : null);
  }

  #surround(): Surroundings {
    return {
      now: () => this.clock.nowMs,
      ready: (member, run) => void this.#ready.push({ member, run }),
      timer: (ms, fire) => this.clock.set(ms, fire),
      pick: (bound) => this.oracle.choose("pick", bound),
      jitter: (bound) => this.oracle.choose("jitter", bound),
      enter: (member, code) => {
        this.#current = member;
        code();
      },
      furnish: (member) => this.#furnish(member),
      observe: (member, kernel) => this.#observe(member, kernel),
      started: (member) =>
        this.tell({ type: "member_started", incarnation: member.incarnation }, member),
      ended: (member, how) => this.#ended(member, how),
    };
  }

  #furnish(member: Member): ReturnType<Surroundings["furnish"]> {
    const { host } = member;
    const tell = (fact: NewSimEvent): void => {
      if (member.host === host) this.tell(fact, member);
    };
    const driver = watchedDriver(this.kafka.connect(host), tell);
    const kafka = { ...driver, lag: this.kafka.lag };
    const found = this.#options.tree({ kafka, state: this.state, member: member.name });
    if (typeof found !== "object" || found === null || !("start" in found)) {
      throw new TypeError(`tree: ${String(found)} is not allowed; allowed: a child specification`);
    }
    const { spec, groups } = watchHandlers(found, this.#handlerWorld(member));
    for (const group of groups) this.groups.set(group.groupId, group);
    return { spec, kafka };
  }

  #handlerWorld(member: Member): HandlerWorld {
    const { host, incarnation } = member;
    const sleep = (ms: number): Promise<void> =>
      new Promise((resolve) => void host.timer(ms, resolve));
    return {
      given: (offsets) => {
        const { topic, partition, epoch, incarnation: pid } = member.handling ?? NOBODY;
        return { topic, partition, epoch, incarnation: pid, offsets };
      },
      tell: (fact) => this.tell(fact, member),
      fate: (given) => this.#injector.fate(member, given),
      sleep,
      hang: () => {
        if (member.incarnation === incarnation) member.hung++;
        return new Promise(() => {});
      },
    };
  }

  #observe(member: Member, kernel: Kernel): void {
    const hear = (event: SystemEvent): void => {
      if (event.type === "handling") {
        const { topic, partition, epoch, pid } = event;
        member.handling = { topic, partition, epoch, incarnation: pid, offsets: [] };
      }
      this.#hear(event, member);
    };
    if (this.#all !== null) kernel.observe(hear);
    else kernel.observe(hear, this.#systemTypes());
  }

  #systemTypes(): EventType[] {
    const types = new Set<FactType>([...this.#watchers.keys(), "handling"]);
    for (const type of this.#injector.awaits) if (type !== "step") types.add(type as FactType);
    return [...types].filter(isSystemType);
  }

  #ended(member: Member, how: "killed" | "stopped" | "failed"): void {
    const { incarnation } = member;
    this.tell({ type: "member_ended", how }, member);
    // Whoever killed it starts it again; what stops or fails is started by its orchestrator.
    if (how === "killed" || isNewcomer(member) || this.#closing) return;
    this.#later(RESTART_MS, () => {
      if (member.state === "down" && member.incarnation === incarnation) member.boot();
    });
  }

  #later(ms: number, then: () => void): void {
    const run = (): void => {
      if (!this.#laters.delete(run)) return;
      cancel();
      then();
    };
    const cancel = this.clock.set(ms, run);
    this.#laters.add(run);
  }

  #passage(kind: RequestKind, client: Host): Passage {
    const outMs = DELAYS_MS[this.oracle.choose("delay", DELAYS_MS.length)] ?? 1;
    const backMs = DELAYS_MS[this.oracle.choose("delay", DELAYS_MS.length)] ?? 1;
    const member = this.#memberOf(client);
    const cut = member === null ? undefined : this.#cut.get(member);
    const fault = this.#injector.tampered(kind);
    if (cut !== undefined) return { outMs, backMs, breaks: cut };
    if (fault === null) return { outMs, backMs };
    switch (fault.how) {
      case "late":
        return { outMs: outMs + fault.ms, backMs };
      case "lost":
        return { outMs, backMs, breaks: "before" };
      case "answerLost":
        return { outMs, backMs, breaks: "after" };
      case "twice":
        return { outMs, backMs, twice: true };
      case "empty":
        return { outMs, backMs, maxBytes: 0 };
      default:
        return { outMs, backMs, maxBytes: 1 };
    }
  }

  #victim(): Victim {
    return {
      kafka: this.kafka,
      members: () => this.members,
      groupIds: () => [...this.groups.keys()],
      partitions: () => this.#partitionsOf(Object.keys(this.#options.topics)),
      newcomer: () => {
        const member = this.#enlist(`n${++this.#newcomers}`);
        member.boot();
        return member;
      },
      later: (ms, then) => this.#later(ms, then),
      cut: (member, breaks) => {
        if (breaks === null) this.#cut.delete(member);
        else this.#cut.set(member, breaks);
      },
      struck: (fault, what) => {
        if (what === "") return;
        this.strikes.set(fault.kind, (this.strikes.get(fault.kind) ?? 0) + 1);
        this.tell({ type: "injected", fault, struck: what }, null);
      },
    };
  }

  #partitionsOf(topics: readonly string[]): TopicPartition[] {
    return topics.flatMap((topic) => {
      const { partitions = 0 } = this.#options.topics[topic] ?? {};
      return Array.from({ length: partitions }, (_, partition) => ({ topic, partition }));
    });
  }

  /** All records at once, or one after the other; what is left when the world heals comes then. */
  #feed(): void {
    const { feedMs } = this.#options;
    let afterMs = 0;
    for (const [topic, { partitions, records = [] }] of Object.entries(this.#options.topics)) {
      records.forEach((record, i) => {
        const append = (): void => {
          this.#unfed--;
          const partition = record.partition ?? i % partitions;
          this.kafka.append(topic, partition % partitions, [record as OutgoingMessage]);
        };
        if (feedMs === 0) append();
        else {
          afterMs += feedMs;
          this.#later(afterMs, append);
        }
      });
    }
  }
}

const NOBODY = { topic: "", partition: -1, epoch: -1, incarnation: -1 };
const isNewcomer = ({ name }: Member): boolean => name.startsWith("n");
