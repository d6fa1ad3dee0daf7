/**
 * Why this exists: supervision trees nobody thought of, and what befalls them, as data. The real
 * supervisors and their model both go through it.
 */
import fc from "fast-check";

export interface WorkerPlan {
  id: string;
  restart: "permanent" | "transient" | "temporary";
  significant: boolean;
  trap: boolean;
  /** How long its `terminate` takes; only of one that traps exits. */
  stopMs: number;
  shutdownMs: number | "brutal_kill" | "infinity";
  /** Which of its starts fails; 0: none. */
  fails: number;
  /** How long its `init` takes, and the wait before a second restart in a row. */
  startMs: number;
  waitMs: number;
}

export interface SupervisorPlan {
  id: string;
  restart: WorkerPlan["restart"];
  significant: boolean;
  shutdownMs: "brutal_kill" | "infinity";
  strategy: "one_for_one" | "one_for_all" | "rest_for_one";
  intensity: number;
  autoShutdown: "never" | "any_significant" | "all_significant";
  children: Plan[];
}
export type Plan = WorkerPlan | SupervisorPlan;

export const isSupervisor = (plan: Plan): plan is SupervisorPlan => "children" in plan;

export const PERIOD_MS = 5_000;
/** Between two actions: longer than one stop takes. */
export const PAUSE_MS = 200;
export const PASS_MS = 3_000;

/** `sup` counts the supervisors that live, `who` the children of that one. */
export type Act =
  | { do: "kill"; sup: number; whom: number[] }
  | { do: "crash" | "normal" | "shutdown" | "bad"; sup: number; who: number }
  | { do: "terminateChild" | "restartChild" | "deleteChild"; sup: number; who: number }
  | { do: "startChild"; sup: number; plan: WorkerPlan }
  | { do: "pass" };

export interface Fate {
  root: SupervisorPlan;
  acts: Act[];
  end: "stop" | "kill";
}

const nat = fc.nat({ max: 5 });
const is = <T>(...names: T[]): fc.Arbitrary<T> => fc.constantFrom(...names);
const common = {
  restart: is<WorkerPlan["restart"]>("permanent", "permanent", "transient", "temporary"),
  significant: fc.boolean(),
};

const worker = (slow: boolean): fc.Arbitrary<WorkerPlan> =>
  fc.record({
    ...common,
    id: is("n1", "n2"),
    trap: fc.boolean(),
    stopMs: is(0, 30, 100),
    shutdownMs: is<WorkerPlan["shutdownMs"]>(50, 50, "brutal_kill", "infinity"),
    fails: is(0, 0, 0, 2, 3),
    startMs: slow ? is(0, 0, 40) : fc.constant(0),
    waitMs: slow ? is(0, 60) : fc.constant(0),
  });

function supervisor(id: string, children: fc.Arbitrary<Plan>): fc.Arbitrary<SupervisorPlan> {
  return fc.record({
    ...common,
    id: fc.constant(id),
    shutdownMs: is<SupervisorPlan["shutdownMs"]>("infinity", "infinity", "brutal_kill"),
    strategy: is<SupervisorPlan["strategy"]>("one_for_one", "one_for_all", "rest_for_one"),
    intensity: is(0, 1, 2, 2, 3, 4),
    autoShutdown: is<SupervisorPlan["autoShutdown"]>("never", "any_significant", "all_significant"),
    children: fc.array(children, { minLength: 1, maxLength: 4, size: "max" }),
  });
}

const rootOf = (child: fc.Arbitrary<Plan>) =>
  fc
    .tuple(
      supervisor(
        "root",
        fc.oneof({ weight: 2, arbitrary: child }, { weight: 1, arbitrary: supervisor("", child) }),
      ),
      fc.nat({ max: 6 }),
    )
    .map(([plan, intensity]): SupervisorPlan => {
      const children = named(plan, "s").children;
      return { ...plan, children, intensity, significant: false, shutdownMs: "infinity" };
    });

/** Each child with an id of its own; significant only where that may be. */
function named(plan: SupervisorPlan, id: string): SupervisorPlan {
  const children = plan.children.map((child, i): Plan => {
    const significant =
      child.significant && plan.autoShutdown !== "never" && child.restart !== "permanent";
    const at = `${id}${i + 1}`;
    if (!isSupervisor(child)) {
      // As it is: stopping one that waits within a round leaves its siblings "restarting" for ever.
      return { ...child, significant, id: at.replace("s", "w") };
    }
    return { ...named(child, at), significant, id: at };
  });
  return { ...plan, children };
}

const actOf = (plan: fc.Arbitrary<WorkerPlan>): fc.Arbitrary<Act> =>
  fc.oneof(
    {
      weight: 3,
      arbitrary: fc.record({
        do: fc.constant("kill" as const),
        sup: nat,
        whom: fc.array(nat, { minLength: 1, maxLength: 3 }),
      }),
    },
    {
      weight: 4,
      arbitrary: fc.record({
        do: is("crash" as const, "normal" as const, "shutdown" as const, "bad" as const),
        sup: nat,
        who: nat,
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        do: is("terminateChild" as const, "restartChild" as const, "deleteChild" as const),
        sup: nat,
        who: nat,
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ do: fc.constant("startChild" as const), sup: nat, plan }),
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constant("pass" as const) }) },
  );

/** `slow`: starts take time as well, and restarts may have to wait. */
export const fates = (slow: boolean): fc.Arbitrary<Fate> =>
  fc.record({
    root: rootOf(worker(slow)),
    acts: fc.array(actOf(worker(slow)), { minLength: 1, maxLength: 16, size: "max" }),
    end: is("stop" as const, "kill" as const),
  });
