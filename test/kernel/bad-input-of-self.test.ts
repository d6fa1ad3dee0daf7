/**
 * Why this exists: a mistake made within a handler is that actor's alone. It ends with one typed
 * error that names it, what was given and what is allowed; everybody else goes on.
 */
import { describe, expect, it } from "vitest";
import { OptionError } from "../../src/kernel/errors.ts";
import { probe, scene } from "./scene.ts";

// biome-ignore lint/suspicious/noExplicitAny: as JavaScript sees it
type Any = any;
const init = (): number => 1;
const REASONS = "a text, { shutdown } or { error }";
const forgotten = Promise.resolve();

describe("within a handler", () => {
  const other = scene().spawn(probe);
  const stranger = "an object is not allowed; allowed: a ref of this system";
  it.each<[string, (self: Any) => unknown, string]>([
    ["stop()", (self) => self.stop(), `stop.reason: undefined is not allowed; allowed: ${REASONS}`],
    ["stop(5)", (self) => self.stop(5), `stop.reason: 5 is not allowed; allowed: ${REASONS}`],
    [
      "stop(error)",
      (self) => self.stop(new Error("x")),
      `stop.reason: an object is not allowed; allowed: ${REASONS}`,
    ],
    [
      "continue",
      (self) => self.continue(forgotten),
      "continue.step: a promise is not allowed; allowed: a function",
    ],
    [
      "after(NaN)",
      (self) => self.after(Number.NaN, "t", init),
      "after.ms: NaN is not allowed; allowed: milliseconds",
    ],
    [
      "after, no label",
      (self) => self.after(5, init),
      "after.label: function init is not allowed; allowed: a text",
    ],
    [
      "after, no step",
      (self) => self.after(5, "t"),
      "after.step: undefined is not allowed; allowed: a function",
    ],
    [
      "timeout(-1)",
      (self) => self.timeout(-1),
      "timeout.ms: -1 is not allowed; allowed: milliseconds of 0 or more",
    ],
    [
      "timeout()",
      (self) => self.timeout(),
      "timeout.ms: undefined is not allowed; allowed: milliseconds of 0 or more",
    ],
    [
      "task of a promise",
      (self) => self.task("t", forgotten, init),
      "task.work: a promise is not allowed; allowed: a function",
    ],
    [
      "task, no end",
      (self) => self.task("t", init),
      "task.done: undefined is not allowed; allowed: a function",
    ],
    [
      "defer",
      (self) => self.defer(),
      'defer: "outside a call" is not allowed; allowed: within a call\'s handler, which returns it',
    ],
    [
      "spawn, no actor",
      (self) => self.spawn({ init }, []),
      "spawn.definition: an object is not allowed; allowed: a definition made by actor()",
    ],
    [
      "spawn, no args",
      (self) => self.spawn(probe),
      "spawn.args: undefined is not allowed; allowed: an array of start arguments",
    ],
    [
      "spawn, a typo",
      (self) => self.spawnLink(probe, [], { nmae: "x" }),
      'spawn.nmae: "x" is not allowed; allowed: one of name, label, onStart',
    ],
    [
      "spawn, no name",
      (self) => self.spawn(probe, [], { name: "" }),
      'spawn.name: "" is not allowed; allowed: a name',
    ],
    [
      "link",
      (self) => self.link("x"),
      'link.ref: "x" is not allowed; allowed: a ref of this system',
    ],
    ["link, another system's", (self) => self.link(other), `link.ref: ${stranger}`],
    [
      "unlink",
      (self) => self.unlink(undefined),
      "unlink.ref: undefined is not allowed; allowed: a ref of this system",
    ],
    [
      "monitor of a forgotten await",
      (self) => self.monitor(forgotten),
      "monitor.ref: a promise is not allowed; allowed: a ref of this system",
    ],
    ["monitor, another system's", (self) => self.monitor(other), `monitor.ref: ${stranger}`],
    [
      "demonitor of a ref",
      (self) => self.demonitor(self.ref),
      "demonitor.monitor: an object is not allowed; allowed: a monitor of its own",
    ],
    ["exit", (self) => self.exit(other, "kill"), `exit.ref: ${stranger}`],
    [
      "exit(ref)",
      (self) => self.exit(self.ref),
      `exit.reason: undefined is not allowed; allowed: ${REASONS}`,
    ],
    ["exited", (self) => self.exited({}), `exited.ref: ${stranger}`],
    [
      "emit",
      (self) => self.emit(null),
      "emit.event: null is not allowed; allowed: an object with a type",
    ],
    [
      "log",
      (self) => self.log("warning", "x"),
      'log.level: "warning" is not allowed; allowed: debug, info, warn, error',
    ],
    [
      "log, pino's order",
      (self) => self.log("info", {}, "x"),
      "log.message: an object is not allowed; allowed: a text",
    ],
    [
      "whereis, no definition",
      (self) => self.whereis("x"),
      "whereis.definition: undefined is not allowed; allowed: a definition made by actor()",
    ],
    [
      "callWithin, no time",
      (self) => self.ref.callWithin("log"),
      'timeoutMs: "log" is not allowed; allowed: milliseconds, or Infinity',
    ],
    [
      "callWithin, a text",
      (self) => self.ref.callWithin("5", "log"),
      'timeoutMs: "5" is not allowed; allowed: milliseconds, or Infinity',
    ],
  ])("%s ends that actor alone, with the line", async (_what, step, line) => {
    const world = scene();
    const [ref, sibling] = [world.spawn(probe), world.spawn(probe)];
    const ended = world.exited(ref);
    await world.within(ref, step);
    const { error } = (await ended) as { error: OptionError };
    expect(error).toBeInstanceOf(OptionError);
    expect(error.actor).toBe("probe");
    expect(error.message).toBe(`probe: ${line}`);
    sibling.send("still here");
    expect(await sibling.call("log")).toEqual(["still here"]);
    expect(world.faults).toEqual([]);
  });
});
