import { describe, expect, it } from "vitest";
import { type ChildSpec, child } from "../../src/ports/child-spec.ts";
import { gate, watched } from "../kernel/scene.ts";
import { childRef, harness, ignoring, info, type Part, spec } from "./harness.ts";

describe("dynamic children", () => {
  it("are started, listed, and forgotten when they end for good", async () => {
    const { dynamic, settle } = harness();
    const sup = await dynamic({ intensity: 5 });
    const result = await sup.call("startChild", spec("a", {}, { restart: "transient" }));
    expect(result).toMatchObject({ status: "started", ref: { alive: true } });
    expect((await sup.call("whichChildren")).map(({ id }) => id)).toEqual(["a"]);
    const a = await childRef(sup, "a");
    a.cast("crash");
    await settle();
    const again = await childRef(sup, "a");
    expect(again).not.toBe(a);
    again.cast("stop", "normal");
    await settle();
    expect(await sup.call("whichChildren")).toEqual([]);
  });

  it("that ignore or fail their start are told so, and forgotten", async () => {
    const { dynamic, of } = harness();
    const sup = await dynamic({});
    const failed = await sup.call(
      "startChild",
      spec("a", {
        init: () => {
          throw new Error("no");
        },
      }),
    );
    expect(failed).toEqual({ status: "failed", reason: { error: new Error("no") } });
    const nothing = child({ id: "b", start: ignoring, args: [] });
    expect(await sup.call("startChild", nothing)).toEqual({ status: "ignored" });
    expect(await sup.call("whichChildren")).toEqual([]);
    expect(of("restarting")).toEqual([]);
  });

  it("of a taken id are refused: running, starting, waiting for a restart or stopping", async () => {
    const { dynamic, settle } = harness();
    const door = gate();
    const sup = await dynamic({ intensity: 10 });
    const start = (id: string, options: Part = {}, rest: Partial<ChildSpec> = {}) =>
      sup.call("startChild", spec(id, options, rest));
    const slow = start("slow", { init: () => door.promise });
    await start("stops", { trap: true, terminate: () => door.promise });
    const stopped = sup.call("terminateChild", "stops");
    await start("waits", {}, { backoff: { minMs: 1_000, maxMs: 1_000 } });
    for (let i = 0; i < 2; i++) {
      (await childRef(sup, "waits")).cast("crash");
      await settle();
    }
    expect((await info(sup, "waits"))?.status).toBe("restarting");
    for (const id of ["slow", "stops", "waits"]) {
      expect(await start(id)).toEqual({ status: "already_started" });
    }
    door.open();
    expect(await slow).toMatchObject({ status: "started" });
    expect(await stopped).toBe("ok");
    expect(await start("stops")).toMatchObject({ status: "started" });
  });

  it("stop together", async () => {
    const { dynamic, system, settle, advance } = harness();
    const diary: string[] = [];
    const slow = (name: string): Part => ({
      diary,
      trap: true,
      terminate: (self) => {
        diary.push(`${name} is told`);
        return new Promise<void>((resolve) => void self.host.timer(50, resolve));
      },
    });
    const sup = await dynamic({});
    for (const id of ["a", "b"]) await sup.call("startChild", spec(id, slow(id)));
    diary.length = 0;
    system.exit(sup, "shutdown");
    await settle();
    expect(diary.sort()).toEqual(["a is told", "b is told"]);
    await advance(50);
    expect(sup.alive).toBe(false);
  });
});

describe("terminateChild", () => {
  it("stops a child within its time, answers when it has ended, and restarts nothing", async () => {
    const { supervise, settle, advance, of } = harness();
    const sup = await supervise({
      children: [
        spec("a", { trap: true, terminate: () => new Promise(() => {}) }, { shutdownMs: 80 }),
      ],
    });
    const answers = [
      watched(sup.callWithin(1e6, "terminateChild", "a")),
      watched(sup.callWithin(1e6, "terminateChild", "a")),
    ];
    await settle();
    await advance(79);
    expect(answers.map(({ state }) => state)).toEqual(["pending", "pending"]);
    expect(await info(sup, "a")).toMatchObject({ status: "stopping" });
    await advance(1);
    expect(answers.map(({ value }) => value)).toEqual(["ok", "ok"]);
    expect(of("restarting")).toEqual([]);
    expect(await info(sup, "a")).toMatchObject({ status: "stopped", ref: null });
    expect(await sup.call("terminateChild", "a")).toBe("ok");
    expect(await sup.call("terminateChild", "unknown")).toBe("not_found");
  });

  it.each([true, false])(
    "stops one that is starting, trapping: %s; whoever started it hears of the failure",
    async (trap) => {
      const { dynamic, settle, of } = harness();
      const door = gate();
      const sup = await dynamic({});
      const started = watched(
        sup.call("startChild", spec("a", { trap, init: () => door.promise })),
      );
      await settle();
      const stopped = watched(sup.call("terminateChild", "a"));
      await settle();
      door.open();
      await settle();
      expect(stopped).toMatchObject({ state: "resolved", value: "ok" });
      expect(started).toMatchObject({
        state: "resolved",
        value: { status: "failed", reason: "shutdown" },
      });
      expect(await sup.call("whichChildren")).toEqual([]);
      expect(of("restarting")).toEqual([]);
    },
  );

  it("gives a child its time once, though its supervisor is stopped meanwhile", async () => {
    const { supervise, system, settle, advance } = harness();
    const sup = await supervise({
      children: [
        spec("a", { trap: true, terminate: () => new Promise(() => {}) }, { shutdownMs: 80 }),
      ],
    });
    sup.callWithin(1e6, "terminateChild", "a").catch(() => {});
    await settle();
    await advance(50);
    system.exit(sup, "shutdown");
    await advance(29);
    expect(sup.alive).toBe(true);
    await advance(1);
    expect(sup.alive).toBe(false);
  });

  it("kills one that does not stop starting", async () => {
    const { dynamic, settle, advance } = harness();
    const sup = await dynamic({});
    const hanging = spec(
      "a",
      { trap: true, init: () => new Promise(() => {}) },
      { shutdownMs: 50 },
    );
    const started = watched(sup.call("startChild", hanging));
    await settle();
    const stopped = watched(sup.call("terminateChild", "a"));
    await advance(50);
    expect(stopped.value).toBe("ok");
    expect(started.value).toEqual({ status: "failed", reason: "killed" });
  });

  it("works right behind the failure of the child's start", async () => {
    const { dynamic, settle } = harness();
    const door = gate();
    const sup = await dynamic({});
    const started = watched(sup.call("startChild", spec("a", { init: () => door.promise })));
    await settle();
    door.fail(new Error("no"));
    const stopped = watched(sup.call("terminateChild", "a"));
    await settle();
    expect(stopped.state).toBe("resolved");
    expect(started.state).toBe("resolved");
    expect(await sup.call("whichChildren")).toEqual([]);
  });

  it("stops one that waits for its restart, which then never comes", async () => {
    const { dynamic, settle, advance, of } = harness();
    const sup = await dynamic({ intensity: 10 });
    const backoff = { minMs: 1_000, maxMs: 1_000 };
    await sup.call("startChild", spec("a", {}, { backoff }));
    for (let i = 0; i < 2; i++) {
      (await childRef(sup, "a")).cast("crash");
      await settle();
    }
    expect((await info(sup, "a"))?.status).toBe("restarting");
    expect(await sup.call("terminateChild", "a")).toBe("ok");
    const spawned = of("spawned").length;
    await advance(10_000);
    expect(of("spawned")).toHaveLength(spawned);
    expect(await sup.call("whichChildren")).toEqual([]);
  });

  it("stops one whose restart falls due at that very moment", async () => {
    const { dynamic, settle, advance, of, host } = harness();
    const sup = await dynamic({ intensity: 10 });
    await sup.call("startChild", spec("a", {}, { backoff: { minMs: 1_000, maxMs: 1_000 } }));
    const a = await childRef(sup, "a");
    let stopped = watched(Promise.resolve());
    a.cast("crash");
    await settle();
    // Set before the supervisor's own timer of the same time, so that it stands before it in the mailbox.
    host.timer(800, () => {
      stopped = watched(sup.call("terminateChild", "a"));
    });
    (await childRef(sup, "a")).cast("crash");
    await settle();
    expect(of("restarting").at(-1)?.delayMs).toBe(800);
    const spawned = of("spawned").length;
    host.timer(799.5, () => sup.send("keeps it busy"));
    await advance(10_000);
    expect(stopped.value).toBe("ok");
    expect(of("spawned")).toHaveLength(spawned);
    expect(await sup.call("whichChildren")).toEqual([]);
  });

  it("stops one that has just crashed, its restart not being begun", async () => {
    const { dynamic, settle } = harness();
    const sup = await dynamic({});
    await sup.call("startChild", spec("a"));
    const a = await childRef(sup, "a");
    a.cast("crash");
    const stopped = watched(sup.call("terminateChild", "a"));
    await settle();
    expect(stopped.value).toBe("ok");
    expect(a.alive).toBe(false);
    expect(await sup.call("whichChildren")).toEqual([]);
  });
});
