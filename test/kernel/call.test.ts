import { describe, expect, it } from "vitest";
import { actor, type Deferred } from "../../src/kernel/actor.ts";
import { Call, Deadlines } from "../../src/kernel/call.ts";
import { CallError, OptionError } from "../../src/kernel/errors.ts";
import { asProcess } from "../../src/kernel/process.ts";
import type { Ref } from "../../src/kernel/ref.ts";
import type { Scheduler } from "../../src/kernel/scheduler.ts";
import { manualHost } from "./manual-host.ts";
import { collectGarbage, gate, log, type Probe, probe, scene, watched } from "./scene.ts";

describe("a reply", () => {
  it("is the handler's result, or what its promise resolves to", async () => {
    const { spawn } = scene();
    const ref = spawn(probe);
    expect(await ref.call("do", () => 1)).toBe(1);
    expect(await ref.call("do", async () => 2)).toBe(2);
    expect(await ref.call("do", () => undefined)).toBe(undefined);
  });

  it("answers its own call, thousands at once in whatever order they are settled", async () => {
    const { spawn, settle } = scene();
    const owed: Deferred<unknown>[] = [];
    const ref = spawn(probe);
    const asked = Array.from({ length: 2_000 }, (_, i) =>
      ref.call("do", (self) => {
        if (i % 2 === 0) return i;
        const reply = self.defer();
        owed.push(reply);
        return reply;
      }),
    );
    await settle();
    for (const [k, reply] of [...owed.entries()].reverse()) reply.resolve(2 * k + 1);
    expect(await Promise.all(asked)).toEqual(Array.from({ length: 2_000 }, (_, i) => i));
  });

  it("may be deferred, and settled from another message, by the first who does", async () => {
    const { spawn, settle } = scene();
    const ref = spawn(probe);
    let reply: Deferred<string> | undefined;
    const asked = watched(
      ref.call("do", (self) => {
        reply = self.defer<string>();
        return reply;
      }),
    );
    await settle();
    expect(asked.state).toBe("pending");
    ref.cast("do", () => {
      reply?.resolve("first");
      reply?.resolve("second");
      reply?.reject(new Error("third"));
    });
    await settle();
    expect(asked).toMatchObject({ state: "resolved", value: "first" });
  });

  it("leaves no debt behind: deferred replies are forgotten once settled, or timed out", async () => {
    const { spawn, settle, advance } = scene();
    const ref = spawn(probe);
    const owed: Deferred<unknown>[] = [];
    for (let i = 0; i < 10; i++) {
      watched(
        ref.callWithin(100, "do", (self) => {
          const reply = self.defer();
          owed.push(reply);
          return reply;
        }),
      );
    }
    await settle();
    const debts = () => asProcess(ref).relations?.owed.size;
    expect(debts()).toBe(10);
    for (const reply of owed.slice(0, 6)) reply.resolve(1);
    expect(debts()).toBe(4);
    await advance(100);
    expect(debts()).toBe(0);
  });

  it("may be deferred by an async handler, and settled before that returns", async () => {
    const { spawn } = scene();
    const ref = spawn(probe);
    const asked = ref.call("do", async (self) => {
      const reply = self.defer<string>();
      reply.resolve("early");
      reply.reject("too late");
      await Promise.resolve();
      return reply;
    });
    expect(await asked).toBe("early");
  });

  it("may be a refusal, which harms the callee not at all", async () => {
    const { spawn } = scene();
    const ref = spawn(probe);
    const cause = new Error("not now");
    const asked = ref.call("do", (self) => {
      const reply = self.defer<string>();
      reply.reject(cause);
      return reply;
    });
    await expect(asked).rejects.toMatchObject({ name: "CallError", code: "refused", cause });
    expect(ref.alive).toBe(true);
  });
});

describe("the callee's end settles at once", () => {
  const kill = (reason: string, at: string) => `with ${reason}, the call being ${at}`;

  it.each(["kill", "bad", "shutdown"])("with %s, wherever the call is", async (reason) => {
    const { spawn, settle, exit, timers } = scene();
    const expected = { code: "exit", reason: reason === "kill" ? "killed" : reason };

    const queued = spawn(probe);
    const inMailbox = [watched(queued.call("log")), watched(queued.call("log"))];
    exit(queued, reason);
    await settle();
    for (const call of inMailbox)
      expect(call, kill(reason, "in the mailbox")).toMatchObject(expected);

    const ref = spawn(probe);
    const door = gate<string>();
    let self: unknown;
    const deferred = watched(
      ref.call("do", (own) => {
        self = own;
        return own.defer();
      }),
    );
    const suspended = watched(ref.call("do", () => door.promise));
    const behind = watched(ref.call("log"));
    await settle();
    expect(self).toBeDefined();
    expect([deferred.state, suspended.state, behind.state]).toEqual(Array(3).fill("pending"));
    exit(ref, reason);
    await settle();
    expect(deferred, kill(reason, "deferred")).toMatchObject(expected);
    expect(suspended, kill(reason, "suspended")).toMatchObject(expected);
    expect(behind, kill(reason, "behind")).toMatchObject(expected);

    door.open("a result of the dead");
    await settle();
    expect(suspended).toMatchObject(expected);
    expect(timers()).toBeLessThanOrEqual(1);
  });

  it("when its handler throws, now or later, with the error as the reason", async () => {
    const { spawn, settle } = scene();
    const error = new Error("boom");
    for (const step of [() => thrown(error), () => Promise.reject(error)]) {
      const ref = spawn(probe);
      const asked = watched(ref.call("do", step));
      await settle();
      expect(asked).toMatchObject({ code: "exit", reason: { error } });
      expect(asked.value).toBeInstanceOf(CallError);
    }
  });

  it("when it dies while the handler runs", async () => {
    const { spawn, settle } = scene();
    const ref = spawn(probe);
    const asked = watched(
      ref.call("do", (self) => {
        self.exit(self.ref, "bad");
        return "a result of the dead";
      }),
    );
    await settle();
    expect(asked).toMatchObject({ code: "exit", reason: "bad" });
  });

  it("when it fails to start", async () => {
    const { spawn, settle } = scene();
    const broken = actor({ init: () => thrown(new Error("no")), calls: { ask: () => 1 } });
    const asked = watched(spawn(broken).call("ask"));
    await settle();
    expect(asked).toMatchObject({ code: "exit", reason: { error: new Error("no") } });
  });

  it("is noproc when it had ended before, without a timer", async () => {
    const { spawn, settle, exit, timers } = scene();
    const ref = spawn(probe);
    await settle();
    exit(ref, "kill");
    const asked = watched(ref.call("log"));
    const within = watched(ref.callWithin(50, "log"));
    await settle();
    for (const call of [asked, within]) {
      expect(call).toMatchObject({ code: "noproc", reason: "noproc" });
    }
    expect(timers()).toBe(0);
  });
});

describe("an observer that itself asks", () => {
  it.each([
    ["reject", "overloaded"],
    ["drop_oldest", { ok: "q1" }],
  ] as const)("has its own answer: %s", async (overflow, expected) => {
    const { spawn, settle, kernel } = scene();
    const full = spawn(
      actor({
        init: () => ({}),
        calls: { q: (_self, number: number) => `q${number}` },
        casts: { fill: () => {} },
        mailbox: { limit: 1, overflow },
      }),
    );
    const auditor = spawn(actor({ init: () => ({}), calls: { rec: () => "recorded" } }));
    await settle();
    const recorded: Promise<unknown>[] = [];
    kernel.observe(() => void recorded.push(auditor.call("rec")), ["dead_letter"]);
    asProcess(full).hold(true);
    full.cast("fill");
    const asked = full.call("q", 1).then(
      (ok) => ({ ok }),
      (error: unknown) => (error as CallError).code,
    );
    asProcess(full).hold(false);
    expect(await asked).toEqual(expected);
    expect(recorded.length).toBeGreaterThan(0);
    expect(new Set(await Promise.all(recorded))).toEqual(new Set(["recorded"]));
  });
});

describe("a timeout", () => {
  /** The first of a turn, answered in that turn, waits nowhere for its time to be over. */
  const twice = (ask: () => Promise<unknown>) => Promise.all([ask(), ask()]);

  const never = (ref: Probe, ms?: number) =>
    watched(
      ms === undefined
        ? ref.call("do", (self) => self.defer())
        : ref.callWithin(ms, "do", (self) => self.defer()),
    );

  it("comes after 5 s by default, to the millisecond", async () => {
    const { spawn, advance } = scene();
    const asked = never(spawn(probe));
    await advance(4_999);
    expect(asked.state).toBe("pending");
    await advance(1);
    expect(asked).toMatchObject({ code: "timeout", reason: undefined });
  });

  it("comes for each call in its own time, whatever was asked before or after", async () => {
    const { spawn, advance } = scene();
    const ref = spawn(probe);
    const long = never(ref, 300);
    const first = never(ref, 100);
    await advance(60);
    const second = never(ref, 100);
    await advance(39);
    expect(first.state).toBe("pending");
    await advance(1);
    expect([first.code, second.state]).toEqual(["timeout", "pending"]);
    await advance(59);
    expect(second.state).toBe("pending");
    await advance(1);
    expect([second.code, long.state]).toEqual(["timeout", "pending"]);
    await advance(140);
    expect(long.code).toBe("timeout");
  });

  it("keeps calls apart that were asked a millisecond apart", async () => {
    const { spawn, advance } = scene();
    const ref = spawn(probe);
    const calls = [never(ref, 100)];
    for (let i = 1; i < 5; i++) {
      await advance(1);
      calls.push(never(ref, 100));
    }
    await advance(95);
    for (let expired = 0; expired <= 5; expired++) {
      expect(calls.filter(({ code }) => code === "timeout")).toHaveLength(expired);
      await advance(1);
    }
  });

  it("is right for the rest when calls before, between and after were answered", async () => {
    const { spawn, advance } = scene();
    const ref = spawn(probe);
    const owed: Deferred<unknown>[] = [];
    const ask = () =>
      watched(
        ref.callWithin(100, "do", (self) => {
          const reply = self.defer();
          owed.push(reply);
          return reply;
        }),
      );
    const calls = Array.from({ length: 6 }, ask);
    await advance(50);
    calls.push(...Array.from({ length: 3 }, ask));
    await advance(10);
    for (const i of [0, 2, 5, 8]) owed[i]?.resolve(i);
    await advance(40);
    const states = () => calls.map(({ state, code }) => code ?? state);
    const [a, t, p] = ["resolved", "timeout", "pending"];
    expect(states()).toEqual([a, t, a, t, t, a, p, p, a]);
    await advance(50);
    expect(states()).toEqual([a, t, a, t, t, a, t, t, a]);
  });

  it("may be never, or none at all, but not a negative number", async () => {
    const { spawn, advance, settle } = scene();
    const ref = spawn(probe);
    const endless = never(ref, Number.POSITIVE_INFINITY);
    const hasty = never(ref, 0);
    await settle();
    await advance(0);
    expect(hasty.code).toBe("timeout");
    await advance(1e9);
    expect(endless.state).toBe("pending");
    for (const ms of [-1, Number.NaN]) expect(() => ref.callWithin(ms, "log")).toThrow(OptionError);
  });

  it("drops the late reply, which answers no other call", async () => {
    const { spawn, advance, settle } = scene();
    const ref = spawn(probe);
    const door = gate<string>();
    const late = watched(ref.callWithin(10, "do", () => door.promise));
    await advance(10);
    expect(late.code).toBe("timeout");
    const next = watched(ref.callWithin(10, "do", () => "the next answer"));
    door.open("the late answer");
    await settle();
    expect(next).toMatchObject({ state: "resolved", value: "the next answer" });
    expect(late.code).toBe("timeout");
  });

  it("drops a late deferred reply, and the callee's later end changes nothing", async () => {
    const { spawn, advance, settle, exit } = scene();
    const ref = spawn(probe);
    const late = never(ref, 10);
    await advance(10);
    exit(ref, "bad");
    await settle();
    expect(late.code).toBe("timeout");
  });

  it("comes in time from whoever cannot take a turn", async () => {
    const { spawn, advance } = scene();
    const ref = spawn(probe);
    await advance(1);
    asProcess(ref).hold(true);
    const asked = [100, 5, 100].map((ms) => never(ref, ms));
    await advance(5);
    expect(asked.map(({ state }) => state)).toEqual(["pending", "rejected", "pending"]);
    await advance(94);
    expect(asked.map(({ state }) => state)).toEqual(["pending", "rejected", "pending"]);
    await advance(1);
    expect(asked.map(({ code }) => code)).toEqual(["timeout", "timeout", "timeout"]);
  });

  it("does not count the time in which its sender kept the thread", () => {
    let now = 1;
    let fire = (): void => {};
    const timer = (_ms: number, run: () => void) => {
      fire = run;
      return () => {};
    };
    // A drain is due, and has not come when the timer is.
    const scheduler = { dateLater: () => true } as unknown as Scheduler;
    const host = { ...manualHost().host, now: () => now, timer };
    const queue = new Deadlines(host, scheduler, 100);
    const codes: string[] = [];
    const call = new Call("it", "do", queue);
    call.told = (how) => codes.push(how);
    call.then(
      () => {},
      () => {},
    );
    now = 500;
    fire();
    expect(codes).toEqual([]);
    now = 599;
    fire();
    expect(codes).toEqual([]);
    now = 600;
    fire();
    expect(codes).toEqual(["timeout"]);
  });

  it("leaves nothing behind for each of a thousand different lengths", async () => {
    const { spawn, advance, timers, kernel } = scene();
    const ref = spawn(probe);
    for (let i = 1; i <= 1_000; i++) await twice(() => ref.callWithin(i / 7, "log"));
    await advance(1_000);
    expect(timers()).toBe(0);
    // The last ones are kept for the next calls.
    const first = kernel.deadlinesOf(1 / 7);
    for (let i = 1; i <= 100; i++) kernel.deadlinesOf(1_000 + i);
    expect(kernel.deadlinesOf(1 / 7)).not.toBe(first);
  });

  it("keeps nothing of what it has brought", async () => {
    const { spawn } = scene();
    const ref = spawn(probe);
    const brought = async () => new WeakRef((await ref.call("do", () => ({}))) as object);
    const weak = await brought();
    await collectGarbage();
    expect(weak.deref()).toBeUndefined();
  });

  it("keeps no timer for each of very many different lengths, once they are answered", async () => {
    const { spawn, timers } = scene();
    const ref = spawn(probe);
    for (let i = 1; i <= 1_000; i++) await twice(() => ref.callWithin(1e6 + i, "log"));
    expect(timers()).toBeGreaterThan(1);
    expect(timers()).toBeLessThan(100);
  });

  it("keeps one timer for those of 5 s, by default or not, and lets go of it", async () => {
    const { spawn, settle, advance, timers, kernel } = scene();
    const ref = spawn(probe);
    await settle();
    await ref.call("log");
    expect(timers()).toBe(0);
    await twice(() => ref.call("log"));
    await advance(5_000);
    await twice(() => ref.callWithin(5_000, "log"));
    await twice(() => ref.call("log"));
    expect(timers()).toBe(1);
    kernel.rest();
    expect(timers()).toBe(0);
  });

  it("leaves nothing behind for a call that was refused at once", async () => {
    const { spawn, settle, timers } = scene();
    const ref = spawn(actor({ init: () => ({}), mailbox: { limit: 1, overflow: "reject" } }));
    await settle();
    asProcess(ref).hold(true);
    ref.send("the one that has a place");
    const asked = watched((ref as Ref as Probe).callWithin(70, "log"));
    await settle();
    expect(asked.code).toBe("overloaded");
    expect(timers()).toBe(0);
  });

  it("leaves no timer though many other lengths were asked in the turn of a call", async () => {
    const { spawn, settle, advance, timers, kernel } = scene();
    const ref = spawn(probe);
    await settle();
    const later = (ms: number) =>
      ref.callWithin(
        ms,
        "do",
        () => new Promise<void>((resolve) => kernel.host.timer(10, resolve)),
      );
    const lengths = Array.from({ length: 70 }, (_, i) => 4_000 + i);
    const all = Promise.all(lengths.map(later));
    await advance(1_000);
    await all;
    kernel.rest();
    expect(timers()).toBe(0);
  });

  it("waits in one queue with all of its length, made in its turn and answered a turn later", async () => {
    const { spawn, settle, advance, timers, kernel } = scene();
    const ref = spawn(probe);
    await settle();
    const later = () =>
      ref.callWithin(6_000, "do", (self) => {
        const reply = self.defer();
        self.after(10, "reply", () => reply.resolve("later"));
        return reply;
      });
    const both = Promise.all([later(), later()]);
    await advance(10);
    expect([await both, timers()]).toEqual([["later", "later"], 1]);
    kernel.rest();
    expect(timers()).toBe(0);
  });
});

describe("an unknown message", () => {
  it("rejects a call, and harms neither side", async () => {
    const { spawn, settle } = scene();
    const ref = spawn(probe);
    const ask = ref.call as (name: string) => Promise<unknown>;
    for (const name of ["nope", "toString", "constructor", "__proto__"]) {
      const asked = watched(ask.call(ref, name));
      await settle();
      expect(asked.code).toBe("unknown_message");
    }
    expect(await ref.call("log")).toEqual([]);
  });

  it("is a dead letter when it is a cast, or a plain message nobody wants", async () => {
    const { spawn, settle, record } = scene();
    const events = record();
    const deaf = actor({ init: () => {} });
    const ref = spawn(deaf);
    const cast = ref.cast as unknown as (name: string) => void;
    for (const name of ["nope", "toString", "__proto__"]) cast.call(ref, name);
    ref.send("anything");
    await settle();
    expect(ref.alive).toBe(true);
    expect(events.filter((event) => event.type === "dead_letter")).toHaveLength(4);
  });
});

describe("cast", () => {
  it("never throws into the sender: not for the dead, the throwing, the unknown", async () => {
    const { spawn, settle, within, exit } = scene();
    const sender = spawn(probe);
    const dead = spawn(probe);
    const throwing = spawn(probe);
    await settle();
    exit(dead, "kill");
    await within(sender, (self) => {
      dead.cast("do", () => {});
      throwing.cast("do", () => thrown(new Error("x")));
      dead.send("x");
      (sender.cast as (name: string) => void).call(sender, "nope");
      self.state.push("still here");
    });
    expect(log(sender)).toEqual(["still here"]);
    expect(throwing.alive).toBe(false);
    expect(sender.alive).toBe(true);
  });
});

function thrown(error: unknown): never {
  throw error;
}
