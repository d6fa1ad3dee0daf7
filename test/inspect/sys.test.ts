/** Proves: a process can be looked into, changed and held still between two messages, and idles by its own clock. */
import { describe, expect, it } from "vitest";
import {
  getState,
  replaceState,
  resume,
  statistics,
  suspend,
  trace,
} from "../../src/inspect/sys.ts";
import { actor } from "../../src/kernel/actor.ts";
import { downs, gate, log, probe, scene, state, watched } from "../kernel/scene.ts";

const counter = actor({
  name: "counter",
  init: () => 0,
  casts: {
    add: (self, by: number) => {
      self.state += by;
    },
    wait: (_self, until: Promise<void>) => until,
  },
  calls: { read: ({ state: count }) => count },
});

describe("the state", () => {
  it("is read and replaced between two messages: at once of who idles, later of who is busy", async () => {
    const { spawn, settle } = scene();
    const ref = spawn(counter);
    await settle();
    ref.cast("add", 2);
    // It waits in the mailbox; nobody is in the middle of anything.
    expect(await getState(ref)).toBe(0);
    await settle();
    const door = gate();
    ref.cast("wait", door.promise);
    ref.cast("add", 1);
    await settle();
    const read = watched(getState(ref));
    const changed = watched(replaceState(ref, (count) => (count as number) * 100));
    await settle();
    expect([read.state, changed.state]).toEqual(["pending", "pending"]);
    door.open();
    await settle();
    expect([read.value, changed.value]).toEqual([2, 200]);
    expect(state(ref)).toBe(201);
  });

  it("stays when the change throws; nobody's is noproc, also of one that ends meanwhile", async () => {
    const { spawn, settle, exit } = scene();
    const ref = spawn(counter);
    await settle();
    const oops = replaceState(ref, () => {
      throw new Error("oops");
    });
    await expect(oops).rejects.toThrow("oops");
    expect(state(ref)).toBe(0);
    const door = gate();
    ref.cast("wait", door.promise);
    await settle();
    const late = watched(getState(ref));
    exit(ref, "kill");
    await settle();
    expect(late.code).toBe("noproc");
    await expect(getState(ref)).rejects.toMatchObject({ code: "noproc" });
  });
});

describe("a suspended process", () => {
  it("handles nothing until it is resumed, then all of it in order", async () => {
    const { spawn, settle } = scene();
    const ref = spawn(probe);
    await settle();
    suspend(ref);
    for (const what of ["a", "b", "c"]) ref.send(what);
    await settle();
    expect(log(ref)).toEqual([]);
    expect(statistics(ref)).toMatchObject({ waiting: 3, handled: 1 });
    expect(await getState(ref)).toEqual([]);
    resume(ref);
    await settle();
    expect(log(ref)).toEqual(["a", "b", "c"]);
  });

  it("is held in the middle of a burst and of an async handler as well", async () => {
    const { spawn, settle } = scene();
    const ref = spawn(counter);
    const door = gate();
    ref.cast("wait", door.promise);
    ref.cast("add", 1);
    await settle();
    suspend(ref);
    door.open();
    await settle();
    expect(state(ref)).toBe(0);
    resume(ref);
    resume(ref);
    await settle();
    expect(state(ref)).toBe(1);
  });

  const closing = actor({
    init: (self, ended: string[]) => {
      self.trapExit = true;
      return ended;
    },
    casts: { wait: (_self, door: Promise<void>) => door },
    terminate: ({ state }, reason) => void state.push(String(reason)),
  });

  it("that traps exits ends in order when it is told to: before, meanwhile and in a handler", async () => {
    const { spawn, settle, exit } = scene();
    const ended: string[] = [];
    const [before, meanwhile, within] = [
      spawn(closing, ended),
      spawn(closing, ended),
      spawn(closing, ended),
    ];
    const door = gate();
    within.cast("wait", door.promise);
    await settle();
    exit(before, "told before");
    for (const ref of [before, meanwhile, within]) suspend(ref);
    exit(meanwhile, "told meanwhile");
    exit(within, "told within");
    await settle();
    expect(ended).toEqual(["told before", "told meanwhile"]);
    door.open();
    await settle();
    expect(ended).toEqual(["told before", "told meanwhile", "told within"]);
    expect([before, meanwhile, within].map(({ alive }) => alive)).toEqual([false, false, false]);
  });

  it("is dead once it has ended, whoever suspends it then", async () => {
    const { spawn, settle, exit } = scene();
    const [held, free] = [spawn(probe), spawn(probe)];
    suspend(held);
    for (const ref of [held, free]) exit(ref, "enough");
    await settle();
    suspend(free);
    const { status } = statistics(held);
    expect([status, statistics(free).status]).toEqual(["dead", "dead"]);
  });

  it("hears exits and kills, and calls to it expire", async () => {
    const { spawn, settle, exit, advance, within } = scene();
    const ref = spawn(counter);
    const watcher = spawn(probe);
    await within(watcher, (self) => void self.monitor(ref));
    suspend(ref);
    const call = watched(ref.callWithin(50, "read"));
    await advance(50);
    expect(call.code).toBe("timeout");
    exit(ref, "enough");
    await settle();
    expect(downs(watcher)).toMatchObject([{ reason: "enough" }]);
  });
});

describe("self.timeout", () => {
  const idle = actor({
    name: "idle",
    init: (self, ms: number): string[] => {
      self.timeout(ms);
      return [];
    },
    casts: { note: ({ state: heard }) => void heard.push("note") },
    info: (self, message) => {
      self.state.push((message as { type: string }).type);
      self.timeout(30);
    },
  });

  it("comes as a message when nothing else does, once", async () => {
    const { spawn, settle, advance } = scene();
    const ref = spawn(idle, 20);
    await settle();
    await advance(19);
    expect(state(ref)).toEqual([]);
    await advance(1);
    expect(state(ref)).toEqual(["timeout"]);
    await advance(30);
    expect(state(ref)).toEqual(["timeout", "timeout"]);
  });

  it.each([0, 10])("does not come when any message does, after %i ms", async (ms) => {
    const { spawn, settle, advance, timers } = scene();
    const ref = spawn(idle, 20);
    if (ms > 0) await settle();
    await advance(ms);
    ref.cast("note");
    await settle();
    expect(timers()).toBe(0);
    await advance(1_000);
    expect(state(ref)).toEqual(["note"]);
  });

  it("is gone with the process", async () => {
    const { spawn, settle, exit, timers } = scene();
    const ref = spawn(idle, 20);
    await settle();
    exit(ref, "kill");
    expect(timers()).toBe(0);
  });
});

it("a process that has hibernated goes on as before", async () => {
  const { spawn, settle, within } = scene();
  const ref = spawn(probe);
  await within(ref, (self) => self.hibernate());
  for (let i = 0; i < 200; i++) ref.send(i);
  await settle();
  expect(log(ref)).toHaveLength(200);
});

describe("a trace", () => {
  it("tells of the messages of one process, or of all below it, until it is ended", async () => {
    const { spawn, settle, within } = scene();
    const parent = spawn(probe);
    await settle();
    const told: string[] = [];
    const note = (event: { type: string; label?: string }): void => {
      told.push(`${event.type} ${event.label}`);
    };
    const one = trace(parent, note as never);
    await within(parent, (self) => void self.spawnLink(counter, []).cast("add", 1));
    expect(told).toEqual(["sent probe", "handled probe"]);
    one();
    told.length = 0;
    const all = trace(parent, note as never, { subtree: true });
    await within(parent, (self) => void self.spawnLink(counter, []).cast("add", 1));
    expect(told.filter((line) => line.endsWith("counter"))).toEqual([
      "spawned counter",
      ...["sent counter", "sent counter", "handled counter", "started counter", "handled counter"],
    ]);
    all();
    told.length = 0;
    await within(parent, () => {});
    expect(told).toEqual([]);
  });
});
