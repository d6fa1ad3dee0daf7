import { describe, expect, it } from "vitest";
import type { ExitReason } from "../../src/kernel/exit.ts";
import { type ChildSpec, child } from "../../src/ports/child-spec.ts";
import { supervisor } from "../../supervisors/supervisor.ts";
import type { System } from "../../supervisors/system.ts";
import { watched } from "../kernel/scene.ts";
import { childRef, harness, info, type Part, part, type Supervisor, spec } from "./harness.ts";

describe("restarting", () => {
  const policies: [ChildSpec["restart"], ExitReason, boolean][] = [
    ["permanent", "normal", true],
    ["permanent", "shutdown", true],
    ["permanent", "bad", true],
    ["transient", "normal", false],
    ["transient", "shutdown", false],
    ["transient", { shutdown: "acker_lost" }, false],
    ["transient", "bad", true],
    ["transient", "killed", true],
    ["temporary", "normal", false],
    ["temporary", "bad", false],
  ];
  it.each(policies)("of a %s child that ended with %o: %s", async (restart, reason, again) => {
    const { supervise, settle, of } = harness();
    const sup = await supervise({
      children: [spec("a", {}, restart ? { restart } : {}), spec("b")],
    });
    const a = await childRef(sup, "a");
    const b = await childRef(sup, "b");
    a.cast("stop", reason);
    await settle();
    const after = await info(sup, "a");
    // As in OTP, nothing is kept of a temporary child.
    if (restart === "temporary") expect(after).toBeUndefined();
    else {
      expect(after).toMatchObject(
        again ? { status: "running", restarts: 1 } : { status: "stopped", ref: null, restarts: 0 },
      );
    }
    if (again) expect(after?.ref?.id).not.toBe(a.id);
    expect(await childRef(sup, "b")).toBe(b);
    expect(of("restarting")).toHaveLength(again ? 1 : 0);
  });

  it("is permanent by default, and touches that child alone", async () => {
    const { supervise, settle, system } = harness();
    const sup = await supervise({ children: [spec("a"), spec("b")], intensity: 5 });
    const b = await childRef(sup, "b");
    system.exit(await childRef(sup, "a"), "kill");
    await settle();
    expect(await info(sup, "a")).toMatchObject({ status: "running", restarts: 1 });
    expect(await childRef(sup, "b")).toBe(b);
  });

  it("takes the name along", async () => {
    const { supervise, settle, system } = harness();
    const sup = await supervise({ children: [spec("a", {}, { name: "the-a" })] });
    const before = system.whereis("the-a", part);
    before?.cast("crash");
    await settle();
    const after = system.whereis("the-a", part);
    expect(after?.id).toBe((await childRef(sup, "a")).id);
    expect(after).not.toBe(before);
  });

  it("of a transient child that ends in good order while it starts again is not tried again", async () => {
    const { supervise, settle, of } = harness();
    let starts = 0;
    const init: Part["init"] = (self) => {
      if (++starts > 1) self.stop({ shutdown: "acker_lost" });
    };
    const sup = await supervise({
      children: [spec("a", { init }, { restart: "transient" })],
      intensity: 10,
    });
    (await childRef(sup, "a")).cast("crash");
    await settle();
    expect(await info(sup, "a")).toMatchObject({ status: "stopped" });
    expect(of("restarting")).toHaveLength(1);
    expect(starts).toBe(2);
  });

  it("of a child whose new start fails is tried again, and counted", async () => {
    const { supervise, settle, of } = harness();
    let starts = 0;
    const init = () => {
      starts++;
      if (starts === 2 || starts === 3) throw new Error("not yet");
    };
    const sup = await supervise({ children: [spec("a", { init })], intensity: 10 });
    (await childRef(sup, "a")).cast("crash");
    await settle();
    expect(await info(sup, "a")).toMatchObject({ status: "running", restarts: 3 });
    expect(of("restarting").map(({ reason }) => reason)).toEqual([
      { error: new Error("crash") },
      { error: new Error("not yet") },
      { error: new Error("not yet") },
    ]);
  });
});

describe("intensity", () => {
  const crash = async (setup: ReturnType<typeof harness>, sup: Parameters<typeof childRef>[0]) => {
    (await childRef(sup, "a")).cast("crash");
    await setup.settle();
  };

  it("by default allows one restart in 5 s; the next ends the supervisor with shutdown", async () => {
    const setup = harness();
    const { supervise, system, of } = setup;
    const diary: string[] = [];
    const sup = await supervise({ children: [spec("a"), spec("b", { diary })] });
    const ended = watched(system.exited(sup));
    await crash(setup, sup);
    expect(sup.alive).toBe(true);
    await setup.advance(4_999);
    await crash(setup, sup);
    expect(ended.value).toBe("shutdown");
    expect(of("escalated")).toMatchObject([{ child: "a", pid: sup.id }]);
    expect(diary.at(-1)).toBe("b is down");
  });

  it("is exact at the period's border", async () => {
    const setup = harness();
    const sup = await setup.supervise({ children: [spec("a")], intensity: 2, periodMs: 1_000 });
    await crash(setup, sup);
    await setup.advance(400);
    await crash(setup, sup);
    await setup.advance(600);
    await crash(setup, sup);
    expect(sup.alive).toBe(true);
    await setup.advance(399);
    await crash(setup, sup);
    expect(sup.alive).toBe(false);
  });

  it("counts all children together, and none that has a budget of its own", async () => {
    const setup = harness();
    const { supervise, settle } = setup;
    const sup = await supervise({
      intensity: 2,
      children: [spec("a"), spec("b"), spec("own", {}, { budget: { restarts: 10 } })],
    });
    for (let i = 0; i < 10; i++) {
      (await childRef(sup, "own")).cast("crash");
      await settle();
    }
    for (const id of ["a", "b"]) {
      (await childRef(sup, id)).cast("crash");
      await settle();
    }
    expect(sup.alive).toBe(true);
    await crash(setup, sup);
    expect(sup.alive).toBe(false);
  });

  it("is what its events count by: all children's restarts of the period", async () => {
    const setup = harness();
    await setup.supervise({ intensity: 2, periodMs: 100, children: [spec("a"), spec("b")] });
    const [first] = setup.system.processes().filter(({ label }) => label === "supervisor");
    const sup = first as Supervisor;
    for (const [id, ms] of [
      ["a", 60],
      ["a", 60],
      ["b", 60],
      ["a", 0],
      ["b", 0],
    ] as const) {
      (await childRef(sup, id)).cast("crash");
      await setup.advance(ms);
    }
    const counts = setup.of("restarting").map(({ restarts, allowed }) => [restarts, allowed]);
    expect(counts).toEqual([
      [1, 2],
      [2, 2],
      [2, 2],
      [2, 2],
    ]);
    expect(setup.of("escalated")).toMatchObject([{ child: "b", restarts: 3, allowed: 2 }]);
  });

  it("of 0 escalates at the first crash", async () => {
    const setup = harness();
    const sup = await setup.supervise({ children: [spec("a")], intensity: 0 });
    await crash(setup, sup);
    expect(sup.alive).toBe(false);
  });

  it("passes the failure on: a permanent supervisor is restarted by its own, a transient one not", async () => {
    for (const restart of ["permanent", "transient"] as const) {
      const { supervise, settle } = harness();
      const inner = child({
        id: "inner",
        start: supervisor,
        args: [{ intensity: 0, children: [spec("a")] }],
        type: "supervisor",
        restart,
      });
      const sup = await supervise({ children: [inner] });
      const before = (await info(sup, "inner"))?.ref;
      (await childRef(before as never, "a")).cast("crash");
      await settle();
      const after = await info(sup, "inner");
      expect(after?.status).toBe(restart === "permanent" ? "running" : "stopped");
      expect(after?.ref).not.toBe(before);
    }
  });
});

describe("nothing waits", () => {
  it.each(["starting", "stopping", "asked for its progress"])(
    "a dynamic child that takes for ever %s delays no sibling's restart",
    async (how) => {
      const { supervise, settle } = harness();
      const sup = await supervise({ intensity: 10, children: [spec("sibling")] });
      const hang = () => new Promise<never>(() => {});
      if (how === "starting")
        void sup.call("startChild", spec("slow", { init: hang })).catch(() => {});
      else if (how === "stopping") {
        await sup.call("startChild", spec("slow", { trap: true, terminate: hang }));
        void sup.call("terminateChild", "slow").catch(() => {});
      } else {
        const budget = { restarts: 5, progress: hang };
        await sup.call("startChild", spec("slow", {}, { budget }));
        (await childRef(sup, "slow")).cast("crash");
      }
      await settle();
      const before = await childRef(sup, "sibling");
      before.cast("crash");
      await settle();
      const after = await info(sup, "sibling");
      expect(after).toMatchObject({ status: "running", restarts: 1 });
      expect(after?.ref).not.toBe(before);
    },
  );

  it("nor does a child that starts again for ever", async () => {
    const { supervise, settle } = harness();
    let starts = 0;
    const init = () => (++starts > 1 ? new Promise<never>(() => {}) : undefined);
    const sup = await supervise({ intensity: 10, children: [spec("a", { init }), spec("b")] });
    (await childRef(sup, "a")).cast("crash");
    await settle();
    expect(await info(sup, "a")).toMatchObject({ status: "starting" });
    (await childRef(sup, "b")).cast("crash");
    await settle();
    expect(await info(sup, "b")).toMatchObject({ status: "running", restarts: 1 });
  });
});

describe("whoever hears of a birth", () => {
  /** Acts at the `nth` birth of the child with id `a`. */
  const atBirth = async (nth: number, act: (system: System, sup: Supervisor) => void) => {
    const { system, supervise, ...rest } = harness();
    const sup = await supervise({ intensity: 5, children: [spec("b")] });
    let births = 0;
    system.observe(
      (event) => {
        if (event.type === "spawned" && event.label === "a" && ++births === nth) act(system, sup);
      },
      ["spawned"],
    );
    const start = () => sup.call("startChild", spec("a", { name: "a" }, { name: "a" }));
    return { ...rest, system, sup, start };
  };
  const killSupervisor = (system: System, sup: Supervisor) => system.exit(sup, "kill");
  const killChild = (system: System) => {
    const child = system.whereis("a", part);
    if (child !== undefined) system.exit(child, "kill");
  };

  it("may end the supervisor: the child falls with it", async () => {
    const { start, of, settle } = await atBirth(1, killSupervisor);
    await expect(start()).rejects.toMatchObject({ code: "exit", reason: "killed" });
    await settle();
    const { pid } = of("spawned").find(({ label }) => label === "a") ?? {};
    expect(of("exited")).toContainEqual(expect.objectContaining({ pid, reason: "killed" }));
  });

  it("may end the child: its start has failed, and nothing of it is kept", async () => {
    const { start, of, sup, settle } = await atBirth(1, killChild);
    expect(await start()).toEqual({ status: "failed", reason: "killed" });
    await settle();
    expect(of("restarting")).toEqual([]);
    expect(await sup.call("countChildren")).toMatchObject({ specs: 1, active: 1 });
  });

  it("may end it at its restart: it is restarted once more", async () => {
    const { start, of, sup, settle } = await atBirth(2, killChild);
    await start();
    (await childRef(sup, "a")).cast("crash");
    await settle();
    expect(of("restarting")).toHaveLength(2);
    expect(await info(sup, "a")).toMatchObject({ status: "running", restarts: 2 });
  });
});
