import { describe, expect, it } from "vitest";
import { type AnyActor, actor, ignore } from "../../src/kernel/actor.ts";
import { OptionError } from "../../src/kernel/errors.ts";
import { child } from "../../src/ports/child-spec.ts";
import { StartError } from "../../supervisors/start-error.ts";
import { createSystem } from "../../supervisors/system.ts";
import { watched } from "../kernel/scene.ts";
import { harness, part } from "./harness.ts";

describe("start", () => {
  it("resolves with the ref when init is done, and again for the same definition", async () => {
    const { system } = harness();
    const refs = await Promise.all([system.start(part, {}), system.start(part, {})]);
    for (const ref of refs) expect(await ref.call("ping")).toBe("pong");
    expect(refs[0]).not.toBe(refs[1]);
  });

  it("rejects with the reason when init fails, stops or ignores, and goes on", async () => {
    const { system } = harness();
    const error = new Error("no");
    const failing = system.start(part, { init: () => Promise.reject(error) });
    await expect(failing).rejects.toThrow(StartError);
    await expect(failing).rejects.toMatchObject({ reason: { error }, cause: error });
    const stopping = system.start(part, { init: (self) => self.stop("bad") });
    await expect(stopping).rejects.toMatchObject({ reason: "bad" });
    const ignoring = system.start(actor({ init: () => ignore }));
    await expect(ignoring).rejects.toMatchObject({ reason: "ignored" });
    expect(await (await system.start(part, {})).call("ping")).toBe("pong");
  });

  it("of a specification takes its id, name and shutdown, but starts nothing again", async () => {
    const { system, settle, of } = harness();
    const spec = child({
      id: "mine",
      start: part,
      args: [{}],
      name: "the-one",
      restart: "permanent",
    });
    const ref = await system.start(spec);
    expect(system.whereis("the-one", part)).toBe(ref);
    await expect(system.start(spec)).rejects.toMatchObject({ reason: "already_started" });
    system.whereis("the-one", part)?.cast("crash");
    await settle();
    expect(ref.alive).toBe(false);
    expect(of("restarting")).toEqual([]);
    await expect(system.start(spec)).resolves.toMatchObject({ alive: true });
  });

  it("finds an id of its own where somebody has given that", async () => {
    const { system } = harness();
    for (const id of ["part-2", "part-3"]) {
      await system.start(child({ id, start: part, args: [{}] }));
    }
    for (let i = 0; i < 3; i++) expect((await system.start(part, {})).alive).toBe(true);
  });

  it("of a bad specification names the field, and harms nobody", async () => {
    const { system } = harness();
    const ref = await system.start(part, {});
    const bad = { ...child({ id: "b", start: part, args: [{}] }), shutdownMs: -1 };
    await expect(system.start(bad)).rejects.toThrow(OptionError);
    await expect(system.start(bad)).rejects.toMatchObject({ option: "spec.shutdownMs" });
    expect(await ref.call("ping")).toBe("pong");
    await expect(system.start(part, {})).resolves.toBeDefined();
  });
});

describe("a crash of one that was started", () => {
  it("harms no other, however many there are", async () => {
    const { system, settle } = harness();
    const bystander = await system.start(part, {});
    for (let i = 0; i < 20; i++) (await system.start(part, {})).cast("crash");
    await settle();
    expect(await bystander.call("ping")).toBe("pong");
  });
});

describe("exited and exit", () => {
  it("tell the reason once, and noproc afterwards", async () => {
    const { system } = harness();
    const ref = await system.start(part, {});
    const ended = system.exited(ref);
    system.exit(ref, "bad");
    expect(await ended).toBe("bad");
    expect(await system.exited(ref)).toBe("noproc");
  });
});

describe("stop", () => {
  it("stops everything, waits for it, leaves no timer, and may be asked twice", async () => {
    const { system, settle, advance, timers, of } = harness();
    const order: string[] = [];
    for (const name of ["a", "b"]) {
      await system.start(part, {
        trap: true,
        terminate: async (self) => {
          await new Promise<void>((resolve) => void self.host.timer(10, resolve));
          order.push(name);
        },
      });
    }
    // Calls leave the timer of their length behind until that falls due, but for one answered at once.
    const called = await system.start(part, {});
    await Promise.all([called.call("ping"), called.call("ping")]);
    expect(timers()).toBe(1);
    const stopped = watched(system.stop());
    const again = watched(system.stop());
    await settle();
    expect(stopped.state).toBe("pending");
    await advance(10);
    expect(order).toEqual(["b"]);
    await advance(10);
    expect([stopped.state, again.state]).toEqual(["resolved", "resolved"]);
    expect(order).toEqual(["b", "a"]);
    expect(timers()).toBe(0);
    expect(of("exited").at(-1)).toMatchObject({ label: "system", reason: "shutdown" });
    await expect(system.start(part, {})).rejects.toThrow(StartError);
    await expect(system.stop()).resolves.toBeUndefined();
  });

  it("ends what was spawned under no supervisor as well, at last by a kill", async () => {
    const { system, advance, of } = harness();
    const parent = await system.start(part, {
      init: (self) => {
        self.spawn(part, [{ name: "quiet" }], { label: "quiet" });
        self.spawn(part, [{ trap: true, terminate: () => new Promise(() => {}) }], {
          label: "deaf",
        });
      },
    });
    await parent.call("ping");
    const stopped = watched(system.stop());
    await advance(4_999);
    expect(stopped.state).toBe("pending");
    await advance(1);
    expect(stopped.state).toBe("resolved");
    expect(system.processes()).toEqual([]);
    const reasons = of("exited").map(({ label, reason }) => `${label} ${reason}`);
    expect(reasons).toEqual(["part shutdown", "system shutdown", "quiet shutdown", "deaf killed"]);
  });

  it("ends what is spawned while it ends, and what that spawns", async () => {
    const { system, advance, of } = harness();
    const heir: AnyActor = actor({
      name: "heir",
      init: (self, generations: number) => {
        self.trapExit = true;
        return { generations };
      },
      terminate: (self) => {
        const { generations } = self.state as { generations: number };
        if (generations > 0) self.spawn(heir, [generations - 1]);
      },
    });
    await system.start(part, { init: (self) => void self.spawn(heir, [5]) });
    const stopped = watched(system.stop());
    await advance(0);
    expect(stopped.state).toBe("resolved");
    expect(system.processes()).toEqual([]);
    expect(of("exited").filter(({ label }) => label === "heir")).toHaveLength(6);
  });

  it("starts nothing any more from its beginning on", async () => {
    const { system, advance } = harness();
    await system.start(part, { trap: true, terminate: () => new Promise(() => {}) });
    const stopped = system.stop();
    const failing = system.start(part, {});
    await Promise.all([expect(failing).rejects.toThrow(StartError), advance(5_000), stopped]);
  });

  it("works before anything ran, and by `await using`'s own call", async () => {
    const system = createSystem({ logger: false });
    await system[Symbol.asyncDispose]();
    await expect(system.start(part, {})).rejects.toThrow(StartError);
  });
});

describe("observe", () => {
  it("hears all until it is ended; one that throws harms nobody", async () => {
    const { system, faults, settle, events } = harness();
    const stop = system.observe(() => {
      throw new Error("observer");
    });
    const ref = await system.start(part, {});
    expect(await ref.call("ping")).toBe("pong");
    await settle();
    expect(faults.length).toBeGreaterThan(0);
    stop();
    const heard = faults.length;
    const seen = events.length;
    await ref.call("ping");
    expect(faults).toHaveLength(heard);
    expect(events.length).toBeGreaterThan(seen);
  });

  it("hears the types it names alone", async () => {
    const { system } = harness();
    const seen: string[] = [];
    system.observe(({ type }) => seen.push(type), ["started"]);
    await system.start(part, {});
    expect(seen).toContain("started");
    expect(new Set(seen)).toEqual(new Set(["started"]));
  });
});

describe("the logger", () => {
  it("gets crashes by default, none when switched off, and the given one otherwise", async () => {
    const { host, settle } = harness();
    const lines: string[] = [];
    const write = (_data: object, message: string) => void lines.push(message);
    const logger = { debug: write, info: write, warn: write, error: write };
    const system = createSystem({ host, logger, name: "app" });
    (await system.start(part, {})).cast("crash");
    await settle();
    expect(lines).toEqual(["part crashed: Error: crash"]);
    expect(system.tree().label).toBe("app");
    await system.stop();
  });
});
