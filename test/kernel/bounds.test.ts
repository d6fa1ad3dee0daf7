/** Proves: a mailbox keeps its bound by its policy, nobody's sender is thrown at, and nothing is lost unseen. */
import { describe, expect, it } from "vitest";
import { actor, type MailboxBound } from "../../src/kernel/actor.ts";
import { OptionError } from "../../src/kernel/errors.ts";
import { gate, type Scene, scene, state, watched } from "./scene.ts";

/** Keeps what it hears, once its gate is open. */
const bounded = (mailbox: MailboxBound, until: Promise<void>) =>
  actor({
    name: "bounded",
    init: (): unknown[] => [],
    mailbox,
    calls: { ask: ({ state }, what: unknown) => state.push(what) },
    casts: {
      wait: () => until,
      keep: ({ state }, what: unknown) => void state.push(what),
    },
    info: ({ state }, message) => void state.push(message),
  });

async function filled(mailbox: MailboxBound) {
  const world: Scene = scene();
  const door = gate();
  const ref = world.spawn(bounded(mailbox, door.promise));
  ref.cast("wait");
  await world.settle();
  for (const what of ["a", "b", "c"]) ref.cast("keep", what);
  const call = watched(ref.call("ask", "d"));
  ref.cast("keep", "e");
  ref.send("f");
  await world.settle();
  const waiting = {
    letters: world.deadLetters.last().map(({ name, why }) => `${name} ${why}`),
    call: call.code,
  };
  door.open();
  await world.settle();
  return { ...waiting, heard: state(ref), count: world.deadLetters.count };
}

describe("a mailbox with a limit of 3", () => {
  it("reject: refuses the call at once, and lets in what has nobody to be told", async () => {
    expect(await filled({ limit: 3, overflow: "reject" })).toEqual({
      letters: ["ask overflow"],
      call: "overloaded",
      heard: ["a", "b", "c", "e", "f"],
      count: 1,
    });
  });

  it("drop_newest: whatever arrives is a dead letter, and a call is refused", async () => {
    expect(await filled({ limit: 3, overflow: "drop_newest" })).toEqual({
      letters: ["ask overflow", "keep overflow", "info overflow"],
      call: "overloaded",
      heard: ["a", "b", "c"],
      count: 3,
    });
  });

  it("drop_oldest: what waited longest makes room, calls too", async () => {
    expect(await filled({ limit: 3, overflow: "drop_oldest" })).toEqual({
      letters: ["keep overflow", "keep overflow", "keep overflow"],
      call: undefined,
      heard: ["d", "e", "f"],
      count: 3,
    });
  });
});

it.each(["drop_newest", "drop_oldest"] as const)(
  "%s: exits, DOWN, timers and results are heard however full it is, in their order",
  async (overflow) => {
    const world = scene();
    const door = gate();
    const heard: string[] = [];
    const full = actor({
      name: "full",
      mailbox: { limit: 1, overflow },
      init: (self) => {
        self.trapExit = true;
        const child = self.spawnLink(actor({ name: "child", init: () => ({}) }), []);
        self.monitor(child);
        self.after(5, "timer", () => heard.push("timer"));
        self.task(
          "work",
          () => Promise.resolve(),
          () => heard.push("result"),
        );
        self.continue(() => {
          self.exit(child, "kill");
          return door.promise;
        });
        return {};
      },
      casts: { keep: (_self, what: string) => void heard.push(what) },
      info: (_self, message) => void heard.push((message as { type: string }).type),
    });
    const ref = world.spawn(full);
    await world.settle();
    for (let i = 0; i < 10; i++) ref.cast("keep", `cast ${i}`);
    await world.advance(10);
    for (let i = 10; i < 20; i++) ref.cast("keep", `cast ${i}`);
    door.open();
    await world.settle();
    expect(heard.filter((what) => !what.startsWith("cast")).sort()).toEqual([
      "DOWN",
      "EXIT",
      "result",
      "timer",
    ]);
    expect(heard.indexOf("EXIT")).toBeLessThan(heard.indexOf("timer"));
    expect(heard.filter((what) => what.startsWith("cast")).length).toBeLessThanOrEqual(1);
    expect((ref as unknown as { waiting: number }).waiting).toBe(0);
  },
);

it("keeps the last hundred dead letters, in order, and counts them all", async () => {
  const world = scene();
  const gone = actor({ name: "gone", init: () => ({}) });
  const ref = world.spawn(gone) as unknown as { id: number; cast(name: string): void };
  await world.settle();
  world.exit(ref as never, "kill");
  for (let i = 0; i < 250; i++) ref.cast(`number ${i}`);
  const { deadLetters } = world;
  expect(deadLetters.count).toBe(250);
  const names = Array.from({ length: 100 }, (_, i) => `number ${150 + i}`);
  expect(deadLetters.last().map(({ name }) => name)).toEqual(names);
  expect(deadLetters.last()[0]).toEqual({
    ...{ at: 0, pid: ref.id, label: "gone", kind: "cast", name: "number 150", why: "dead" },
  });
});

it.each([
  [
    { limit: 0, overflow: "reject" },
    "mailbox.limit: 0 is not allowed; allowed: a whole number from 1",
  ],
  [
    { limit: 3, overflow: "block" },
    'mailbox.overflow: "block" is not allowed; allowed: reject, drop_newest, drop_oldest',
  ],
])("refuses a bound that cannot be meant: %j", (mailbox, message) => {
  const make = (): unknown => actor({ init: () => ({}), mailbox: mailbox as MailboxBound });
  expect(make).toThrow(OptionError);
  expect(make).toThrow(message);
});
