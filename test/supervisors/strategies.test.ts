/** Proves: who falls with a child and rises with it, in which order, and when a supervisor ends of itself. */
import { describe, expect, it } from "vitest";
import type { Ref } from "../../src/kernel/ref.ts";
import type { Self } from "../../src/kernel/self.ts";
import { child } from "../../src/ports/child-spec.ts";
import { supervisor } from "../../supervisors/supervisor.ts";
import { gate } from "../kernel/scene.ts";
import { childRef, harness, ignoring, info, type Part, spec } from "./harness.ts";

const ids = ["a", "b", "c", "d"];

async function running(
  strategy: "one_for_one" | "one_for_all" | "rest_for_one",
  parts: Record<string, Part> = {},
  intensity = 1,
) {
  const world = harness();
  const diary: string[] = [];
  const children = ids.map((id) => spec(id, { diary, trap: true, ...parts[id] }));
  const started = world.supervise({ strategy, intensity, children });
  await world.advance(20);
  const sup = await started;
  diary.length = 0;
  return { ...world, diary, sup, children };
}

const up = (id: string): string[] => [`${id} starts`, `${id} is up`];

describe("when b crashes", () => {
  it("one_for_one starts b alone", async () => {
    const { sup, diary, settle } = await running("one_for_one");
    (await childRef(sup, "b")).cast("crash");
    await settle();
    expect(diary).toEqual(["b is down", ...up("b")]);
  });

  it("rest_for_one stops what came after it in reverse, and starts all of these in order", async () => {
    const { sup, diary, settle } = await running("rest_for_one");
    (await childRef(sup, "b")).cast("crash");
    await settle();
    expect(diary).toEqual([
      ...["b is down", "d is down", "c is down"],
      ...["b", "c", "d"].flatMap(up),
    ]);
  });

  it("one_for_all stops all in reverse, and starts all in order", async () => {
    const { sup, diary, settle } = await running("one_for_all");
    (await childRef(sup, "b")).cast("crash");
    await settle();
    expect(diary).toEqual([
      ...["b is down", "d is down", "c is down", "a is down"],
      ...ids.flatMap(up),
    ]);
    expect((await sup.call("countChildren")).active).toBe(4);
  });
});

it("counts a whole round as one restart, and gives up with shutdown after one too many", async () => {
  const { sup, system, settle, of } = await running("one_for_all", {}, 2);
  const ended = system.exited(sup);
  for (let i = 0; i < 3; i++) {
    (await childRef(sup, "c")).cast("crash");
    await settle();
  }
  expect(of("restarting").map(({ restarts }) => restarts)).toEqual([1, 2]);
  expect(of("escalated")).toHaveLength(1);
  expect(await ended).toBe("shutdown");
});

it("waits for each that it stops, for as long as that may take, and kills it then", async () => {
  const { sup, diary, settle, advance } = await running("one_for_all", {
    c: { terminate: () => new Promise(() => {}) },
  });
  (await childRef(sup, "a")).cast("crash");
  await settle();
  expect(diary).toEqual(["a is down", "d is down"]);
  await advance(4_999);
  expect(diary).toEqual(["a is down", "d is down"]);
  await advance(1);
  expect(diary).toEqual([
    ...["a is down", "d is down", "c is down", "b is down"],
    ...ids.flatMap(up),
  ]);
});

it("tries a round again when a start in it fails, from the one that failed on", async () => {
  let failures = 1;
  let first = true;
  const { sup, diary, settle, of } = await running(
    "rest_for_one",
    {
      c: {
        init: () => {
          if (first) first = false;
          else if (failures-- > 0) throw new Error("not yet");
        },
      },
    },
    5,
  );
  (await childRef(sup, "b")).cast("crash");
  await settle();
  expect(diary).toEqual([
    ...["b is down", "d is down", "c is down"],
    ...up("b"),
    ...["c starts", ...up("c"), ...up("d")],
  ]);
  expect(of("restarting").map((event) => event.child)).toEqual(["b", "c"]);
});

it("hears of a crash in a round when the round is over, and begins another", async () => {
  let lives = 0;
  const { sup, settle, advance, of } = await running(
    "one_for_all",
    {
      a: {
        init: (self) => {
          if (++lives !== 2) return;
          self.after(5, "crash", () => {
            throw new Error("right away");
          });
        },
      },
      c: { init: (self) => new Promise<void>((resolve) => void self.host.timer(10, resolve)) },
    },
    5,
  );
  (await childRef(sup, "d")).cast("crash");
  await settle();
  await advance(5);
  // `a` is down already, and `c` still takes its time.
  expect(of("restarting").map((event) => event.child)).toEqual(["d"]);
  await advance(5);
  expect(of("restarting").map((event) => event.child)).toEqual(["d", "a"]);
  await advance(20);
  expect((await sup.call("countChildren")).active).toBe(4);
  expect(lives).toBe(3);
});

it("forgets a temporary child that fell with its siblings", async () => {
  const { supervise, settle } = harness();
  const sup = await supervise({
    strategy: "one_for_all",
    children: [spec("a"), spec("t", {}, { restart: "temporary" }), spec("z")],
  });
  (await childRef(sup, "z")).cast("crash");
  await settle();
  expect((await sup.call("whichChildren")).map(({ id, status }) => `${id} ${status}`)).toEqual([
    "a running",
    "z running",
  ]);
});

describe("a spec is kept", () => {
  it("of a child that was stopped: it may be started again, or deleted, and only then replaced", async () => {
    const { supervise } = harness();
    const sup = await supervise({ children: [spec("a"), spec("b")] });
    expect(await sup.call("restartChild", "a")).toEqual({ status: "already_started" });
    expect(await sup.call("deleteChild", "a")).toBe("running");
    expect(await sup.call("terminateChild", "a")).toBe("ok");
    expect(await sup.call("startChild", spec("a"))).toEqual({ status: "already_present" });
    expect(await sup.call("restartChild", "a")).toMatchObject({ status: "started" });
    expect(await sup.call("terminateChild", "a")).toBe("ok");
    expect(await sup.call("deleteChild", "a")).toBe("ok");
    expect(await sup.call("deleteChild", "a")).toBe("not_found");
    expect(await sup.call("restartChild", "a")).toEqual({ status: "not_found" });
    expect(await sup.call("startChild", spec("a"))).toMatchObject({ status: "started" });
    expect(await sup.call("countChildren")).toEqual({
      ...{ specs: 2, active: 2, supervisors: 0, workers: 2 },
    });
  });

  it("of one that ignored its start, which restartChild asks again", async () => {
    const { supervise } = harness();
    const nothing = child({ id: "i", start: ignoring, args: [] });
    const sup = await supervise({ children: [nothing] });
    expect(await info(sup, "i")).toMatchObject({ ref: null, status: "stopped" });
    expect(await sup.call("restartChild", "i")).toEqual({ status: "ignored" });
    expect(await sup.call("startChild", { ...nothing, id: "j" })).toEqual({ status: "ignored" });
    expect(await info(sup, "j")).toMatchObject({ ref: null, status: "stopped" });
  });

  it("not of a start that failed, but of a restart by hand that did", async () => {
    const { supervise } = harness();
    let fails = false;
    const fickle: Part = {
      init: () => {
        if (fails) throw new Error("no");
      },
    };
    const sup = await supervise({ children: [spec("a", fickle)] });
    await sup.call("terminateChild", "a");
    fails = true;
    expect(await sup.call("restartChild", "a")).toMatchObject({ status: "failed" });
    expect(await info(sup, "a")).toMatchObject({ status: "stopped" });
    expect(await sup.call("startChild", spec("b", fickle))).toMatchObject({ status: "failed" });
    expect(await info(sup, "b")).toBeUndefined();
  });
});

describe("autoShutdown", () => {
  const significant = (id: string) => spec(id, {}, { restart: "transient", significant: true });

  it.each([
    ["any_significant", 1],
    ["all_significant", 2],
  ] as const)("%s: ends with shutdown after %i of two", async (autoShutdown, ends) => {
    const { supervise, system, settle } = harness();
    const sup = await supervise({
      autoShutdown,
      children: [significant("a"), spec("plain"), significant("b")],
    });
    const ended = system.exited(sup);
    for (const [i, id] of ["a", "b"].entries()) {
      if (!sup.alive) break;
      (await childRef(sup, id)).cast("stop", "normal");
      await settle();
      expect(sup.alive).toBe(i + 1 < ends);
    }
    expect(await ended).toBe("shutdown");
  });

  it("says nothing of a significant child that was asked to stop, nor of one that is restarted", async () => {
    const { supervise, settle } = harness();
    const children = [significant("a"), significant("b")];
    const sup = await supervise({ autoShutdown: "any_significant", children });
    await sup.call("terminateChild", "a");
    (await childRef(sup, "b")).cast("crash");
    await settle();
    expect(sup.alive).toBe(true);
  });
});

describe("who is asked for while all fall together", () => {
  const later = (ms: number) => (self: Self<unknown>) =>
    new Promise<void>((resolve) => void self.host.timer(ms, resolve));

  it("terminateChild is answered, and the round starts it as all others", async () => {
    const parts = { b: { terminate: later(40) } };
    const { sup, advance } = await running("one_for_all", parts, 5);
    const ended = sup.call("terminateChild", "b");
    await advance(10);
    (await childRef(sup, "a")).cast("crash");
    await advance(100);
    expect(await ended).toBe("ok");
    expect(await info(sup, "b")).toMatchObject({ status: "running" });
  });

  it("startChild is answered by the start that counts", async () => {
    const { sup, advance } = await running("rest_for_one", {}, 5);
    const added = sup.call("startChild", spec("n", { init: later(40) }));
    await advance(10);
    (await childRef(sup, "a")).cast("crash");
    await advance(100);
    expect(await added).toEqual({ status: "started", ref: await childRef(sup, "n") });
  });

  it("startChild of a temporary one fails, for it is not started again", async () => {
    const { sup, advance } = await running("rest_for_one", {}, 5);
    const added = sup.call("startChild", spec("n", { init: later(40) }, { restart: "temporary" }));
    await advance(10);
    (await childRef(sup, "a")).cast("crash");
    await advance(100);
    expect(await added).toEqual({ status: "failed", reason: "shutdown" });
  });

  it("startChild fails, too, when it is terminated while it waits for the others", async () => {
    const world = harness();
    let starts = 0;
    const init = () => {
      if (++starts === 2) throw new Error("not yet");
    };
    const sup = await world.supervise({
      ...{ strategy: "rest_for_one", intensity: 5 },
      children: [spec("a", { init }, { backoff: { minMs: 60, maxMs: 60 } })],
    });
    const added = sup.call("startChild", spec("n", { init: later(40) }));
    await world.advance(10);
    (await childRef(sup, "a")).cast("crash");
    await world.advance(10);
    expect(await sup.call("terminateChild", "n")).toBe("ok");
    expect(await added).toEqual({ status: "failed", reason: "shutdown" });
  });

  it("those that wait for a child to rise with it start without it, once it is given up", async () => {
    const world = harness();
    let starts = 0;
    const init = () => {
      if (++starts === 2) throw new Error("not yet");
    };
    const backoff = { minMs: 60, maxMs: 60 };
    const sup = await world.supervise({
      ...{ strategy: "one_for_all", intensity: 5 },
      children: [spec("a", { init }, { backoff }), spec("b")],
    });
    (await childRef(sup, "a")).cast("crash");
    await world.advance(10);
    expect(await info(sup, "b")).toMatchObject({ status: "restarting" });
    expect(await sup.call("terminateChild", "a")).toBe("ok");
    await world.advance(200);
    expect(await info(sup, "b")).toMatchObject({ status: "running" });
    expect(await info(sup, "a")).toMatchObject({ status: "stopped" });
  });
});

it("a transient supervisor that cannot start again is tried again, as any other child", async () => {
  const world = harness();
  let starts = 0;
  const init = () => {
    if (++starts === 2) throw new Error("not yet");
  };
  const inner = child({
    ...{ id: "inner", start: supervisor, restart: "transient" },
    args: [{ intensity: 0, children: [spec("a", { init })] }],
  });
  const sup = await world.supervise({ intensity: 5, children: [inner] });
  const before = await info(sup, "inner");
  world.system.exit(before?.ref as Ref, "kill");
  await world.advance(100);
  expect(await info(sup, "inner")).toMatchObject({ status: "running", restarts: 2 });
  expect(starts).toBe(3);
});

describe("one that waits for its back-off", () => {
  const BACKOFF = { minMs: 60, maxMs: 60 };
  const begin = async (strategy: "one_for_all" | "rest_for_one", ids: string) => {
    const world = harness({ choose: (bound) => Math.floor(bound / 2) });
    const diary: string[] = [];
    const children = [...ids].map((id) =>
      spec(id, { diary }, id === "a" ? { backoff: BACKOFF } : {}),
    );
    const sup = await world.supervise({ strategy, intensity: 9, children });
    for (let i = 0; i < 2; i++) {
      (await childRef(sup, "a")).cast("crash");
      await world.settle();
    }
    expect(await info(sup, "a")).toMatchObject({ status: "restarting" });
    diary.length = 0;
    return { ...world, sup, diary, ups: () => diary.filter((line) => line.endsWith("up")) };
  };

  it("rises with all when all fall, and its wait is over", async () => {
    const { sup, settle, advance, diary, ups } = await begin("one_for_all", "ab");
    (await childRef(sup, "b")).cast("crash");
    await settle();
    expect(ups()).toEqual(["a is up", "b is up"]);
    diary.length = 0;
    await advance(200);
    expect(diary).toEqual([]);
  });

  it("waits on where those after it fall, and then they rise after it once more", async () => {
    const { sup, settle, advance, diary, ups, of } = await begin("rest_for_one", "abc");
    const b = await childRef(sup, "b");
    (await childRef(sup, "c")).cast("crash");
    await settle();
    expect(ups()).toEqual(["c is up"]);
    expect(await info(sup, "a")).toMatchObject({ status: "restarting" });
    expect(await childRef(sup, "b")).toBe(b);
    diary.length = 0;
    await advance(60);
    expect(ups()).toEqual(["a is up", "b is up", "c is up"]);
    expect(of("restarting")).toHaveLength(3);
  });

  it("is not hurried by an answer about a sibling's earlier crash", async () => {
    const world = harness({ choose: (bound) => Math.floor(bound / 2) });
    const door = gate<number>();
    let fails = false;
    const init = () => {
      if (fails) throw new Error("no");
    };
    const sup = await world.supervise({
      ...{ strategy: "one_for_all", intensity: 9 },
      children: [
        spec("c", { init }, { backoff: { minMs: 400, maxMs: 400 } }),
        spec("a", {}, { budget: { restarts: 5, progress: () => door.promise } }),
        spec("b", {}),
      ],
    });
    (await childRef(sup, "c")).cast("crash");
    await world.settle();
    (await childRef(sup, "a")).cast("crash");
    await world.settle();
    fails = true;
    (await childRef(sup, "b")).cast("crash");
    await world.settle();
    expect(await info(sup, "c")).toMatchObject({ status: "restarting" });
    const counted = world.of("restarting").length;
    fails = false;
    door.open(1);
    await world.advance(399);
    expect(await info(sup, "c")).toMatchObject({ status: "restarting" });
    expect(world.of("restarting")).toHaveLength(counted);
    await world.advance(1);
    expect(await info(sup, "c")).toMatchObject({ status: "running" });
  });

  it("is not hurried by one that is taken away, and the others wait for it", async () => {
    const world = harness({ choose: (bound) => Math.floor(bound / 2) });
    const diary: string[] = [];
    let fails = false;
    const init = () => {
      if (fails) throw new Error("no");
    };
    const sup = await world.supervise({
      ...{ strategy: "one_for_all", intensity: 9 },
      children: [
        spec("a", { diary, init }, { backoff: BACKOFF }),
        spec("b", { diary }),
        spec("c", { diary }),
      ],
    });
    fails = true;
    (await childRef(sup, "a")).cast("crash");
    await world.settle();
    expect(await info(sup, "a")).toMatchObject({ status: "restarting", restarts: 2 });
    fails = false;
    diary.length = 0;
    expect(await sup.call("terminateChild", "c")).toBe("ok");
    await world.settle();
    expect(diary).toEqual([]);
    await world.advance(60);
    // As in OTP all are started then, also the one that was taken away.
    const ups = diary.filter((line) => line.endsWith("up"));
    expect(ups).toEqual(["a is up", "b is up", "c is up"]);
  });
});

it.each(["one_for_one", "one_for_all"] as const)(
  "a transient child that stops in order at its new start stays down: %s",
  async (strategy) => {
    const { supervise, settle, of } = harness();
    let starts = 0;
    const init = (self: Self<unknown>) => {
      if (++starts > 1) self.stop("shutdown");
    };
    const children = [spec("a", { init }, { restart: "transient" }), spec("b")];
    const sup = await supervise({ strategy, intensity: 9, children });
    (await childRef(sup, "a")).cast("crash");
    await settle();
    expect(of("restarting")).toHaveLength(1);
    expect(await info(sup, "a")).toMatchObject({ status: "stopped" });
    expect(await info(sup, "b")).toMatchObject({ status: "running" });
  },
);
