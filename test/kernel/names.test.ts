import { describe, expect, it } from "vitest";
import { actor } from "../../src/kernel/actor.ts";
import type { Down } from "../../src/kernel/self.ts";
import { gate, probe, scene, watched } from "./scene.ts";

const other = actor({ name: "other", init: () => {} });

describe("a name", () => {
  it("finds its process from the spawn on, if the definition is the same", async () => {
    const { spawnAs, kernel, within, spawn } = scene();
    const ref = spawnAs({ name: "a" }, probe);
    expect(kernel.whereis("a", probe)).toBe(ref);
    expect(kernel.whereis("a", other)).toBeUndefined();
    expect(kernel.whereis("b", probe)).toBeUndefined();
    expect(ref.label).toBe("a");
    let found: unknown;
    await within(spawn(probe), (self) => {
      found = self.whereis("a", probe);
    });
    expect(found).toBe(ref);
  });

  it("taken fails the second start, runs no init of it, and leaves the first alone", async () => {
    const { spawnAs, kernel, exited, settle } = scene();
    let ran = false;
    const first = spawnAs({ name: "a" }, probe);
    const told: unknown[] = [];
    const second = spawnAs({ name: "a", onStart: (outcome) => told.push(outcome) }, probe, () => {
      ran = true;
    });
    expect(await exited(second)).toBe("already_started: a");
    await settle();
    expect(ran).toBe(false);
    expect(told).toEqual([{ status: "failed", reason: "already_started: a" }]);
    expect(first.alive).toBe(true);
    expect(kernel.whereis("a", probe)).toBe(first);
  });

  it("is free again after a failed start, an ignored one and every other end", async () => {
    const { spawnAs, kernel, exit, settle } = scene();
    const failing = actor({
      init: () => {
        throw new Error("x");
      },
    });
    spawnAs({ name: "a" }, failing);
    await settle();
    for (const reason of ["kill", "bad", "shutdown"]) {
      const ref = spawnAs({ name: "a" }, probe);
      await settle();
      expect(kernel.whereis("a", probe)).toBe(ref);
      exit(ref, reason);
      expect(kernel.whereis("a", probe)).toBeUndefined();
    }
  });

  it("is free before anyone hears of the death: DOWN, EXIT, call, promise, signal, event", async () => {
    const { spawnAs, spawn, kernel, exit, exited, settle, within } = scene();
    const free: Record<string, boolean> = {};
    const note = (how: string) => {
      // The next may have it: those that come as messages or promises come after that.
      free[how] = kernel.whereis("a", probe) !== ref;
    };
    const again: unknown[] = [];
    const listener = actor({
      init: (self) => {
        self.trapExit = true;
      },
      casts: {
        follow: (self, ref: ReturnType<typeof spawn>) => {
          self.link(ref);
          self.monitor(ref);
        },
      },
      info: (self, message) => {
        const { type } = message as Down;
        note(type);
        if (type === "DOWN") {
          self.spawn(probe, [], { name: "a", onStart: (outcome) => again.push(outcome) });
        }
      },
    });
    const ref = spawnAs({ name: "a" }, probe);
    spawn(listener).cast("follow", ref);
    await within(ref, (self) => self.signal.addEventListener("abort", () => note("signal")));
    const door = gate();
    watched(ref.call("do", () => door.promise).catch(() => note("call")));
    void exited(ref).then(() => note("promise"));
    const stop = kernel.observe(({ type }) => {
      if (type === "exited") note("event");
    });
    await settle();
    exit(ref, "bad");
    stop();
    expect(free).toEqual({ signal: true, event: true });
    await settle();
    const ways = ["DOWN", "EXIT", "call", "event", "promise", "signal"];
    expect(free).toEqual(Object.fromEntries(ways.map((how) => [how, true])));
    expect(again).toEqual([{ status: "started" }]);
    expect(kernel.whereis("a", probe)?.alive).toBe(true);
    expect(kernel.whereis("a", probe)).not.toBe(ref);
  });

  it("goes not with the death of one who never had it", async () => {
    const { spawnAs, kernel, settle } = scene();
    const first = spawnAs({ name: "a" }, probe);
    spawnAs({ name: "a" }, probe);
    await settle();
    expect(kernel.whereis("a", probe)).toBe(first);
  });
});
