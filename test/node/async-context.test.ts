/** Proves: what an AsyncLocalStorage holds for a sender is not found by the receiver's handlers. */
import { AsyncLocalStorage } from "node:async_hooks";
import { expect, it, vi } from "vitest";
import { actor } from "../../src/kernel/actor.ts";
import { createSystem } from "../../supervisors/system.ts";

const storage = new AsyncLocalStorage<string>();

const reader = actor({
  name: "reader",
  init: () => [] as (string | undefined)[],
  calls: {
    read: ({ state }) => [...state, storage.getStore()],
    /** Its own store goes with its own awaits. */
    own: (_self, ms: number) =>
      storage.run("own", async () => {
        await new Promise((resolve) => setTimeout(resolve, ms));
        return storage.getStore();
      }),
  },
  casts: {
    note: ({ state }) => void state.push(storage.getStore()),
    later: (self) => void self.after(1, "later", () => self.state.push(storage.getStore())),
    flood: (self, left: number) => {
      if (left > 0)
        (self.ref as never as { cast(name: string, left: number): void }).cast("flood", left - 1);
      else self.state.push(storage.getStore());
    },
  },
});

it("no store is found either when the first one is used while the system runs already", async () => {
  await using system = createSystem();
  const ref = await system.start(reader);
  for (let i = 0; i < 100; i++) await ref.call("read");
  ref.cast("note");
  await storage.run("first", async () => {
    for (let i = 0; i < 3; i++) {
      ref.cast("note");
      expect(await ref.call("read")).not.toContain("first");
    }
  });
});

it("a store that a handler enters for good is not found by whoever is woken later", async () => {
  await using system = createSystem();
  const enter = actor({ init: () => 0, calls: { enter: () => storage.enterWith("for good") } });
  const [one, ref] = [await system.start(enter), await system.start(reader)];
  await storage.run("used", async () => {});
  await one.call("enter");
  await new Promise((resolve) => setImmediate(resolve));
  for (let i = 0; i < 3; i++) ref.cast("note");
  const seen = await storage.exit(() => ref.call("read"));
  expect(seen).not.toContain("for good");
});

it("no sender's store is found in a handler, and every caller keeps its own", async () => {
  await using system = createSystem();
  const ref = await storage.run("starter", () => system.start(reader));
  const kept = await Promise.all(
    ["a", "b"].map((name) =>
      storage.run(name, async () => {
        ref.cast("note");
        ref.cast("later");
        // Enough for a macrotask to be asked for.
        ref.cast("flood", 20_000);
        const own = await ref.call("own", 2);
        await ref.call("read");
        return [own, storage.getStore()];
      }),
    ),
  );
  expect(kept).toEqual([
    ["own", "a"],
    ["own", "b"],
  ]);
  const read = () => storage.run("c", () => ref.call("read"));
  await vi.waitUntil(async () => (await read()).length === 7);
  const seen = await read();
  expect(seen.every((store) => store === undefined)).toBe(true);
});
