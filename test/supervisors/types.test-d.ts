import { assertType, describe, expectTypeOf, it } from "vitest";
import { createMachine, setup } from "xstate";
import {
  type AnyActor,
  actor,
  CallError,
  type ChildCounts,
  type ChildInfo,
  type ChildSpec,
  child,
  createRegistry,
  createSystem,
  type Down,
  dynamicSupervisor,
  type EventType,
  type Exit,
  type ExitReason,
  type MailboxBound,
  type Monitor,
  type Outcome,
  partitionFor,
  partitionSupervisor,
  type Ref,
  type RefOf,
  type RestartChildResult,
  runTask,
  type Self,
  type SpawnOptions,
  type StartChildResult,
  type Statistics,
  type SupervisorCalls,
  type SupervisorOptions,
  startTask,
  supervisor,
  sys,
} from "../../src/index.ts";
import { type MachineStore, machine, memoryStore } from "../../src/machine.ts";

const counter = actor({
  init: (_self, start: number) => ({ count: start }),
  calls: { add: ({ state }, by: number) => state.count + by },
  casts: { reset: () => {} },
});
const base = { id: "c", start: counter, args: [1] as [number] };
declare const system: ReturnType<typeof createSystem>;
declare const self: Self<unknown>;
declare const ref: RefOf<typeof counter>;
declare const top: RefOf<typeof supervisor>;

describe("a registry", () => {
  it("knows whose refs it has, and asks for no value where there is none", () => {
    const counters = createRegistry<string, undefined, typeof ref>({ keys: "duplicate" });
    counters.register("a", ref);
    counters.dispatch("a", (each) => each.cast("reset"));
    // @ts-expect-error no such cast
    counters.dispatch("a", (each) => each.cast("rest"));
    // @ts-expect-error another's ref
    counters.register("a", top);
    const seats = createRegistry<string, { seats: number }>({ keys: "unique" });
    // @ts-expect-error the value is missing
    seats.register("a", ref);
  });
});

describe("a listener", () => {
  it("hears the types that it names", () => {
    system.observe((event) => expectTypeOf(event.child).toEqualTypeOf<string>(), ["restarting"]);
    system.observe((event) => expectTypeOf(event.type).toEqualTypeOf<EventType>());
  });
});

describe("a partition supervisor", () => {
  it("takes its arguments as a tuple", () => {
    partitionSupervisor({ name: "p", partitions: 2, start: counter, args: (i) => [i] });
    // @ts-expect-error a text is no number
    partitionSupervisor({ name: "p", partitions: 2, start: counter, args: () => ["a"] });
  });
});

describe("a child specification", () => {
  it("has known fields, each of what is allowed", () => {
    expectTypeOf(child(base)).toEqualTypeOf<ChildSpec<typeof counter>>();
    assertType<ChildSpec>(child(base));
    expectTypeOf(system.start(child(base))).toEqualTypeOf<Promise<RefOf<typeof counter>>>();
    child({ ...base, name: "c", restart: "transient", significant: true, type: "worker" });
    child({ ...base, shutdownMs: "brutal_kill", backoff: { minMs: 1, maxMs: 2 } });
    child({ ...base, shutdownMs: 5, budget: { restarts: 5, progress: async () => 1 } });
    // @ts-expect-error no such field
    child({ ...base, shutdown: 5 });
    // @ts-expect-error a text or milliseconds
    child({ ...base, shutdownMs: "never" });
    // @ts-expect-error worker or supervisor
    child({ ...base, type: "boss" });
    // @ts-expect-error a name
    child({ ...base, id: 5 });
    // @ts-expect-error yes or no
    child({ ...base, significant: "yes" });
    // @ts-expect-error one is missing
    child({ ...base, backoff: { minMs: 1 } });
    // @ts-expect-error a function
    child({ ...base, budget: { restarts: 5, progress: 1 } });
    // @ts-expect-error not a definition
    child({ id: "c", start: { init: () => 1 }, args: [] });
    // @ts-expect-error the definition is missing
    assertType<ChildSpec>({ id: "c", args: [] });
  });
});

describe("a supervisor", () => {
  it("takes its options, and no others", () => {
    assertType<SupervisorOptions>({ strategy: "rest_for_one", autoShutdown: "all_significant" });
    void system.start(supervisor, { intensity: 3, periodMs: 5, children: [child(base)] });
    void system.start(dynamicSupervisor);
    void system.start(dynamicSupervisor, { intensity: 3 });
    // @ts-expect-error no such strategy
    void system.start(supervisor, { strategy: "one_for_none" });
    // @ts-expect-error no such option
    void system.start(supervisor, { intesity: 3 });
    // @ts-expect-error a number
    void system.start(supervisor, { intensity: "3" });
    // @ts-expect-error it takes options, though they may be empty
    void system.start(supervisor);
    // @ts-expect-error it begins with none
    void system.start(dynamicSupervisor, { children: [] });
  });

  it("answers what it is asked", () => {
    const dynamic = {} as RefOf<typeof dynamicSupervisor>;
    assertType<Ref<SupervisorCalls>>(top);
    expectTypeOf(top.call("startChild", child(base))).toEqualTypeOf<Promise<StartChildResult>>();
    expectTypeOf(dynamic.call("startChild", child(base))).toExtend<Promise<StartChildResult>>();
    expectTypeOf(top.call("restartChild", "c")).toEqualTypeOf<Promise<RestartChildResult>>();
    expectTypeOf(top.call("terminateChild", "c")).toEqualTypeOf<Promise<"ok" | "not_found">>();
    expectTypeOf(top.call("deleteChild", "c")).toExtend<Promise<"ok" | "not_found" | "running">>();
    expectTypeOf(top.call("whichChildren")).toEqualTypeOf<Promise<ChildInfo[]>>();
    expectTypeOf(top.call("countChildren")).toEqualTypeOf<Promise<ChildCounts>>();
    // @ts-expect-error a specification, not a definition
    dynamic.call("startChild", counter);
    // @ts-expect-error no specification
    dynamic.call("startChild");
    // @ts-expect-error an id
    top.call("terminateChild", 5);
    // @ts-expect-error a call, and no cast
    top.cast("startChild", child(base));
    const result = {} as StartChildResult;
    // @ts-expect-error there is a ref only where it was started
    result.ref;
    if (result.status === "started") expectTypeOf(result.ref).toEqualTypeOf<Ref>();
    if (result.status === "failed") expectTypeOf(result.reason).toEqualTypeOf<ExitReason>();
  });
});

describe("partitions", () => {
  const options = { name: "p", partitions: 4, start: counter, args: (n: number): [number] => [n] };
  it("are of one definition, and so is that of a key", () => {
    expectTypeOf(partitionSupervisor(options)).toEqualTypeOf<ChildSpec>();
    const found = partitionFor(system, options, "key");
    expectTypeOf(found).toEqualTypeOf<RefOf<typeof counter> | undefined>();
    expectTypeOf(partitionFor(self, options, 5)).toEqualTypeOf(found);
    // @ts-expect-error it may not be there
    found.call("add", 1);
    // @ts-expect-error a text or a number
    partitionFor(system, options, { key: 1 });
    // @ts-expect-error what the definition is started with
    partitionSupervisor({ ...options, args: () => ["1"] });
    // @ts-expect-error it makes its children itself
    partitionSupervisor({ ...options, children: [] });
  });
});

describe("a task", () => {
  it("has the result of its work", () => {
    expectTypeOf(runTask(top, () => 1)).toEqualTypeOf<Promise<number>>();
    expectTypeOf(runTask(top, async () => "x")).toEqualTypeOf<Promise<string>>();
    expectTypeOf(startTask(top, () => 1)).toEqualTypeOf<Promise<Ref>>();
    void runTask(top, (signal) => expectTypeOf(signal).toEqualTypeOf<AbortSignal>());
    self.task(
      "t",
      async () => 1,
      (outcome) => {
        expectTypeOf(outcome).toEqualTypeOf<Outcome<number>>();
        // @ts-expect-error it may have failed
        outcome.value;
      },
    );
    // @ts-expect-error a function, not what it returns
    void runTask(top, Promise.resolve(1));
    // @ts-expect-error a counter supervises nobody
    void runTask(ref, () => 1);
    // @ts-expect-error nobody waits for it
    void startTask(top, () => 1, { timeoutMs: 5 });
  });
});

describe("a registry", () => {
  it("has keys and values of one type each", () => {
    const rooms = createRegistry<string, { seats: number }>({ keys: "unique" });
    rooms.register("red", ref, { seats: 8 });
    expectTypeOf(rooms.lookup("red")).toEqualTypeOf<
      readonly { readonly ref: Ref; readonly value: { seats: number } }[]
    >();
    expectTypeOf(rooms.keys()).toEqualTypeOf<readonly string[]>();
    const count = rooms.dispatch("red", (to, { seats }) => to.send(seats));
    expectTypeOf(count).toEqualTypeOf<number>();
    // @ts-expect-error a text
    rooms.lookup(5);
    // @ts-expect-error the value is missing
    rooms.register("red", ref);
    // @ts-expect-error a ref
    rooms.register("red", "ref", { seats: 8 });
    // @ts-expect-error any process may stand there: it takes plain messages alone
    rooms.dispatch("red", (to) => to.cast("reset"));
    // @ts-expect-error unique or duplicate
    createRegistry({ keys: "many" });
  });
});

describe("what looks in from outside", () => {
  it("knows nothing of a state's type", () => {
    expectTypeOf(sys.getState(ref)).toEqualTypeOf<Promise<unknown>>();
    expectTypeOf(sys.replaceState(ref, () => 5)).toEqualTypeOf<Promise<unknown>>();
    expectTypeOf(sys.statistics(ref)).toEqualTypeOf<Statistics>();
    expectTypeOf(sys.trace(ref, () => {}, { subtree: true })).toEqualTypeOf<() => void>();
    // @ts-expect-error it must be looked at first
    sys.replaceState(ref, (state) => state.count);
    // @ts-expect-error a definition is no process
    sys.suspend(counter);
    // @ts-expect-error no such option
    sys.trace(ref, () => {}, { subTree: true });
  });
});

describe("a machine", () => {
  const light = setup({
    types: { events: {} as { type: "go" } | { type: "dim"; by: number }, input: {} as number },
  }).createMachine({});
  const lit = {} as RefOf<ReturnType<typeof machine<typeof light>>>;
  it("takes its events, and is asked for its snapshot", () => {
    assertType<AnyActor>(machine(createMachine({}), { name: "m", store: memoryStore() }));
    lit.cast("send", { type: "dim", by: 5 });
    expectTypeOf<Awaited<ReturnType<typeof lit.call<"snapshot">>>>().toHaveProperty("value");
    void system.start(machine(light), 5);
    // @ts-expect-error no such event
    lit.cast("send", { type: "stop" });
    // @ts-expect-error an event is more than its name
    lit.cast("send", "go");
    // @ts-expect-error how much is missing
    lit.cast("send", { type: "dim" });
    // @ts-expect-error the input is missing
    void system.start(machine(light));
    // @ts-expect-error the input is a number
    void system.start(machine(light), "5");
    // @ts-expect-error not a machine
    machine({});
    // @ts-expect-error read at once
    assertType<MachineStore>({ read: async () => undefined, write: () => {} });
  });
});

describe("what self offers", () => {
  it("names what comes of it", () => {
    expectTypeOf(self.monitor(ref)).toEqualTypeOf<Monitor>();
    expectTypeOf<Down["reason"]>().toEqualTypeOf<ExitReason>();
    expectTypeOf<Down["monitor"]>().toEqualTypeOf<Monitor>();
    expectTypeOf<(Down | Exit)["type"]>().toEqualTypeOf<"DOWN" | "EXIT">();
    expectTypeOf<Exit["ref"]>().toEqualTypeOf<Ref>();
    assertType<SpawnOptions>({ name: "n", label: "l", onStart: ({ status }) => status });
    assertType<MailboxBound>({ limit: 5, overflow: "drop_oldest" });
    expectTypeOf(new CallError("timeout", "x").code).toExtend<string>();
    // @ts-expect-error no such option
    self.spawn(counter, [1], { nmae: "n" });
    // @ts-expect-error no such overflow
    assertType<MailboxBound>({ limit: 5, overflow: "block" });
    // @ts-expect-error both are needed
    assertType<MailboxBound>({ limit: 5 });
    // @ts-expect-error a reason
    self.stop();
    // @ts-expect-error an Error is no reason: { error }
    self.stop(new Error("x"));
    // @ts-expect-error a ref, not a promise of one
    self.link(system.start(counter, 1));
    // @ts-expect-error a monitor, not a ref
    self.demonitor(ref);
    // @ts-expect-error a label first
    self.after(5, () => {});
    // @ts-expect-error no such level
    self.log("warning", "x");
    // @ts-expect-error a function
    actor({ init: () => 1, calls: { add: 5 } });
    // @ts-expect-error no such option
    actor({ init: () => 1, clals: {} });
    // @ts-expect-error no such option
    createSystem({ loger: false });
  });
});
