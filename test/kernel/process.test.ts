import { describe, expect, it } from "vitest";
import { actor, ignore } from "../../src/kernel/actor.ts";
import type { ExitReason } from "../../src/kernel/exit.ts";
import { asProcess } from "../../src/kernel/process.ts";
import type { Ref } from "../../src/kernel/ref.ts";
import type { Self, StartOutcome } from "../../src/kernel/self.ts";
import { downs, gate, log, probe, scene, state, watched } from "./scene.ts";

const starter = actor({
  init: async (_self, work: () => unknown) => work(),
  casts: { poke: () => {} },
  info: () => {},
});

describe("init", () => {
  it("makes the state, from the start arguments, in the process's own turn", async () => {
    const { spawn, settle } = scene();
    const adder = actor({ init: (_self, a: number, b: number) => ({ sum: a + b }) });
    const ref = spawn(adder, 2, 3);
    expect(asProcess(ref).status).toBe("starting");
    await settle();
    expect(state(ref)).toEqual({ sum: 5 });
  });

  it("may be async: no message is handled before it is over, and the start is told once", async () => {
    const { spawnAs, settle } = scene();
    const door = gate<string[]>();
    const told: StartOutcome[] = [];
    const late = actor({
      init: () => door.promise,
      casts: { note: ({ state }, what: string) => void state.push(what) },
    });
    const ref = spawnAs({ onStart: (outcome) => told.push(outcome) }, late);
    ref.cast("note", "first");
    await settle();
    expect(told).toEqual([]);
    door.open([]);
    await settle();
    expect(state(ref)).toEqual(["first"]);
    ref.cast("note", "second");
    await settle();
    expect(told).toEqual([{ status: "started" }]);
  });

  it.each([
    ["throws", () => Promise.reject(new Error("no disk")), { error: new Error("no disk") }],
    ["throws no error object", () => Promise.reject(10n), { error: 10n }],
  ])("fails the start when it %s", async (_how, work, reason) => {
    const { spawnAs, exited } = scene();
    const told: StartOutcome[] = [];
    const ref = spawnAs({ onStart: (outcome) => told.push(outcome) }, starter, work);
    expect(await exited(ref)).toEqual(reason);
    expect(told).toEqual([{ status: "failed", reason }]);
    expect(ref.alive).toBe(false);
  });

  it("fails the start with the reason it stops with, and runs neither terminate nor a message", async () => {
    const { spawnAs, exited, settle } = scene();
    const told: StartOutcome[] = [];
    const ran: string[] = [];
    const stopper = actor({
      init: (self) => self.stop({ shutdown: "no licence" }),
      casts: { poke: () => void ran.push("poke") },
      terminate: () => void ran.push("terminate"),
    });
    const ref = spawnAs({ onStart: (outcome) => told.push(outcome) }, stopper);
    const exit = exited(ref);
    ref.cast("poke");
    await settle();
    expect(await exit).toEqual({ shutdown: "no licence" });
    expect(told).toEqual([{ status: "failed", reason: { shutdown: "no licence" } }]);
    expect(ran).toEqual([]);
  });

  it("may answer ignore: the process ends normally, and nobody minds", async () => {
    const { spawnAs, exited } = scene();
    const told: StartOutcome[] = [];
    const ref = spawnAs({ onStart: (outcome) => told.push(outcome) }, starter, () => ignore);
    expect(await exited(ref)).toBe("normal");
    expect(told).toEqual([{ status: "ignored" }]);
  });

  it("is never run when the process was killed before its turn", async () => {
    const { spawnAs, exit, settle } = scene();
    let ran = false;
    const told: StartOutcome[] = [];
    const ref = spawnAs({ onStart: (outcome) => told.push(outcome) }, starter, () => {
      ran = true;
    });
    exit(ref, "kill");
    await settle();
    expect(ran).toBe(false);
    expect(told).toEqual([{ status: "failed", reason: "killed" }]);
  });

  it("is cut short by an exit signal, and its late result starts nothing", async () => {
    const { spawnAs, exit, settle } = scene();
    const door = gate<string>();
    const told: StartOutcome[] = [];
    const ref = spawnAs({ onStart: (o) => told.push(o) }, starter, () => door.promise);
    await settle();
    exit(ref, "shutdown");
    door.open("too late");
    await settle();
    expect(told).toEqual([{ status: "failed", reason: "shutdown" }]);
    expect(ref.alive).toBe(false);
    expect(state(ref)).toBeUndefined();
  });

  it("harms nobody when whoever waits for the start throws", async () => {
    const { spawnAs, spawn, settle } = scene();
    const other = spawn(probe);
    spawnAs(
      {
        onStart: () => {
          throw new Error("mine");
        },
      },
      probe,
    );
    const third = spawn(probe);
    await settle();
    const asked = watched(Promise.all([other.call("log"), third.call("log")]));
    await settle();
    expect(asked.state).toBe("resolved");
  });
});

describe("the end", () => {
  const closing = (seen: unknown[], wait?: Promise<void>) =>
    actor({
      init: (self, trap: boolean) => {
        self.trapExit = trap;
      },
      casts: {
        stop: (self, reason: ExitReason) => self.stop(reason),
        crash: (_self, error: unknown) => {
          throw error;
        },
        crashLater: async () => {
          await Promise.resolve();
          throw new Error("later");
        },
      },
      terminate: (_self, reason) => {
        seen.push(reason);
        return wait;
      },
    });

  it("runs terminate when the process stops by itself, trapping or not", async () => {
    const { spawn, exited } = scene();
    const seen: unknown[] = [];
    for (const trap of [true, false]) {
      const ref = spawn(closing(seen), trap);
      const exit = exited(ref);
      ref.cast("stop", "normal");
      expect(await exit).toBe("normal");
    }
    expect(seen).toEqual(["normal", "normal"]);
  });

  it("runs terminate when a handler throws, at once or later", async () => {
    const { spawn, exited } = scene();
    const seen: unknown[] = [];
    const error = new Error("now");
    const first = spawn(closing(seen), false);
    const firstExit = exited(first);
    first.cast("crash", error);
    expect(await firstExit).toEqual({ error });
    const second = spawn(closing(seen), false);
    const secondExit = exited(second);
    second.cast("crashLater");
    expect(await secondExit).toEqual({ error: new Error("later") });
    expect(seen).toEqual([{ error }, { error: new Error("later") }]);
  });

  it("runs terminate on the parent's shutdown only when the process traps exits", async () => {
    const { spawn, within } = scene();
    const seen: unknown[] = [];
    for (const trap of [true, false]) {
      const parent = spawn(probe);
      await within(parent, (self) => void self.spawnLink(closing(seen), [trap]));
      await within(parent, (self) => self.stop("shutdown"));
    }
    expect(seen).toEqual(["shutdown"]);
  });

  it("runs terminate of a trapping process when the application tells it to stop", async () => {
    const { spawn, exit, exited, within } = scene();
    const seen: unknown[] = [];
    const top = spawn(closing(seen), true);
    const parent = spawn(probe);
    let below = top;
    await within(parent, (self) => {
      below = self.spawnLink(closing(seen), [true]);
    });
    for (const ref of [top, below]) {
      const ended = exited(ref);
      exit(ref, "shutdown");
      expect(await ended).toBe("shutdown");
    }
    expect(seen).toEqual(["shutdown", "shutdown"]);
  });

  it("starts nobody once it has ended, with a link or without", async () => {
    const { spawn, kernel, exit, settle } = scene();
    const ref = spawn(probe);
    const door = gate();
    const refs: Ref[] = [];
    ref.cast("do", async (self) => {
      await door.promise;
      refs.push(self.spawn(probe, []), self.spawnLink(probe, []));
    });
    await settle();
    exit(ref, "kill");
    door.open();
    await settle();
    expect(refs.map(({ alive }) => alive)).toEqual([false, false]);
    expect(kernel.processes()).toEqual([]);
  });

  it("runs no terminate when the process is killed", async () => {
    const { spawn, exit, exited, settle } = scene();
    const seen: unknown[] = [];
    const ref = spawn(closing(seen), true);
    await settle();
    const ended = exited(ref);
    exit(ref, "kill");
    expect(await ended).toBe("killed");
    await settle();
    expect(seen).toEqual([]);
  });

  it("waits for an async terminate, in which kill alone is heard and no message is handled", async () => {
    const { spawn, exit, exited, settle } = scene();
    for (const kill of [false, true]) {
      const door = gate();
      const seen: unknown[] = [];
      const ref = spawn(closing(seen, door.promise), false);
      const ended = watched(exited(ref));
      ref.cast("stop", "normal");
      ref.cast("stop", "twice");
      await settle();
      exit(ref, "shutdown");
      await settle();
      expect(ended.state).toBe("pending");
      expect(ref.alive).toBe(true);
      if (kill) exit(ref, "kill");
      door.open();
      await settle();
      expect(ended.value).toBe(kill ? "killed" : "normal");
      expect(seen).toEqual(["normal"]);
    }
  });

  it("takes the error of a terminate that throws as its reason", async () => {
    const { spawn, exited } = scene();
    const error = new Error("dirty");
    for (const terminate of [() => Promise.reject(error), () => thrown(error)]) {
      const ref = spawn(
        actor({ init: () => {}, casts: { stop: (self) => self.stop("normal") }, terminate }),
      );
      const ended = exited(ref);
      ref.cast("stop");
      expect(await ended).toEqual({ error });
    }
  });

  it("lets the current handler finish and reply before a stop, and handles nothing after it", async () => {
    const { spawn, exited, settle } = scene();
    const ref = spawn(probe);
    const ended = exited(ref);
    const asked = ref.call("do", async (self) => {
      self.stop("normal");
      self.stop("a second reason");
      await Promise.resolve();
      return "done";
    });
    const late = watched(ref.call("log"));
    expect(await asked).toBe("done");
    expect(await ended).toBe("normal");
    await settle();
    expect(late).toMatchObject({ code: "exit", reason: "normal" });
  });

  it("comes once, and stays: a process that dies within its own async handler does not rise", async () => {
    const { spawn, settle, record } = scene();
    const events = record();
    const ref = spawn(probe);
    let after = 0;
    const asked = watched(
      ref.call("do", async (self) => {
        self.exit(self.ref, "kill");
        await Promise.resolve();
        after++;
        return "a result of the dead";
      }),
    );
    await settle();
    expect(after).toBe(1);
    expect(ref.alive).toBe(false);
    expect(asked).toMatchObject({ code: "exit", reason: "killed" });
    ref.send("hello?");
    await settle();
    expect(ref.alive).toBe(false);
    expect(events.filter((event) => event.type === "exited")).toHaveLength(1);
    expect(events.at(-1)).toMatchObject({ type: "dead_letter", kind: "info" });
  });

  it.each<[string, (self: Self<unknown>) => void, ExitReason]>([
    ["a stop", (self) => self.stop("normal"), "normal"],
    ["a crash", () => thrown(new Error("x")), { error: new Error("x") }],
    ["a kill", (self) => self.exit(self.ref, "kill"), "killed"],
    ["an exit signal", (self) => self.exit(self.ref, "bad"), "bad"],
  ])("aborts the signal on %s, read before or after", async (_how, step, reason) => {
    const { spawn, exited, settle } = scene();
    let self: Self<unknown> | null = null;
    const ref = spawn(probe, (own) => {
      self = own;
    });
    await settle();
    const signal = (self as unknown as Self<unknown>).signal;
    let fired = 0;
    signal.addEventListener("abort", () => fired++);
    expect(signal.aborted).toBe(false);
    const ended = exited(ref);
    ref.cast("do", step);
    expect(await ended).toEqual(reason);
    expect(fired).toBe(1);
    expect((self as unknown as Self<unknown>).signal.aborted).toBe(true);
  });

  it("aborts the signal when init fails or is ignored", async () => {
    const { spawn, settle } = scene();
    for (const init of [() => thrown(new Error("x")), () => ignore]) {
      let signal: AbortSignal | undefined;
      spawn(
        actor({
          init: (self) => {
            signal = self.signal;
            return init();
          },
        }),
      );
      await settle();
      expect(signal?.aborted).toBe(true);
    }
  });
});

describe("isolation", () => {
  it("a throw in one actor harms no other, whatever is thrown", async () => {
    const { spawn, settle, kernel } = scene();
    kernel.observe(() => {});
    const circular: Record<string, unknown> = {};
    circular.self = circular;
    const toJSON = {
      toJSON: () => thrown(new Error("nested")),
    };
    const values = [new Error("x"), undefined, null, 0, "text", 10n, Symbol("s"), circular, toJSON];
    for (const value of values) {
      const victim = spawn(probe);
      const bystander = spawn(probe);
      const asked = watched(victim.call("do", () => thrown(value)));
      const behind = watched(victim.call("log"));
      const ended = watched(kernel.exited(victim as never));
      const alive = watched(bystander.call("log"));
      await settle();
      expect(asked).toMatchObject({ state: "rejected", code: "exit" });
      expect(behind).toMatchObject({ state: "rejected", code: "exit" });
      expect((ended.value as { error: unknown }).error).toBe(value);
      expect(alive).toMatchObject({ state: "resolved" });
    }
  });

  it("a dead process's code that goes on can start nothing", async () => {
    const { spawn, exit, settle, kernel } = scene();
    const door = gate();
    const ref = spawn(probe);
    const ran: string[] = [];
    const victim = spawn(probe);
    ref.cast("do", async (self) => {
      await door.promise;
      self.spawnLink(probe, [() => ran.push("child")]);
      self.task(
        "work",
        () => ran.push("task"),
        () => ran.push("done"),
      );
      self.after(1, "later", () => ran.push("timer"));
      self.continue(() => ran.push("continue"));
      self.link(victim);
      self.monitor(victim);
    });
    await settle();
    exit(ref, "kill");
    door.open();
    await settle();
    expect(ran).toEqual([]);
    expect([...kernel.processes()]).toEqual([victim]);
    exit(victim, "bad");
    await settle();
    expect([...kernel.processes()]).toEqual([]);
  });

  it("a long chain of links falls without harm", async () => {
    const { spawn, exit, settle, kernel } = scene();
    const refs = Array.from({ length: 20_000 }, () => spawn(probe));
    await settle();
    for (const [i, ref] of refs.entries()) {
      const next = refs[i + 1];
      if (next !== undefined) ref.cast("do", (self) => self.link(next));
    }
    await settle();
    exit(refs[0]!, "bad");
    await settle();
    expect([...kernel.processes()]).toHaveLength(0);
  });
});

describe("spawn", () => {
  it("without a link shares no fate; with one it does", async () => {
    const { spawn, within, exit, settle } = scene();
    const parent = spawn(probe);
    let free = parent;
    let bound = parent;
    await within(parent, (self) => {
      free = self.spawn(probe, []);
      bound = self.spawnLink(probe, []);
    });
    exit(parent, "bad");
    await settle();
    expect([parent.alive, free.alive, bound.alive]).toEqual([false, true, false]);
  });

  it("numbers processes without ever using a number again", async () => {
    const { spawn, exit, settle } = scene();
    const first = spawn(probe);
    await settle();
    exit(first, "kill");
    const second = spawn(probe);
    expect(second.id).toBeGreaterThan(first.id);
    expect(second.label).toBe("probe");
  });

  it("leaves a handle of the dead valid and useless", async () => {
    const { spawn, exit, settle, within } = scene();
    const dead = spawn(probe);
    await settle();
    exit(dead, "kill");
    dead.cast("do", () => {});
    dead.send("x");
    const other = spawn(probe);
    await within(other, (self) => {
      self.monitor(dead);
      self.exit(dead, "again");
      self.unlink(dead);
    });
    expect(downs(other).map(({ reason }) => reason)).toEqual(["noproc"]);
    expect(log(other)).toHaveLength(1);
  });
});

function thrown(error: unknown): never {
  throw error;
}
