/** Proves: keys find processes, are free before an end is told, and never name one that has ended. */
import { describe, expect, it } from "vitest";
import { OptionError } from "../../src/kernel/errors.ts";
import { createRegistry } from "../../supervisors/registry.ts";
import { log, probe, scene } from "../kernel/scene.ts";

describe("a registry of unique keys", () => {
  it("finds who stands for a key, with its value, and refuses a second", async () => {
    const { spawn, settle } = scene();
    const [a, b] = [spawn(probe), spawn(probe)];
    await settle();
    const registry = createRegistry<string, number>({ keys: "unique" });
    expect(registry.register("tea", a, 1)).toEqual({ status: "registered" });
    expect(registry.register("tea", b, 2)).toEqual({ status: "already_registered", ref: a });
    expect(registry.register("milk", a, 3)).toEqual({ status: "registered" });
    expect(registry.lookup("tea")).toEqual([{ ref: a, value: 1 }]);
    expect(registry.keys()).toEqual(["tea", "milk"]);
    registry.unregister("tea", b);
    registry.unregister("tea", a);
    expect(registry.lookup("tea")).toEqual([]);
    expect(registry.register("tea", b, 2)).toEqual({ status: "registered" });
  });

  it("frees every key before anybody hears of the end", async () => {
    const { kernel, spawn, within, settle, exit } = scene();
    const registry = createRegistry<string>({ keys: "unique" });
    const named = spawn(probe);
    const heir = spawn(probe);
    await settle();
    for (const key of ["tea", "milk"]) registry.register(key, named, undefined);
    const seen: unknown[] = [];
    const heard: unknown[] = [];
    kernel.observe(() => heard.push(registry.keys()), ["exited"]);
    await within(named, (self) =>
      self.signal.addEventListener("abort", () => heard.push(registry.keys())),
    );
    await within(heir, (self) => {
      self.trapExit = true;
      self.link(named);
      self.monitor(named);
      void self.exited(named).then(() => seen.push(registry.register("tea", self.ref, undefined)));
    });
    exit(named, "kill");
    // Whoever hears of it first, in the very step of its end.
    expect(heard).toEqual([[], []]);
    await settle();
    expect(seen.at(-1)).toEqual({ status: "registered" });
    expect(log(heir)).toHaveLength(2);
    expect(registry.register("tea", named, undefined)).toEqual({ status: "noproc" });
  });

  it("holds nothing of a process that has ended", async () => {
    const { spawn, settle, exit } = scene();
    const registry = createRegistry<number>({ keys: "unique" });
    for (let i = 0; i < 100; i++) {
      const ref = spawn(probe);
      await settle();
      registry.register(i % 3, ref, undefined);
      registry.unregister(i % 3, ref);
      registry.register(i % 3, ref, undefined);
      exit(ref, "kill");
    }
    expect(registry.keys()).toEqual([]);
  });
});

describe("a registry of duplicate keys", () => {
  it("tells all who stand for a key, in order, and each once", async () => {
    const { spawn, settle, exit } = scene();
    const registry = createRegistry<string, string>({ keys: "duplicate" });
    const [a, b, c] = [spawn(probe), spawn(probe), spawn(probe)];
    await settle();
    for (const [i, ref] of [a, b, c].entries()) registry.register("news", ref, `n${i}`);
    expect(registry.register("news", b, "again")).toEqual({ status: "already_registered", ref: b });
    exit(b, "kill");
    expect(registry.dispatch("news", (ref, value) => ref.send(value))).toBe(2);
    expect(registry.dispatch("nothing", () => {})).toBe(0);
    await settle();
    expect([log(a), log(c)]).toEqual([["n0"], ["n2"]]);
  });
});

it("refuses keys that are neither", () => {
  expect(() => createRegistry({ keys: "many" as never })).toThrow(OptionError);
  expect(() => createRegistry({ keys: "many" as never })).toThrow('keys: "many" is not allowed');
});
