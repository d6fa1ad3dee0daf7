/** Why this exists: a wrong machine, store or event is told by one line, and costs nobody else. */
import { describe, expect, it } from "vitest";
import { createMachine } from "xstate";
import { machine, memoryStore } from "../../actors/machine.ts";
import { OptionError } from "../../src/kernel/errors.ts";
import { harness } from "../supervisors/harness.ts";

// biome-ignore lint/suspicious/noExplicitAny: as JavaScript sees it
type Any = any;
const any = (value: unknown): Any => value;
const not = "is not allowed; allowed:";
const light = createMachine({ id: "light", on: { go: { actions: () => {} } } });
const boom = (): never => {
  throw new Error("disk full");
};

describe("a machine", () => {
  it.each<[string, () => unknown, string]>([
    [
      "machine()",
      () => any(machine)(),
      `machine: undefined ${not} a machine of XState 5, as createMachine makes it`,
    ],
    [
      "machine, a typo",
      () => machine(light, any({ stor: 1 })),
      `stor: 1 ${not} one of name, store`,
    ],
    [
      "machine, a store",
      () => machine(light, any({ store: new Map() })),
      `light: store.read: undefined ${not} a function`,
    ],
  ])("%s", (_what, attempt, line) => {
    expect(attempt).toThrow(OptionError);
    expect(attempt).toThrow(line);
  });

  it("does not begin anew where its store answers late", async () => {
    const store = { ...memoryStore(), read: async () => undefined };
    const failing = harness().system.start(machine(light, { store: any(store) }));
    await expect(failing).rejects.toThrow(
      `light: store.read: a promise ${not} what write was given`,
    );
  });

  it("that is sent what is no event goes on: it is its sender's mistake", async () => {
    const { system, settle, of } = harness();
    const ref = await system.start(machine(light));
    any(ref).cast("send", "go");
    await settle();
    expect(ref.alive).toBe(true);
    const message = 'send: "go" is no event: an object with a type';
    expect(of("logged")).toMatchObject([{ level: "warn", label: "light", message }]);
  });

  it.each([
    ["throws", boom],
    ["is async", async () => {}],
  ])("whose store %s when it writes ends alone", async (_how, write) => {
    const { system, settle } = harness();
    let isUp = false;
    const store = { read: () => undefined, write: () => (isUp ? write() : undefined) };
    const ref = await system.start(machine(light, { store: store as never }));
    const ended = system.exited(ref);
    isUp = true;
    any(ref).cast("send", { type: "go" });
    await settle();
    expect(await ended).toHaveProperty("error");
  });
});
