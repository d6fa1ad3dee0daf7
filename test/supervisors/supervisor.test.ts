import { describe, expect, it } from "vitest";
import { OptionError } from "../../src/kernel/errors.ts";
import { type ChildSpec, child } from "../../src/ports/child-spec.ts";
import { StartError } from "../../supervisors/start-error.ts";
import { supervisor } from "../../supervisors/supervisor.ts";
import { gate, watched } from "../kernel/scene.ts";
import { childRef, harness, ignoring, info, type Part, part, spec } from "./harness.ts";

describe("starting", () => {
  it("goes in order, each child when the one before it is up, async init included", async () => {
    const { supervise, advance, settle } = harness();
    const diary: string[] = [];
    const wait = (ms: number) => (self: { after: unknown; host: { timer: unknown } }) =>
      new Promise<void>((resolve) => {
        (self.host.timer as (ms: number, fire: () => void) => void)(ms, resolve);
      });
    const started = watched(
      supervise({
        children: [
          spec("a", { diary, init: wait(100) }),
          spec("b", { diary }),
          spec("c", { diary, init: wait(50) }),
        ],
      }),
    );
    await settle();
    expect(diary).toEqual(["a starts"]);
    await advance(100);
    expect(diary).toEqual(["a starts", "a is up", "b starts", "b is up", "c starts"]);
    expect(started.state).toBe("pending");
    await advance(50);
    expect(started.state).toBe("resolved");
  });

  it("passes over a child that answers ignore, keeps it as stopped, and asks no more", async () => {
    const { supervise, settle, of } = harness();
    const nothing = child({ id: "a", start: ignoring, args: [] });
    const sup = await supervise({ children: [nothing, spec("b")] });
    await settle();
    expect(await info(sup, "a")).toMatchObject({ status: "stopped", ref: null, restarts: 0 });
    expect(await info(sup, "b")).toMatchObject({ status: "running" });
    expect(of("restarting")).toEqual([]);
    expect(of("spawned").filter(({ label }) => label === "a")).toHaveLength(1);
  });

  it("fails with its first failing child, after stopping those before it in reverse", async () => {
    const { supervise, of } = harness();
    const diary: string[] = [];
    const failing = supervise({
      children: [
        spec("a", { diary }),
        spec("b", { diary }),
        spec("c", {
          diary,
          init: () => {
            throw new Error("no port");
          },
        }),
        spec("d", { diary }),
      ],
    });
    await expect(failing).rejects.toThrow(StartError);
    await expect(failing).rejects.toMatchObject({
      reason: { error: new StartError("c", { error: new Error("no port") }) },
    });
    expect(diary).toEqual([
      "a starts",
      "a is up",
      "b starts",
      "b is up",
      "c starts",
      "b is down",
      "a is down",
    ]);
    expect(of("restarting")).toEqual([]);
  });

  it("killed meanwhile starts no further child, and leaves none behind", async () => {
    const { system, settle, advance, of } = harness();
    const diary: string[] = [];
    const door = gate();
    const inner = child({
      id: "inner",
      start: supervisor,
      args: [
        {
          children: [
            spec("a", { diary }),
            spec("b", { diary, init: () => door.promise, trap: true }),
            spec("c", { diary }),
          ],
        },
      ],
      type: "supervisor",
      shutdownMs: 50,
    });
    const outer = await system.start(supervisor, {});
    const started = watched(outer.call("startChild", inner));
    await settle();
    const stopped = watched(outer.call("terminateChild", "inner"));
    await advance(50);
    expect(stopped.value).toBe("ok");
    expect(started.value).toEqual({ status: "failed", reason: "killed" });
    door.open();
    await advance(10_000);
    expect(diary).toEqual(["a starts", "a is up", "b starts", "a is down", "b is up", "b is down"]);
    const alive = new Set(of("spawned").map(({ pid }) => pid));
    for (const { pid } of of("exited")) alive.delete(pid);
    expect([...alive]).toEqual([outer.id]);
  });
});

describe("stopping", () => {
  it("goes in reverse order, each child down before the next is told", async () => {
    const { supervise, system, advance, settle } = harness();
    const diary: string[] = [];
    const slow = (name: string, ms: number): Part => ({
      diary,
      trap: true,
      terminate: (self, reason) => {
        diary.push(`${name} is told ${reason}`);
        return new Promise<void>((resolve) => void self.host.timer(ms, resolve));
      },
    });
    const sup = await supervise({
      children: [spec("a", slow("a", 10)), spec("b", slow("b", 20)), spec("c", slow("c", 0))],
    });
    diary.length = 0;
    const ended = watched(system.exited(sup));
    system.exit(sup, "shutdown");
    await settle();
    await advance(30);
    expect(diary).toEqual([
      "c is told shutdown",
      "c is down",
      "b is told shutdown",
      "b is down",
      "a is told shutdown",
      "a is down",
    ]);
    expect(ended.value).toBe("shutdown");
  });

  const stubborn: Part = { trap: true, terminate: () => new Promise(() => {}) };

  it.each<[string, Partial<ChildSpec>, number]>([
    ["5 s by default", {}, 5_000],
    ["its own shutdownMs", { shutdownMs: 120 }, 120],
    ["none at all", { shutdownMs: 0 }, 0],
  ])("gives a child %s and then kills it", async (_what, rest, ms) => {
    const { supervise, system, advance, settle, of, host } = harness();
    const sup = await supervise({ children: [spec("a"), spec("b", stubborn, rest)] });
    system.exit(sup, "shutdown");
    await settle();
    if (ms > 0) {
      await advance(ms - 1);
      expect(of("exited")).toEqual([]);
    }
    const began = host.now();
    await advance(1);
    const ended = of("exited").map(({ label, reason }) => [label, reason]);
    expect(ended).toEqual([
      ["b", "killed"],
      ["a", "shutdown"],
      ["supervisor", "shutdown"],
    ]);
    expect(began).toBe(Math.max(0, ms - 1));
  });

  it("with brutal_kill asks nothing", async () => {
    const { supervise, system, settle, of } = harness();
    let asked = false;
    const polite: Part = {
      trap: true,
      terminate: () => {
        asked = true;
      },
    };
    const sup = await supervise({ children: [spec("a", polite, { shutdownMs: "brutal_kill" })] });
    system.exit(sup, "shutdown");
    await settle();
    expect(of("exited")[0]).toMatchObject({ label: "a", reason: "killed" });
    expect(asked).toBe(false);
  });

  it("with infinity waits for ever, as it does for supervisors", async () => {
    const { supervise, system, advance, settle, of } = harness();
    const door = gate();
    const slow: Part = { trap: true, terminate: () => door.promise };
    const inner = child({
      id: "inner",
      start: supervisor,
      args: [{ children: [spec("deep", slow, { shutdownMs: "infinity" })] }],
      type: "supervisor",
    });
    const sup = await supervise({ children: [inner] });
    system.exit(sup, "shutdown");
    await settle();
    await advance(1e8);
    expect(of("exited")).toEqual([]);
    door.open();
    await settle();
    expect(of("exited").map(({ label, reason }) => [label, reason])).toEqual([
      ["deep", "shutdown"],
      ["inner", "shutdown"],
      ["supervisor", "shutdown"],
    ]);
  });

  it("restarts nothing that ends meanwhile", async () => {
    const { supervise, system, settle, of, advance } = harness();
    const door = gate();
    const sup = await supervise({
      children: [spec("a"), spec("b", { trap: true, terminate: () => door.promise })],
    });
    const a = await childRef(sup, "a");
    system.exit(sup, "shutdown");
    await settle();
    a.cast("crash");
    await settle();
    door.open();
    await advance(10_000);
    expect(of("restarting")).toEqual([]);
    expect(sup.alive).toBe(false);
  });
});

describe("what does not concern it", () => {
  it("is passed over: plain messages, and exits of those who are no children of its", async () => {
    const { supervise, system, settle } = harness();
    const sup = await supervise({ children: [spec("a")] });
    const other = await system.start(part, {});
    for (const message of [null, undefined, 1, "EXIT", {}, { type: "EXIT" }, { type: "DOWN" }]) {
      sup.send(message);
    }
    other.cast("crash");
    await settle();
    expect(sup.alive).toBe(true);
    expect(await info(sup, "a")).toMatchObject({ status: "running", restarts: 0 });
  });

  it("bad specifications name the field, at its start and later, and harm no child", async () => {
    const { supervise } = harness();
    const bad: [Partial<Record<keyof ChildSpec, unknown>>, string][] = [
      [{ id: "" }, "id"],
      [{ start: {} }, "start"],
      [{ start: undefined }, "start"],
      [{ args: undefined }, "args"],
      [{ restart: "always" }, "restart"],
      [{ shutdownMs: -1 }, "shutdownMs"],
      [{ shutdownMs: "never" }, "shutdownMs"],
      [{ shutdownMs: Number.NaN }, "shutdownMs"],
      [{ type: "boss" }, "type"],
      [{ backoff: { minMs: 5, maxMs: 1 } }, "backoff"],
      [{ backoff: { minMs: -1, maxMs: 1 } }, "backoff"],
      [{ budget: { restarts: -1 } }, "budget"],
    ];
    const sup = await supervise({ children: [spec("a")] });
    for (const [fields, option] of bad) {
      const wrong = { ...spec("b"), ...fields } as ChildSpec;
      const failing = supervise({ children: [spec("a"), wrong] });
      await expect(failing).rejects.toMatchObject({
        reason: { error: { name: "OptionError", option: `children[1].${option}` } },
      });
      await expect(sup.call("startChild", wrong)).rejects.toMatchObject({
        code: "refused",
        cause: { name: "OptionError", option: `spec.${option}` },
      });
    }
    expect(await info(sup, "a")).toMatchObject({ status: "running", restarts: 0 });
  });

  it("bad options name the field", async () => {
    const { supervise } = harness();
    const bad: [Record<string, unknown>, string][] = [
      [{ intensity: -1 }, "intensity"],
      [{ intensity: 1.5 }, "intensity"],
      [{ periodMs: 0 }, "periodMs"],
      [{ periodMs: Number.NaN }, "periodMs"],
      [{ strategy: "one_for_none" }, "strategy"],
      [{ autoShutdown: "sometimes" }, "autoShutdown"],
      [{ children: [spec("a", {}, { significant: true })] }, "children[0].significant"],
      [
        { children: [spec("a", {}, { significant: true, restart: "transient" })] },
        "children[0].significant",
      ],
      [{ children: [{ ...spec("a"), shutdown: 5 }] }, "children[0].shutdown"],
      [{ children: [spec("a"), spec("a")] }, "children[1].id"],
    ];
    for (const [options, option] of bad) {
      const failing = supervise(options);
      await expect(failing).rejects.toMatchObject({ reason: { error: { option } } });
      await expect(failing).rejects.toMatchObject({ cause: expect.any(OptionError) });
    }
  });
});
