/**
 * Why this exists: a whole deployment in one thread and no time: a broker, members in processes of
 * their own, what they are told to run, and the faults that strike them.
 */

import { type MemoryKafka, memoryKafka } from "../drivers/memory-kafka.ts";
import { OptionError } from "../kernel/errors.ts";
import type { EventType, SystemEvent } from "../kernel/events.ts";
import type { Host } from "../kernel/host.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type { Process } from "../kernel/process.ts";
import type { ChildSpec } from "../ports/child-spec.ts";
import { Audience } from "./audience.ts";
import { chance } from "./chance.ts";
import { hostOf } from "./clock.ts";
import { drain } from "./drain.ts";
import {
  type Ending,
  type Fact,
  type FactType,
  isSystemType,
  mixFact,
  type NewSimEvent,
} from "./facts.ts";
import type { Fault } from "./fault.ts";
import { furnish } from "./furnish.ts";
import { Guard } from "./guard.ts";
import { Injector, type Victim, victimsOf } from "./injector.ts";
import { Laters } from "./laters.ts";
import { Loop } from "./loop.ts";
import { Member, type Surroundings } from "./member.ts";
import { Network } from "./network.ts";
import { Oracle, type Strategy } from "./oracle.ts";
import { Progress } from "./progress.ts";
import type { Topics, Tree } from "./setup.ts";
import { Violation } from "./violation.ts";

export interface WorldOptions {
  readonly topics: Topics;
  readonly tree: Tree;
  readonly members: number;
  readonly faults: readonly Fault[];
  readonly strategy: Strategy;
  /** Between two records that are appended; 0: all are there at the start. */
  readonly feedMs: number;
  readonly strict: boolean;
  /** What `Math.random` begins with in the user's code. */
  readonly chanceSeed: number;
}

/** Steps between two looks at whether the end is reached. */
const LOOK_EVERY = 16;
const RESTART_MS = 1_000;
const FETCH_WAIT_MS = 5_000;

export class World {
  readonly oracle: Oracle;
  readonly audience = new Audience();
  readonly loop: Loop;
  readonly kafka: MemoryKafka & { lag(groupId?: string): number };
  readonly progress: Progress;
  /** What outlives every member, as a database does. */
  readonly state = new Map<string, unknown>();
  readonly members: Member[] = [];
  /** Faults that struck, by kind. */
  readonly strikes = new Map<string, number>();
  healed = false;
  readonly #options: WorldOptions;
  readonly #injector: Injector;
  readonly #surroundings: Surroundings;
  readonly #network: Network;
  readonly #host: Host;
  readonly #guard: Guard;
  readonly #laters: Laters;
  /** Whether something was committed since the last look. */
  #changed = true;
  #closing = false;

  constructor(options: WorldOptions) {
    this.#options = options;
    this.oracle = new Oracle(options.strategy);
    this.loop = new Loop(this.oracle);
    this.#laters = new Laters(this.loop.clock);
    this.#network = new Network(this.oracle, () => this.progress.generation);
    this.#host = hostOf(this.loop.clock, (bound) => this.oracle.choose("jitter", bound));
    const kafka = memoryKafka({
      host: this.#host,
      passage: (kind, client) =>
        this.#network.passage(kind, this.#memberOf(client), (its) => this.#injector.tampered(its)),
      fetchMaxWaitMs: FETCH_WAIT_MS,
      topics: options.topics,
    });
    this.progress = new Progress(kafka, options.topics);
    this.kafka = { ...kafka, lag: (groupId) => this.progress.lag(groupId) };
    kafka.onCommit((commit) => {
      this.#changed = true;
      this.tell({ type: "commit_applied", ...commit }, null);
    });
    this.#guard = new Guard({
      host: () => this.loop.current?.host ?? this.#host,
      chance: chance(options.chanceSeed),
      strict: options.strict,
      blame: (law, deed) => this.#blame(law, deed),
    });
    this.audience.watch({
      joined: () => {
        // No timer where there is nothing to do: it would change whose turn it is.
        if (this.#network.hasStrays) this.loop.clock.set(0, () => this.#network.arriveStrays());
      },
    });
    this.#injector = new Injector(this.#victim(), options.faults);
    this.#surroundings = this.#surround();
  }

  get nowMs(): number {
    return this.loop.clock.nowMs;
  }

  /** From here to `leave` this world has the thread, and its globals are in place. */
  enter(): void {
    this.#guard.enter();
  }

  leave(): void {
    this.#guard.leave();
  }

  /** Appends the first records and starts the members. */
  begin(): void {
    this.progress.feed(this.#options.feedMs, (ms, then) => this.#laters.add(ms, then));
    for (let i = 1; i <= this.#options.members; i++) this.#enlist(false).boot();
  }

  /** A fault strikes before the next step. */
  strike(fault: Fault): void {
    this.#injector.strikeSoon(fault);
  }

  member(name: string): Member | undefined {
    return this.members.find((member) => member.name === name);
  }

  /** Every process that a crash may strike: all but the members' roots. */
  victims(): { readonly member: Member; readonly process: Process }[] {
    return victimsOf(this.members);
  }

  /**
   * Goes on until `condition` holds, a law is broken, or one of the limits is reached: then false.
   * The condition may be dear: it is asked after a commit, and every few steps.
   */
  async until(
    condition: () => boolean,
    limits: { readonly ms: number; readonly steps: number; readonly lookEvery?: number },
  ): Promise<boolean> {
    const { loop, audience } = this;
    const endMs = this.nowMs + limits.ms;
    const endSteps = loop.steps + limits.steps;
    const { lookEvery = LOOK_EVERY } = limits;
    this.#changed = true;
    while (audience.violation === null) {
      if (audience.mistake !== null) throw audience.mistake;
      if (this.#changed || loop.steps % lookEvery === 0) {
        this.#changed = false;
        if (condition()) return true;
      }
      this.#injector.strike();
      if (loop.steps >= endSteps || !loop.turn(endMs)) return condition();
      await drain();
      loop.over();
      this.#injector.count("step", null, null);
      audience.stepped();
    }
    return false;
  }

  tell(fact: NewSimEvent, member: Member | null): void {
    mixFact(this.oracle, fact, member?.number ?? 0, this.nowMs);
    this.#hear({ ...fact, at: this.nowMs } as Fact, member);
  }

  /** Nothing goes wrong any more, what was cut is whole, and who was down is up. */
  heal(): void {
    this.#injector.strike();
    this.#injector.heal();
    this.healed = true;
    this.#laters.runAll();
    this.#network.heal();
    this.kafka.start();
    for (const member of this.members) {
      if (member.drifts) member.drift(1);
      // Only the end of its process ends a handler that never ends: an operator's last resort.
      if (member.hung > 0) member.kill();
      if (member.state === "down" && !member.temporary) member.boot();
    }
    this.tell({ type: "healed" }, null);
  }

  /** Everybody stops in good order, and nobody is started again. */
  close(): void {
    this.#closing = true;
    this.progress.close();
    for (const member of this.members) member.stop();
  }

  /** Whether every record was appended and everything that a fault began is over. */
  get quiet(): boolean {
    return this.#laters.isEmpty;
  }

  /** Whether everybody who should be up is. */
  get whole(): boolean {
    return this.members.every((member) => member.temporary || member.state === "up");
  }

  /** What stands in the way of coming to rest, in words. */
  whyNot(): string {
    const down = this.members.filter((member) => member.state !== "up" && !member.temporary);
    const reasons = [
      ...this.progress.missing(),
      ...down.map((member) => `${member.name} is ${member.state}${member.goingOn}`),
    ];
    const at = `${Math.round(this.nowMs)} ms and ${this.loop.steps} steps`;
    return `${reasons.join("; ") || "`eventually` is still false"} after ${at}`;
  }

  /** The member whose present life `host` belongs to. */
  #memberOf(host: Host): Member | null {
    return this.members.find((member) => member.host === host) ?? null;
  }

  #enlist(temporary: boolean): Member {
    const member = new Member(this.members.length + 1, temporary, this.#surroundings);
    this.members.push(member);
    return member;
  }

  #hear(fact: Fact, member: Member | null): void {
    this.audience.hear(fact, member?.name ?? "");
    this.#injector.count(fact.type, member, "pid" in fact ? fact.pid : null);
  }

  #surround(): Surroundings {
    const { loop, oracle } = this;
    return {
      now: () => loop.clock.nowMs,
      ready: (member, run) => loop.ready(member, run),
      timer: (ms, fire) => loop.clock.set(ms, fire),
      pick: (member, bound, pidAt) =>
        oracle.choose("pick", bound, (at) => member.nameOf(pidAt(at))),
      jitter: (bound) => oracle.choose("jitter", bound),
      enter: (member, code) => loop.enter(member, code),
      furnish: (member) => this.#furnish(member),
      observe: (member, kernel) => this.#observe(member, kernel),
      started: (member) => {
        this.tell({ type: "member_started", incarnation: member.incarnation }, member);
      },
      ended: (member, how) => this.#ended(member, how),
    };
  }

  #furnish(member: Member): ChildSpec {
    const { spec, groups } = furnish(member, {
      tree: this.#options.tree,
      driver: this.kafka.connect(member.host),
      state: this.state,
      lag: this.kafka.lag,
      tell: (fact) => this.tell(fact, member),
      fate: (given) => this.#injector.fate(member, given),
      joining: (groupId) => this.#joining(groupId),
      healed: () => this.healed,
    });
    this.progress.found(groups);
    return spec;
  }

  /** Of a group that is started later its handlers are unknown, and no law would watch them. */
  #joining(groupId: string): void {
    if (this.progress.groups.has(groupId)) return;
    const allowed = "a group that stands in what `tree` returns, not one that an actor starts";
    this.audience.mistake ??= new OptionError("tree", groupId, allowed);
  }

  #blame(law: string, deed: string): void {
    const { audience, loop } = this;
    audience.violation ??= new Violation(law, `${loop.current?.name ?? "somebody"} ${deed}`);
  }

  #observe(member: Member, kernel: Kernel): void {
    const hear = (event: SystemEvent): void => {
      if (event.type === "handling") {
        const { topic, partition, epoch, pid: incarnation } = event;
        member.handling = { topic, partition, epoch, incarnation, offsets: [] };
      }
      this.#hear(event, member);
    };
    kernel.observe(hear, this.#systemTypes());
  }

  /** What the kernels must tell; undefined: everything. */
  #systemTypes(): EventType[] | undefined {
    const { types } = this.audience;
    if (types === null) return undefined;
    const wanted = new Set<FactType>([...types, "handling"]);
    for (const type of this.#injector.awaits) if (type !== "step") wanted.add(type as FactType);
    return [...wanted].filter(isSystemType);
  }

  #ended(member: Member, how: Ending): void {
    const { incarnation } = member;
    this.tell({ type: "member_ended", how }, member);
    // Whoever killed it starts it again; what stops or fails is started by its orchestrator.
    if (how === "killed" || member.temporary || this.#closing) return;
    this.#laters.add(RESTART_MS, () => {
      if (member.state === "down" && member.incarnation === incarnation) member.boot();
    });
  }

  #victim(): Victim {
    return {
      kafka: this.kafka,
      members: () => this.members,
      groupIds: () => [...this.progress.groups.keys()],
      partitions: () => this.progress.partitions,
      addPartition: (topic) => this.progress.addPartition(topic),
      newcomer: () => {
        const member = this.#enlist(true);
        member.boot();
        return member;
      },
      later: (ms, then) => this.#laters.add(ms, then),
      cut: (member, breaks) => this.#network.cut(member, breaks),
      struck: (fault, what) => {
        if (what === "") return;
        this.strikes.set(fault.kind, (this.strikes.get(fault.kind) ?? 0) + 1);
        this.tell({ type: "injected", fault, struck: what }, null);
      },
    };
  }
}
