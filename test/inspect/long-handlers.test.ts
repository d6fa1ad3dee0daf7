/** Proves: a handler that takes long is named, while it goes on or when it gives the thread back. */
import { expect, it } from "vitest";
import { LongHandlers } from "../../src/inspect/long-handlers.ts";
import { actor } from "../../src/kernel/actor.ts";
import { createSystem } from "../../supervisors/system.ts";
import { manualHost } from "../kernel/manual-host.ts";
import { gate, scene } from "../kernel/scene.ts";

const busy = actor({
  name: "busy",
  casts: {
    work: (self, ms: number) => {
      const until = self.host.now() + ms;
      while (self.host.now() < until);
    },
    wait: (_self, until: Promise<void>) => until,
  },
  init: () => null,
});

it("one that waits is named once its time is over, and not when it ends before", async () => {
  const { kernel, spawn, advance, record } = scene();
  kernel.handlerWatch = new LongHandlers(kernel, 50);
  const ref = spawn(busy);
  const events = record();
  const long = () => events.filter(({ type }) => type === "long_handler");
  const doors = [gate(), gate()];
  for (const { promise } of doors) ref.cast("wait", promise);
  await advance(40);
  doors[0]?.open();
  await advance(40);
  expect(long()).toEqual([]);
  await advance(20);
  expect(long()).toMatchObject([
    { label: "busy", kind: "cast", name: "wait", ms: 50, awaits: true },
  ]);
  doors[1]?.open();
  await advance(1_000);
  expect(long()).toHaveLength(1);
});

it("one that keeps the thread is named by a warning", async () => {
  const { host, settle } = manualHost();
  // Every look at the clock takes a millisecond.
  let ms = 0;
  const ticking = { ...host, now: () => ++ms };
  const warnings: string[] = [];
  const logger = {
    ...{ debug() {}, info() {}, error() {} },
    warn: (_data: object, message: string) => void warnings.push(message),
  };
  const system = createSystem({ host: ticking, logger, longHandlerMs: 20 });
  const ref = await system.start(busy);
  ref.cast("work", 5);
  ref.cast("work", 40);
  await settle();
  expect(warnings).toEqual([
    expect.stringMatching(/^busy blocked the thread for 4\d ms in cast work$/),
  ]);
  expect(() => createSystem({ longHandlerMs: -1 })).toThrow(/^longHandlerMs: -1/);
});

it("sets no timer that outlives its process", async () => {
  const { kernel, spawn, settle, exit, timers } = scene();
  kernel.handlerWatch = new LongHandlers(kernel, 50);
  const ref = spawn(busy);
  ref.cast("wait", new Promise(() => {}));
  await settle();
  expect(timers()).toBe(1);
  exit(ref, "kill");
  expect(timers()).toBe(0);
});
