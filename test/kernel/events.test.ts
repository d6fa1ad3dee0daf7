import { describe, expect, it } from "vitest";
import { actor } from "../../src/kernel/actor.ts";
import type { SystemEvent } from "../../src/kernel/events.ts";
import { type Logger, logEvents } from "../../src/ports/logger.ts";
import { probe, scene, state, watched } from "./scene.ts";

const types = (events: SystemEvent[]): string[] => events.map(({ type }) => type);

describe("events", () => {
  it("tell a whole life in order, each with its time and its subject", async () => {
    const { spawn, settle, record, advance, exit } = scene();
    const events = record();
    await advance(7);
    const ref = spawn(probe);
    await settle();
    ref.send("x");
    await settle();
    exit(ref, "bad");
    ref.cast("do", () => {});
    expect(types(events)).toEqual([
      "spawned",
      "sent",
      "handled",
      "started",
      "sent",
      "handled",
      "signalled",
      "exited",
      "dead_letter",
    ]);
    for (const event of events) {
      expect(event).toMatchObject({ at: 7, pid: ref.id, label: "probe" });
    }
    expect(events[4]).toMatchObject({ kind: "info", name: "info" });
    expect(events[6]).toMatchObject({ from: null, reason: "bad" });
    expect(events[7]).toMatchObject({ reason: "bad" });
    expect(events[8]).toMatchObject({ kind: "cast", name: "do" });
  });

  it("name the parent of a spawned process", async () => {
    const { spawn, within, record } = scene();
    const parent = spawn(probe);
    const events = record();
    await within(parent, (self) => {
      self.spawnLink(probe, []);
      self.spawn(probe, []);
    });
    const spawned = events.filter((event) => event.type === "spawned");
    expect(spawned.map((event) => event.parent)).toEqual([parent.id, null]);
  });

  it("tell of every call that it began, and once how it ended", async () => {
    const { spawn, settle, exit, kernel } = scene();
    const seen: string[] = [];
    kernel.observe((event) => {
      if (event.type === "called") seen.push(`called ${event.name} ${event.call}`);
      if (event.type === "settled") seen.push(`settled ${event.call} ${event.how}`);
    });
    const ref = spawn(probe);
    const answered = ref.call("log");
    await settle();
    await answered;
    const never = ref.callWithin(50, "do", (self) => self.defer()).catch(() => {});
    await settle();
    exit(ref, "kill");
    await never;
    await ref.call("log").catch(() => {});
    expect(seen).toEqual([
      ...["called log 1", "settled 1 reply", "called do 2", "settled 2 exit"],
      ...["called log 3", "settled 3 noproc"],
    ]);
  });

  it("are made for nobody when nobody listens, and end with the observer's wish", async () => {
    const { kernel, spawn, settle } = scene();
    expect(kernel.traced).toBe(false);
    expect(kernel.listens("exited")).toBe(false);
    const seen: SystemEvent[] = [];
    const stop = kernel.observe((event) => seen.push(event));
    const stopOther = kernel.observe(() => {});
    stop();
    expect(kernel.traced).toBe(true);
    stopOther();
    stopOther();
    expect(kernel.traced).toBe(false);
    expect(kernel.listens("exited")).toBe(false);
    spawn(probe);
    await settle();
    expect(seen).toEqual([]);
  });

  it("come to each observer in the types it named, and cost no trace for those alone", async () => {
    const { kernel, spawn, settle, exit } = scene();
    const some: SystemEvent[] = [];
    const all: SystemEvent[] = [];
    kernel.observe((event) => some.push(event), ["exited", "spawned"]);
    expect([kernel.traced, kernel.listens("exited"), kernel.listens("sent")]).toEqual([
      false,
      true,
      false,
    ]);
    const stop = kernel.observe((event) => all.push(event));
    const ref = spawn(probe);
    await settle();
    exit(ref, "bad");
    stop();
    expect(types(some)).toEqual(["spawned", "exited"]);
    const whole = ["spawned", "sent", "handled", "started", "signalled", "exited"];
    expect(types(all)).toEqual(whole);
    expect(kernel.traced).toBe(false);
  });

  it("leave nothing of a process that a listener ends at its birth", () => {
    const { spawn, kernel } = scene();
    kernel.observe(
      ({ pid }) =>
        kernel
          .processes()
          .find(({ id }) => id === pid)
          ?.kill(),
      ["sent"],
    );
    const ref = spawn(probe, () => "a secret");
    expect([ref.alive, state(ref)]).toEqual([false, undefined]);
  });

  it("report a log with its level and data", async () => {
    const { spawn, within, record } = scene();
    const ref = spawn(probe);
    const events = record();
    await within(ref, (self) => self.log("warn", "careful", { at: 3 }));
    expect(events.find((event) => event.type === "logged")).toMatchObject({
      pid: ref.id,
      level: "warn",
      message: "careful",
      data: { at: 3 },
    });
  });
});

describe("a throwing observer", () => {
  it("harms nobody, is heard, and keeps no other from hearing", async () => {
    const { kernel, spawn, settle, faults, exited } = scene();
    const fault = new Error("observer");
    kernel.observe(() => {
      throw fault;
    });
    const seen: SystemEvent[] = [];
    kernel.observe((event) => seen.push(event));
    const ref = spawn(probe);
    const answer = watched(ref.call("do", () => 42));
    await settle();
    expect(answer.value).toBe(42);
    const ended = exited(ref);
    ref.cast("do", (self) => self.stop("normal"));
    expect(await ended).toBe("normal");
    await settle();
    expect(types(seen)).toContain("exited");
    expect(faults).toHaveLength(seen.length);
    expect(new Set(faults)).toEqual(new Set([fault]));
  });
});

describe("the log", () => {
  it("has crashes, restarts, escalations and the actors' own lines, and no payload", () => {
    const lines: [string, object, string][] = [];
    const write = (level: string) => (data: object, message: string) =>
      void lines.push([level, data, message]);
    const logger: Logger = {
      debug: write("debug"),
      info: write("info"),
      warn: write("warn"),
      error: write("error"),
    };
    const log = logEvents(logger);
    const subject = { at: 0, pid: 1, label: "p" };
    const error = new Error("boom");
    log({ ...subject, type: "exited", reason: "normal" });
    log({ ...subject, type: "exited", reason: { shutdown: 1 } });
    log({ ...subject, type: "sent", kind: "cast", name: "x" });
    expect(lines).toEqual([]);
    log({ ...subject, type: "exited", reason: { error } });
    const limit = { allowed: 5, periodMs: null };
    const restart = { child: "c", reason: "bad", restarts: 2, delayMs: 100, ...limit };
    log({ ...subject, type: "restarting", ...restart });
    log({ ...subject, type: "escalated", child: "c", reason: "bad", restarts: 6, ...limit });
    log({ ...subject, type: "logged", level: "info", message: "hello", data: { a: 1 } });
    expect(lines.map(([level, , message]) => [level, message])).toEqual([
      ["error", "p crashed: Error: boom"],
      ["warn", "c is started again in 100 ms"],
      ["error", "p gives up: c failed too often"],
      ["info", "hello"],
    ]);
    expect(lines[0]?.[1]).toMatchObject({ process: 1, err: error });
    expect(lines[3]?.[1]).toEqual({ process: "p", a: 1 });
  });
});

describe("describe", () => {
  it("is kept with the definition, for whoever draws the tree", () => {
    const described = actor({ init: () => 1, describe: ({ state }) => ({ state }) });
    expect(described.handlers.describe).not.toBeNull();
    expect(probe.handlers.describe).toBeNull();
  });
});
