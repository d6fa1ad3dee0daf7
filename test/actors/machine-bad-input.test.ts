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
const light = createMachine({ id: "light" });

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

  it("that is sent what is no event ends alone, by name", async () => {
    const { system } = harness();
    const ref = await system.start(machine(light));
    const ended = system.exited(ref);
    any(ref).cast("send", "go");
    expect(await ended).toMatchObject({
      error: { message: `light: send: "go" ${not} an event: an object with a type` },
    });
  });
});
