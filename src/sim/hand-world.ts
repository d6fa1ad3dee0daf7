/**
 * Why this exists: a regression, or a lesson, is easier to read step by step than as a token: the
 * same world, moved by hand.
 */
import type { MemoryKafka } from "../drivers/memory-kafka.ts";
import { needFields, needOption, OptionError } from "../kernel/errors.ts";
import { partitionKey } from "../ports/record.ts";
import type { FactOf, FactType } from "./facts.ts";
import { FAULTS, type Fault, type FaultKind } from "./fault.ts";
import { upMembers } from "./injector.ts";
import type { Invariant } from "./invariants/invariant.ts";
import { invariants } from "./invariants/invariants.ts";
import { checkLaws, MAX_SEED, MEMBERS_MAX, whole } from "./options.ts";
import { exclusive, swearIn } from "./run.ts";
import { checkTopics, type Topics, type Tree } from "./setup.ts";
import type { Traced } from "./story.ts";
import { STRATEGIES, type StrategyName, strategyOf } from "./strategy.ts";
import { traceText } from "./trace.ts";
import { UnderWay } from "./under-way.ts";
import { Violation } from "./violation.ts";
import { World } from "./world.ts";

export interface HandWorldOptions {
  readonly topics: Topics;
  readonly tree: Tree;
  /** Default 1. */
  readonly members?: number;
  /** Default `"fifo"`: the plainest order, the same every time. */
  readonly strategy?: StrategyName;
  /** For the other strategies; default 1. */
  readonly seed?: number;
  readonly invariants?: readonly Invariant[];
}

/** A fault now. A process, a member or a partition that its kind does not strike is refused. */
export interface Strike {
  readonly kind: FaultKind;
  /** One of the kind's variants; default the first. */
  readonly how?: string;
  /** For `crash` and `mailboxFull`: the process's label in the tree, `"orders/0"` or `"acker"`. */
  readonly process?: string;
  /** Whose process, or which member; default the first that fits. */
  readonly member?: string;
  /** For a `fetch` that changes the log, and for the topic of `addPartitions`: `"orders/0"`. */
  readonly partition?: string;
  /** How long it lasts; default 0: no longer than it must. */
  readonly ms?: number;
}

/** What a kind strikes; those that are not here strike whatever comes next. */
const STRUCK: Partial<Record<FaultKind, readonly ("process" | "member" | "partition")[]>> = {
  crash: ["process", "member"],
  mailboxFull: ["process", "member"],
  kill: ["member"],
  stop: ["member"],
  pause: ["member"],
  networkCut: ["member"],
  clockJump: ["member"],
  drift: ["member"],
  fetch: ["partition"],
  addPartitions: ["partition"],
};

const STRIKE_NAMES: Readonly<Record<keyof Strike, true>> = {
  kind: true,
  how: true,
  process: true,
  member: true,
  partition: true,
  ms: true,
};

export interface HandWorld {
  readonly kafka: MemoryKafka & { lag(groupId?: string): number };
  /** What outlives every member. */
  readonly state: Map<string, unknown>;
  /** Simulated milliseconds since the beginning. */
  readonly nowMs: number;
  /** Goes on until `until` holds: rejects when it does not within `ms` (default 600,000), or when a law breaks. */
  run(options: {
    readonly until: (world: HandWorld) => boolean;
    readonly ms?: number;
  }): Promise<void>;
  /** Goes on for so long. */
  advance(ms: number): Promise<void>;
  /** Strikes before the next step; what strikes a handler or a request, the next one there is. */
  inject(strike: Strike): void;
  /** Heals everything and goes on until no group lags. */
  settle(): Promise<void>;
  /** Stops every member in good order, and holds the laws of the end. */
  stop(): Promise<void>;
  /** Handlers under way, of one partition (`"orders/0"`) or all. */
  inflight(partition?: string): number;
  /** All facts of one type so far, each with its member. */
  facts<T extends FactType>(type: T): (FactOf<T> & { readonly member: string })[];
  /** Every fact so far as lines of JSON: the same bytes for the same world. */
  trace(): string;
}

const NAMES: Readonly<Record<keyof HandWorldOptions, true>> = {
  topics: true,
  tree: true,
  members: true,
  strategy: true,
  seed: true,
  invariants: true,
};
const LIMIT_MS = 600_000;
const STEPS = 1_000_000;

/** Begins a world; nothing moves until it is told to. */
export async function createWorld(options: HandWorldOptions): Promise<HandWorld> {
  needFields(options, NAMES);
  if (options.invariants !== undefined) checkLaws(options.invariants);
  checkTopics(options.topics);
  const { strategy = "fifo", seed = 1, members = 1 } = options;
  needOption(typeof options.tree === "function", "tree", options.tree, "a function");
  whole({ members }, 1, MEMBERS_MAX);
  whole({ seed }, 0, MAX_SEED);
  for (const [name, { records }] of Object.entries(options.topics)) {
    const isList = records === undefined || Array.isArray(records);
    needOption(isList, `topics.${name}.records`, records, "an array: `check` alone draws them");
  }
  needOption(STRATEGIES.includes(strategy), "strategy", strategy, STRATEGIES.join(", "));
  const world = new World({
    topics: options.topics,
    tree: options.tree,
    members,
    faults: [],
    strategy: strategyOf(strategy, seed),
    feedMs: 0,
    chanceSeed: seed,
    strict: false,
  });
  const trace: Traced[] = [];
  world.audience.watchAll((fact, member) => void trace.push({ fact, member }));
  const ends = swearIn(world, options.invariants ?? invariants.all);
  const underWay = new UnderWay(world);
  await exclusive(async () => within(world, async () => world.begin()));
  return handWorld(world, trace, underWay, ends);
}

function handWorld(
  world: World,
  trace: readonly Traced[],
  underWay: UnderWay,
  ends: readonly (() => void)[],
): HandWorld {
  const { audience } = world;
  const go = (until: () => boolean, ms: number): Promise<boolean> => {
    needOption(ms >= 0, "ms", ms, "milliseconds from 0");
    return exclusive(() =>
      within(world, async () => {
        const reached = await world.until(until, { ms, steps: STEPS, lookEvery: 1 });
        if (audience.violation !== null) throw broken(audience.violation);
        return reached;
      }),
    );
  };
  const need = async (until: () => boolean, ms: number): Promise<void> => {
    if (!(await go(until, ms))) throw new Error(`not within ${ms} simulated ms: ${world.whyNot()}`);
  };
  const self: HandWorld = {
    kafka: world.kafka,
    state: world.state,
    get nowMs() {
      return world.nowMs;
    },
    run: async ({ until, ms = LIMIT_MS }) => {
      needOption(typeof until === "function", "until", until, "a function of the world");
      await need(() => until(self), ms);
    },
    advance: async (ms) => void (await go(() => false, ms)),
    inject: (strike) => world.strike(faultOf(world, strike)),
    async settle() {
      await exclusive(() => within(world, async () => world.heal()));
      await need(() => world.whole && world.kafka.lag() === 0, LIMIT_MS);
    },
    async stop() {
      await exclusive(() => within(world, async () => world.close()));
      await need(() => world.members.every(({ state }) => state === "down"), LIMIT_MS);
      for (const end of ends) end();
      if (audience.mistake !== null) throw audience.mistake;
      if (audience.violation !== null) throw broken(audience.violation);
    },
    inflight: (partition) => underWay.count(partition),
    facts: (type) =>
      trace.flatMap(({ fact, member }) =>
        fact.type === type ? [{ ...fact, member }] : [],
      ) as never,
    trace: () => traceText(trace),
  };
  return self;
}

/** With the law's name: here is no report that begins with it. */
const broken = ({ invariant, message, cause }: Violation): Violation =>
  new Violation(invariant, `${invariant}: ${message}`, cause);

/** The world's globals are in place only while it moves: the test between has its own. */
async function within<T>(world: World, run: () => Promise<T>): Promise<T> {
  world.enter();
  try {
    return await run();
  } finally {
    world.leave();
  }
}

function faultOf(world: World, strike: Strike): Fault {
  needFields(strike, STRIKE_NAMES);
  const { kind, how, ms = 0 } = strike;
  needOption(Number.isFinite(ms) && ms >= 0, "ms", ms, "milliseconds from 0");
  const variants: readonly string[] | undefined = Object.hasOwn(FAULTS, kind)
    ? FAULTS[kind]
    : undefined;
  if (variants === undefined) throw new OptionError("kind", kind, Object.keys(FAULTS).join(", "));
  const chosen = how ?? variants[0] ?? "";
  needOption(variants.includes(chosen), "how", chosen, variants.join(", "));
  const used = STRUCK[kind] ?? [];
  for (const name of ["process", "member", "partition"] as const) {
    if (strike[name] === undefined || used.includes(name)) continue;
    throw new OptionError(
      name,
      strike[name],
      `nothing: ${kind} takes ${used.join(", ") || "none"}`,
    );
  }
  return { kind, how: chosen, on: "step", nth: 1, target: targetOf(world, strike, used), ms };
}

/** Its place in the list that the fault counts in. */
function targetOf(world: World, strike: Strike, used: readonly string[]): number {
  const { process: label, member: name, partition } = strike;
  if (used.includes("process")) {
    const fits = world.victims().findIndex(({ member, process }) => {
      return process.label === label && (name === undefined || member.name === name);
    });
    return found(fits, "process", label, "the label of a process that lives");
  }
  if (name !== undefined) {
    const at = upMembers(world.members).findIndex((member) => member.name === name);
    return found(at, "member", name, "the name of a member that is up");
  }
  if (partition === undefined) return 0;
  const partitions = world.progress.partitions;
  const at = partitions.findIndex((p) => partitionKey(p.topic, p.partition) === partition);
  return found(at, "partition", partition, "a partition of the topics");
}

function found(at: number, name: string, value: unknown, allowed: string): number {
  needOption(at >= 0, name, value, allowed);
  return at;
}
