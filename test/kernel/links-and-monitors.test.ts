import { describe, expect, it } from "vitest";
import { asProcess } from "../../src/kernel/process.ts";
import type { Monitor } from "../../src/kernel/self.ts";
import { collectGarbage, downs, exits, log, type Probe, probe, scene } from "./scene.ts";

async function pair(trap: boolean) {
  const all = scene();
  const a: Probe = all.spawn(probe, (self) => {
    self.trapExit = trap;
  });
  const b: Probe = all.spawn(probe);
  await all.within(a, (self) => self.link(b));
  return { ...all, a, b };
}

describe("links", () => {
  it("pass an abnormal exit both ways, whoever made the link", async () => {
    for (const first of [true, false]) {
      const { a, b, exit, exited } = await pair(false);
      const [victim, other] = first ? [a, b] : [b, a];
      const ended = exited(other);
      exit(victim, "bad");
      expect(await ended).toBe("bad");
    }
  });

  it("end with the process: whoever holds a dead one holds nobody else", async () => {
    const { spawn, within, exit, settle } = scene();
    let child: unknown;
    const parent = await (async () => {
      const ref = spawn(probe);
      await within(ref, (self) => {
        child = self.spawnLink(probe, []);
      });
      // Holding it leaves a trace of its own.
      asProcess(child as Probe).hold(true);
      exit(ref, "bad");
      await settle();
      return new WeakRef(ref);
    })();
    await collectGarbage();
    expect((child as Probe).alive).toBe(false);
    expect(parent.deref()).toBeUndefined();
  });

  it("pass on to those linked to the linked, with the first reason", async () => {
    const { spawn, within, exit, settle, record } = scene();
    const ring = Array.from({ length: 6 }, () => spawn(probe));
    for (const [i, ref] of ring.entries()) {
      await within(ref, (self) => self.link(ring[(i + 1) % ring.length]!));
    }
    const events = record();
    exit(ring[2]!, "bad");
    await settle();
    const ended = events.filter((event) => event.type === "exited");
    expect(ended).toHaveLength(6);
    expect(ended.every(({ reason }) => reason === "bad")).toBe(true);
  });

  it("do not pass on normal", async () => {
    const { a, b, settle } = await pair(false);
    b.cast("do", (self) => self.stop("normal"));
    await settle();
    expect([a.alive, b.alive]).toEqual([true, false]);
    expect(log(a)).toEqual([]);
  });

  it("pass on shutdown as any other reason", async () => {
    const { a, b, settle } = await pair(false);
    b.cast("do", (self) => self.stop("shutdown"));
    await settle();
    expect(a.alive).toBe(false);
  });

  it.each(["normal", "shutdown", "bad"])(
    "turn %s into one message when exits are trapped",
    async (reason) => {
      const { a, b, settle } = await pair(true);
      b.cast("do", (self) => self.stop(reason));
      await settle();
      expect(log(a)).toEqual([{ type: "EXIT", ref: b, reason }]);
      expect(a.alive).toBe(true);
    },
  );

  it("report a killed process as killed, which can be trapped", async () => {
    const { a, b, exit, settle } = await pair(true);
    exit(b, "kill");
    await settle();
    expect(exits(a).map((message) => message.reason)).toEqual(["killed"]);
  });

  it("to the dead give a noproc exit: trapped or not", async () => {
    for (const trap of [true, false]) {
      const { a, spawn, exit, settle, within, exited } = await pair(trap);
      const dead = spawn(probe);
      await settle();
      exit(dead, "kill");
      const ended = exited(a);
      await within(a, (self) => self.link(dead));
      if (trap) expect(log(a)).toEqual([{ type: "EXIT", ref: dead, reason: "noproc" }]);
      else expect(await ended).toBe("noproc");
    }
  });

  it("made twice count once; unlinked from either side they are gone", async () => {
    const { a, b, exit, settle, within } = await pair(true);
    await within(a, (self) => self.link(b));
    await within(b, (self) => self.link(a));
    await within(b, (self) => self.unlink(a));
    exit(b, "bad");
    await settle();
    expect(log(a)).toEqual([]);
  });

  it("made twice give one message", async () => {
    const { a, b, exit, settle, within } = await pair(true);
    await within(b, (self) => self.link(a));
    exit(b, "bad");
    await settle();
    expect(log(a)).toHaveLength(1);
  });

  it("to oneself mean nothing", async () => {
    const { spawn, within, exit, exited } = scene();
    const ref = spawn(probe);
    await within(ref, (self) => self.link(self.ref));
    const ended = exited(ref);
    exit(ref, "bad");
    expect(await ended).toBe("bad");
  });
});

describe("monitors", () => {
  async function watching(count = 1) {
    const all = scene();
    const watcher = all.spawn(probe);
    const target = all.spawn(probe);
    const monitors: Monitor[] = [];
    await all.within(watcher, (self) => {
      for (let i = 0; i < count; i++) monitors.push(self.monitor(target));
    });
    return { ...all, watcher, target, monitors };
  }

  it.each(["normal", "shutdown", "bad"])("give exactly one DOWN, for %s too", async (reason) => {
    const { watcher, target, monitors, settle, exit } = await watching();
    target.cast("do", (self) => self.stop(reason));
    await settle();
    exit(target, "kill");
    await settle();
    expect(log(watcher)).toEqual([{ type: "DOWN", monitor: monitors[0], ref: target, reason }]);
    expect(watcher.alive).toBe(true);
  });

  it("give one each when there are several", async () => {
    const { watcher, target, monitors, exit, settle } = await watching(3);
    exit(target, "kill");
    await settle();
    expect(downs(watcher).map(({ monitor, reason }) => [monitor, reason])).toEqual(
      monitors.map((monitor) => [monitor, "killed"]),
    );
  });

  it("of the dead give noproc", async () => {
    const { watcher, target, exit, settle, within } = await watching(0);
    exit(target, "bad");
    await within(watcher, (self) => void self.monitor(target));
    await settle();
    expect(downs(watcher).map(({ reason }) => reason)).toEqual(["noproc"]);
  });

  it("ended by demonitor give none, while the others stay", async () => {
    const { watcher, target, monitors, exit, settle, within } = await watching(2);
    await within(watcher, (self) => self.demonitor(monitors[0]!));
    exit(target, "bad");
    await settle();
    expect(downs(watcher).map(({ monitor }) => monitor)).toEqual([monitors[1]]);
  });

  it("ended by demonitor give none even when the DOWN waits already", async () => {
    const { watcher, target, monitors, exit, settle } = await watching(2);
    const dead = watcher;
    watcher.cast("do", (self) => {
      exit(target, "bad");
      self.demonitor(monitors[0]!);
      self.demonitor(monitors[0]!);
      self.demonitor(self.monitor(target));
    });
    await settle();
    expect(downs(dead).map(({ monitor }) => monitor)).toEqual([monitors[1]]);
    expect(log(dead)).toHaveLength(1);
  });

  it("go one way: the watcher's end is nothing to the watched, and leaves nothing there", async () => {
    const { watcher, target, exit, settle, record } = await watching(2);
    const events = record();
    exit(watcher, "bad");
    await settle();
    expect(target.alive).toBe(true);
    exit(target, "bad");
    await settle();
    expect(events.map(({ type }) => type)).toEqual(["signalled", "exited", "signalled", "exited"]);
  });

  it("of code that outlives its process leave nothing with the watched", async () => {
    const { watcher, target, exit, settle } = await watching(0);
    let outlived = false;
    watcher.cast("do", async (self) => {
      await new Promise((resolve) => setImmediate(resolve));
      self.monitor(target);
      outlived = true;
    });
    await settle();
    exit(watcher, "bad");
    await new Promise((resolve) => setTimeout(resolve, 5));
    await settle();
    expect(outlived).toBe(true);
    expect(asProcess(target).relations?.watchers.size ?? 0).toBe(0);
  });

  it("tell the application by a promise: the reason, or noproc", async () => {
    const { target, exit, exited } = await watching(0);
    const first = exited(target);
    const second = exited(target);
    exit(target, { shutdown: "enough" });
    expect(await first).toEqual({ shutdown: "enough" });
    expect(await second).toEqual({ shutdown: "enough" });
    expect(await exited(target)).toBe("noproc");
  });
});
