import { describe, expect, it } from "vitest";
import type { Cancel } from "../../src/kernel/host.ts";
import type { Outcome } from "../../src/kernel/self.ts";
import { gate, type Probe, probe, scene } from "./scene.ts";

describe("after", () => {
  it("runs its step once, as a message, when the time is over and not before", async () => {
    const { spawn, within, advance, settle } = scene();
    const ref = spawn(probe);
    const ran: string[] = [];
    await within(ref, (self) => void self.after(100, "tick", () => ran.push("tick")));
    await advance(99);
    expect(ran).toEqual([]);
    const door = gate();
    ref.cast("do", () => door.promise);
    await advance(1);
    expect(ran).toEqual([]);
    door.open();
    await settle();
    expect(ran).toEqual(["tick"]);
    await advance(1_000);
    expect(ran).toEqual(["tick"]);
  });

  it("fires in order of time", async () => {
    const { spawn, within, advance } = scene();
    const ref = spawn(probe);
    const ran: number[] = [];
    await within(ref, (self) => {
      for (const ms of [30, 10, 20]) self.after(ms, "t", () => ran.push(ms));
    });
    await advance(30);
    expect(ran).toEqual([10, 20, 30]);
  });

  it("of no number is refused by name", async () => {
    const { spawn, exited, settle } = scene();
    const ref = spawn(probe);
    const ended = exited(ref);
    ref.cast("do", (self) => void self.after(Number.NaN, "tick", () => {}));
    await settle();
    expect(await ended).toMatchObject({ error: { option: "after.ms" } });
  });

  it("cancelled never runs, even when its message waits already", async () => {
    const { spawn, within, advance, timers, settle } = scene();
    const ref = spawn(probe);
    const ran: string[] = [];
    let early: Cancel = () => {};
    let late: Cancel = () => {};
    await within(ref, (self) => {
      early = self.after(10, "early", () => ran.push("early"));
      late = self.after(20, "late", () => ran.push("late"));
    });
    early();
    early();
    expect(timers()).toBe(1);
    const door = gate();
    ref.cast("do", async () => {
      await door.promise;
      late();
    });
    await advance(20);
    door.open();
    await settle();
    expect(ran).toEqual([]);
  });

  it("cancelled too late does nothing", async () => {
    const { spawn, within, advance } = scene();
    const ref = spawn(probe);
    let ran = 0;
    let cancel: Cancel = () => {};
    await within(ref, (self) => {
      cancel = self.after(10, "t", () => ran++);
    });
    await advance(10);
    cancel();
    expect(ran).toBe(1);
  });

  it("crashes its process when the step throws", async () => {
    const { spawn, within, advance, exited } = scene();
    const ref = spawn(probe);
    await within(ref, (self) => {
      self.after(10, "t", () => {
        throw new Error("x");
      });
    });
    const ended = exited(ref);
    await advance(10);
    expect(await ended).toEqual({ error: new Error("x") });
  });
});

describe("a task", () => {
  const run = async (work: () => unknown) => {
    const { spawn, within, settle } = scene();
    const ref: Probe = spawn(probe);
    const outcomes: Outcome<unknown>[] = [];
    await within(ref, (self) => self.task("t", work, (outcome) => outcomes.push(outcome)));
    await settle();
    return { outcomes, ref };
  };

  it.each<[string, () => unknown, Outcome<unknown>]>([
    ["a value", () => 1, { ok: true, value: 1 }],
    ["a promise's value", async () => 2, { ok: true, value: 2 }],
    ["a throw", () => thrown("t"), { ok: false, error: "t" }],
    ["a rejection", () => Promise.reject("r"), { ok: false, error: "r" }],
  ])("tells of %s once, and its failure harms nobody", async (_what, work, outcome) => {
    const { outcomes, ref } = await run(work);
    expect(outcomes).toEqual([outcome]);
    expect(ref.alive).toBe(true);
  });

  it("starts at once, and its process goes on meanwhile; the outcome comes as a message", async () => {
    const { spawn, settle } = scene();
    const ref = spawn(probe);
    const door = gate<string>();
    const seen: string[] = [];
    ref.cast("do", (self) => {
      self.task(
        "t",
        () => {
          seen.push("work");
          return door.promise;
        },
        () => seen.push("done"),
      );
      seen.push("handler ends");
    });
    ref.cast("do", () => seen.push("next message"));
    await settle();
    const hold = gate();
    ref.cast("do", () => hold.promise);
    door.open("x");
    await settle();
    expect(seen).toEqual(["work", "handler ends", "next message"]);
    hold.open();
    await settle();
    expect(seen.at(-1)).toBe("done");
  });
});

describe("of a dead process", () => {
  it.each(["kill", "bad", "shutdown"])("no timer and no task runs, ended by %s", async (reason) => {
    const { spawn, within, advance, exit, settle, timers } = scene();
    const ref = spawn(probe);
    const door = gate<string>();
    const ran: string[] = [];
    let cancel: Cancel = () => {};
    await within(ref, (self) => {
      cancel = self.after(10, "timer", () => ran.push("timer"));
      self.task(
        "task",
        () => door.promise,
        () => ran.push("task"),
      );
      self.task(
        "sync",
        () => 1,
        () => ran.push("sync"),
      );
      self.after(0, "waits", () => ran.push("waits"));
      self.exit(self.ref, reason);
    });
    expect(timers()).toBe(0);
    exit(ref, reason);
    door.open("late");
    await settle();
    await advance(100);
    cancel();
    expect(ran).toEqual([]);
  });

  it("neither do those whose message waits already", async () => {
    const { spawn, within, advance, exit, settle } = scene();
    const ref = spawn(probe);
    const ran: string[] = [];
    await within(ref, (self) => {
      self.after(10, "timer", () => ran.push("timer"));
      self.task(
        "task",
        async () => 1,
        () => ran.push("task"),
      );
      return;
    });
    expect(ran).toEqual(["task"]);
    ref.cast("do", () => new Promise(() => {}));
    await advance(10);
    exit(ref, "bad");
    await settle();
    expect(ran).toEqual(["task"]);
  });
});

function thrown(error: unknown): never {
  throw error;
}
