/** Proves: a machine of XState is a process as any other. */
import { describe, expect, it } from "vitest";
import { assign, createMachine, fromPromise, sendTo, setup } from "xstate";
import { machine, memoryStore } from "../../actors/machine.ts";
import { child } from "../../src/ports/child-spec.ts";
import { gate } from "../kernel/scene.ts";
import { harness, info } from "../supervisors/harness.ts";

const light = createMachine({
  id: "light",
  initial: "green",
  states: {
    green: { after: { 1000: "yellow" }, on: { hold: "green" } },
    yellow: { after: { 100: "red" } },
    red: { on: { go: "green", end: "off" } },
    off: { type: "final" },
  },
});

describe("a machine", () => {
  it("takes events as casts, runs its delays on the host's clock, and ends when it is done", async () => {
    const { system, advance } = harness();
    const ref = await system.start(machine(light));
    const value = async () => (await ref.call("snapshot")).value;
    expect(await value()).toBe("green");
    await advance(999);
    expect(await value()).toBe("green");
    await advance(1);
    expect(await value()).toBe("yellow");
    await advance(100);
    expect(await value()).toBe("red");
    const ended = system.exited(ref);
    ref.cast("send", { type: "end" });
    expect(await ended).toBe("normal");
  });

  it("that throws is started again by its supervisor, from its start", async () => {
    const fragile = setup({
      types: { context: {} as { count: number } },
      actions: {
        boom: () => {
          throw new Error("boom");
        },
      },
    }).createMachine({
      id: "fragile",
      context: { count: 0 },
      on: {
        add: { actions: assign({ count: ({ context }) => context.count + 1 }) },
        boom: { actions: "boom" },
      },
    });
    const { supervise, settle, of } = harness();
    const definition = machine(fragile);
    const spec = child({ id: "fragile", start: definition, args: [] });
    const sup = await supervise({ children: [spec] });
    const ref = async () => (await info(sup, "fragile"))?.ref as never as Fragile;
    type Fragile = {
      cast(name: "send", event: { type: string }): void;
      call(name: "snapshot"): Promise<{ context: { count: number } }>;
    };
    (await ref()).cast("send", { type: "add" });
    (await ref()).cast("send", { type: "boom" });
    await settle();
    expect(of("restarting")).toMatchObject([{ reason: { error: new Error("boom") } }]);
    expect((await (await ref()).call("snapshot")).context).toEqual({ count: 0 });
  });

  it("falls with what it invoked and nobody handled, and what it invoked ends with it", async () => {
    const door = gate();
    let aborted = false;
    const waits = setup({
      actors: {
        load: fromPromise(({ signal }) => {
          signal.addEventListener("abort", () => {
            aborted = true;
          });
          return door.promise;
        }),
      },
    }).createMachine({ id: "waits", invoke: { src: "load" } });
    const { system, settle } = harness();
    const killed = await system.start(machine(waits));
    system.exit(killed, "kill");
    await settle();
    expect(aborted).toBe(true);
    const failing = await system.start(machine(waits));
    const ended = system.exited(failing);
    door.fail(new Error("no"));
    expect(await ended).toEqual({ error: new Error("no") });
  });

  it("goes on where it stopped, its delays too, when it has a store", async () => {
    const { system, advance } = harness();
    const definition = machine(light, { store: memoryStore() });
    const first = await system.start(definition);
    await advance(400);
    system.exit(first, "kill");
    await advance(100);
    const second = await system.start(definition);
    await advance(499);
    expect((await second.call("snapshot")).value).toBe("green");
    await advance(1);
    expect((await second.call("snapshot")).value).toBe("yellow");
    // What left its state is taken back: nothing fires in the next green.
    await advance(100);
    second.cast("send", { type: "go" });
    await advance(999);
    expect((await second.call("snapshot")).value).toBe("green");
  });

  it("begins anew where what its store kept was done", async () => {
    const { system, settle } = harness();
    const brief = createMachine({
      id: "brief",
      initial: "open",
      states: { open: { on: { end: "over" } }, over: { type: "final" } },
    });
    const definition = machine(brief, { store: memoryStore() });
    const first = await system.start(definition);
    first.cast("send", { type: "end" });
    await settle();
    expect(first.alive).toBe(false);
    const second = await system.start(definition);
    await settle();
    expect((await second.call("snapshot")).value).toBe("open");
  });

  it("shows its state in the tree", async () => {
    const { system } = harness();
    await system.start(machine(light));
    expect(JSON.stringify(system.tree())).toContain("green");
  });
});

it("a machine's child has its delays kept as well", async () => {
  const kid = createMachine({
    id: "kid",
    initial: "young",
    states: { young: { after: { 1000: "old" } }, old: { type: "final" } },
  });
  const family = setup({ actors: { kid } }).createMachine({
    id: "family",
    initial: "raising",
    states: {
      raising: {
        invoke: { id: "kid", src: "kid", onDone: "done" },
        on: { poke: { actions: sendTo("kid", { type: "poke" }) } },
      },
      done: {},
    },
  });
  const { system, advance } = harness();
  const definition = machine(family, { store: memoryStore() });
  const first = await system.start(definition);
  await advance(600);
  system.exit(first, "kill");
  await advance(1);
  const second = await system.start(definition);
  await advance(398);
  expect((await second.call("snapshot")).value).toBe("raising");
  await advance(1);
  expect((await second.call("snapshot")).value).toBe("done");
});

it.each([
  ["its child", "kid"],
  ["its parent", "parent"],
] as const)(
  "a delayed event still gets to whom it was sent after a restart: %s",
  async (_who, to) => {
    const toParent = to === "parent";
    const kid = createMachine({
      id: "kid",
      initial: "young",
      states: {
        young: {
          ...(toParent
            ? { entry: sendTo(({ self }) => self._parent!, { type: "ping" }, { delay: 60 }) }
            : {}),
          on: { ping: "old" },
        },
        old: {},
      },
    });
    const family = setup({ actors: { kid } }).createMachine({
      id: "family",
      initial: "raising",
      invoke: { id: "kid", src: "kid" },
      ...(toParent ? {} : { entry: sendTo("kid", { type: "ping" }, { delay: 60 }) }),
      states: { raising: { on: { ping: "pinged" } }, pinged: {} },
    });
    const { system, advance } = harness();
    const definition = machine(family, { store: memoryStore() });
    const first = await system.start(definition);
    await advance(20);
    system.exit(first, "kill");
    const second = await system.start(definition);
    await advance(60);
    const { value, children } = await second.call("snapshot");
    expect(value).toBe(toParent ? "pinged" : "raising");
    expect(children.kid?.getSnapshot().value).toBe(toParent ? "young" : "old");
  },
);
