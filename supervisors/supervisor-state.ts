/** Why this exists: what a supervisor knows of its children, and what it was told to do with them. */
import type { Deferred } from "../src/kernel/actor.ts";
import { needFields, needOption } from "../src/kernel/errors.ts";
import type { ExitReason } from "../src/kernel/exit.ts";
import type { Cancel } from "../src/kernel/host.ts";
import type { Ref } from "../src/kernel/ref.ts";
import type { ChildSpec, ChildStatus, StartChildResult } from "../src/ports/child-spec.ts";
import { checkChildSpec, copyOf } from "./check-child.ts";
import { createRestartWindow, type RestartWindow } from "./restart-window.ts";

const STRATEGIES = ["one_for_one", "one_for_all", "rest_for_one"] as const;
const SHUTDOWNS = ["never", "any_significant", "all_significant"] as const;

export interface SupervisorOptions {
  /**
   * Who is started again when a child ends: it alone (the default), all children, or it and those
   * that were started after it. The others are stopped first, in reverse order.
   */
  readonly strategy?: (typeof STRATEGIES)[number];
  /** Restarts allowed within `periodMs`, of all children without a budget of their own; default 1. */
  readonly intensity?: number;
  /** Default 5,000 ms. */
  readonly periodMs?: number;
  /** Started in this order, each when the one before it is up; stopped in reverse. */
  readonly children?: readonly ChildSpec[];
  /**
   * Whether it stops, with `shutdown`, when a `significant` child has ended by itself for good, or
   * when all of them have. Default `"never"`.
   */
  readonly autoShutdown?: (typeof SHUTDOWNS)[number];
}

export interface Child {
  readonly spec: ChildSpec;
  ref: Ref | null;
  status: ChildStatus;
  /** Not up once so far: if its first start fails nothing of it is kept. */
  fresh: boolean;
  /** Since when it is up; null: its start is not over, or has failed. */
  upAt: number | null;
  restarts: number;
  /** Restarts since the last sign of progress. */
  streak: number;
  /** What `budget.progress` said at the last crash. */
  mark: unknown;
  /** How often its progress was asked for, or an answer came. */
  asked: number;
  /** Its restart waits, for an answer or for a time: others may be down because of it. */
  waits: boolean;
  lastExit: ExitReason | null;
  /** The restart's or the kill's timer. */
  timer: Cancel | null;
  starter: Pick<Deferred<StartChildResult>, "resolve"> | null;
  stoppers: Deferred<"ok" | "not_found">[];
}

export interface SupervisorState {
  readonly strategy: (typeof STRATEGIES)[number];
  readonly autoShutdown: (typeof SHUTDOWNS)[number];
  readonly intensity: number;
  readonly periodMs: number;
  readonly window: RestartWindow;
  /** In the order of their start. */
  readonly children: Map<string, Child>;
  /** Children come and go, in no order: forgotten when they end, stopped together. */
  readonly dynamic: boolean;
}

type Names = Readonly<Partial<Record<keyof SupervisorOptions, true>>>;
/** What a supervisor whose children come and go is told. */
const DYNAMIC: Names = { intensity: true, periodMs: true };
export const NAMES = { ...DYNAMIC, strategy: true, children: true, autoShutdown: true } as const;

/** `label`: the supervisor's, for whoever made a mistake. */
export function newState(
  options: SupervisorOptions,
  dynamic: boolean,
  label: string,
): SupervisorState {
  const need = (good: boolean, option: string, value: unknown, allowed: string): void =>
    needOption(good, option, value, allowed, label);
  needFields(options, dynamic ? DYNAMIC : NAMES, "", label);
  const { strategy = "one_for_one", autoShutdown = "never", children = [] } = options;
  const { intensity = 1, periodMs = 5_000 } = options;
  need(STRATEGIES.includes(strategy), "strategy", strategy, STRATEGIES.join(", "));
  need(SHUTDOWNS.includes(autoShutdown), "autoShutdown", autoShutdown, SHUTDOWNS.join(", "));
  const isCount = Number.isInteger(intensity) && intensity >= 0;
  need(isCount, "intensity", intensity, "a whole number from 0");
  const isPeriod = typeof periodMs === "number" && periodMs > 0;
  need(isPeriod, "periodMs", periodMs, "milliseconds above 0");
  need(Array.isArray(children), "children", children, "an array of child specifications");
  const ids = new Set<string>();
  for (const [i, spec] of children.entries()) {
    checkChild(spec, autoShutdown, `children[${i}]`, label);
    need(!ids.has(spec.id), `children[${i}].id`, spec.id, "an id used once");
    ids.add(spec.id);
  }
  const window = createRestartWindow(intensity, periodMs);
  return { strategy, autoShutdown, intensity, periodMs, window, dynamic, children: new Map() };
}

/** Throws an `OptionError` for what cannot be meant, here or anywhere. */
export function checkChild(
  spec: ChildSpec,
  autoShutdown: SupervisorState["autoShutdown"],
  path: string,
  label?: string,
): void {
  checkChildSpec(spec, path, label);
  const alone = spec.significant !== true || autoShutdown !== "never";
  needOption(alone, `${path}.significant`, true, "false, where autoShutdown is never", label);
}

export const newChild = (spec: ChildSpec): Child => ({
  spec: copyOf(spec),
  ref: null,
  status: "starting",
  fresh: true,
  upAt: null,
  restarts: 0,
  streak: 0,
  mark: undefined,
  asked: 0,
  waits: false,
  lastExit: null,
  timer: null,
  starter: null,
  stoppers: [],
});

/** What it waited for, a restart or a kill, is over. */
export function clearTimer(child: Child): void {
  child.timer?.();
  child.timer = null;
}

/** Whose process that is. A child's label is its id; what it was before says nothing new. */
export function childOf({ children }: SupervisorState, ref: Ref): Child | undefined {
  const child = children.get(ref.label);
  return child?.ref === ref ? child : undefined;
}
