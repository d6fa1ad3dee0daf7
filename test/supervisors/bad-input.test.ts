/**
 * Why this exists: a wrong option or child specification is told to whoever gave it, by one line
 * that says where it stands, what was given and what is allowed. Whatever runs already goes on.
 */
import { describe, expect, it } from "vitest";
import { actor } from "../../src/kernel/actor.ts";
import { OptionError } from "../../src/kernel/errors.ts";
import { partitionFor, partitionSupervisor } from "../../supervisors/partition-supervisor.ts";
import { StartError } from "../../supervisors/start-error.ts";
import { dynamicSupervisor, supervisor } from "../../supervisors/supervisor.ts";
import { createSystem } from "../../supervisors/system.ts";
import { runTask, startTask } from "../../supervisors/task.ts";
import { childRef, harness, part, spec } from "./harness.ts";

// biome-ignore lint/suspicious/noExplicitAny: as JavaScript sees it
type Any = any;
const any = (value: unknown): Any => value;
const not = "is not allowed; allowed:";
const FIELDS =
  "one of id, start, args, name, restart, shutdownMs, type, significant, backoff, budget";
const DEFINITION = "a definition made by actor()";
const REASONS = "a text, { shutdown } or { error }";
const forgotten = Promise.resolve();
const prices = { name: "prices", partitions: 4, start: part, args: () => [{}] };

/** Specifications, by what is wrong with them: the line without its path. */
const SPECS: [unknown, string][] = [
  [{ id: "" }, `.id: "" ${not} a name`],
  [{ id: 5 }, `.id: 5 ${not} a name`],
  [{ start: { init: () => 1 } }, `.start: an object ${not} ${DEFINITION}`],
  [{ start: forgotten }, `.start: a promise ${not} ${DEFINITION}`],
  [{ start: class Worker {} }, `.start: function Worker ${not} ${DEFINITION}`],
  [{ args: undefined }, `.args: undefined ${not} an array of start arguments`],
  [{ args: "one" }, `.args: "one" ${not} an array of start arguments`],
  [{ name: "" }, `.name: "" ${not} a name`],
  [{ restart: "always" }, `.restart: "always" ${not} "permanent", "transient" or "temporary"`],
  [{ restart: null }, `.restart: null ${not} "permanent", "transient" or "temporary"`],
  [{ shutdownMs: "5" }, `.shutdownMs: "5" ${not} milliseconds, "brutal_kill" or "infinity"`],
  [{ type: "boss" }, `.type: "boss" ${not} "worker" or "supervisor"`],
  [
    { significant: "yes" },
    `.significant: "yes" ${not} true of a transient or a temporary child alone`,
  ],
  [{ backoff: null }, `.backoff: null ${not} an object`],
  [{ backoff: { minMs: "1", maxMs: 2 } }, `.backoff: an object ${not} 0 <= minMs <= maxMs`],
  [{ backoff: { min: 1, maxMs: 2 } }, `.backoff.min: 1 ${not} one of minMs, maxMs`],
  [{ budget: 5 }, `.budget: 5 ${not} an object`],
  [{ budget: { restarts: "5" } }, `.budget: an object ${not} restarts of 0 or more`],
  [{ budget: { restart: 5 } }, `.budget.restart: 5 ${not} one of restarts, progress`],
  [{ budget: { restarts: 5, progress: 1 } }, `.budget.progress: 1 ${not} a function`],
  [{ shutdown: 5 }, `.shutdown: 5 ${not} ${FIELDS}`],
];
const wrong = (fields: unknown): Any => ({ ...spec("b"), ...any(fields) });

const SPEC = "a child specification, as child({ id, start, args })";

describe("a child specification", () => {
  it.each([...SPECS, [null, ""]])("%j is told to whoever gave it", async (fields, line) => {
    const { system, supervise } = harness();
    const given = fields === null ? null : wrong(fields);
    const rest = fields === null ? `: null ${not} ${SPEC}` : line;
    const sup = await supervise({ children: [spec("a")] });
    const a = await childRef(sup, "a");

    await expect(sup.call("startChild", given)).rejects.toMatchObject({
      code: "refused",
      message: `call "startChild" to supervisor was refused: OptionError: supervisor: spec${rest}`,
      cause: { actor: "supervisor" },
    });
    const failing = supervise({ children: [spec("a"), given] });
    await expect(failing).rejects.toMatchObject({
      name: "StartError",
      message: `supervisor-2 did not start: OptionError: supervisor-2: children[1]${rest}`,
    });
    if (fields !== null) {
      const started = system.start(given);
      await expect(started).rejects.toThrow(OptionError);
      await expect(started).rejects.toThrow(`system: spec${rest}`);
    }
    expect(await a.call("ping")).toBe("pong");
    expect(await sup.call("countChildren")).toMatchObject({ specs: 1, active: 1 });
  });

  it("may inherit its fields", async () => {
    const { supervise } = harness();
    const sup = await supervise({ children: [Object.create(spec("a"))] });
    expect(await sup.call("startChild", Object.create(spec("b")))).toMatchObject({
      status: "started",
    });
    expect(await sup.call("countChildren")).toMatchObject({ specs: 2, active: 2 });
  });

  it("is copied: whoever made it may go on with it", async () => {
    const { supervise, settle } = harness();
    const seen: unknown[] = [];
    const start = actor({
      init: (_self, what: string) => void seen.push(what),
      casts: {
        crash: () => {
          throw new Error("crash");
        },
      },
    });
    const mine = { id: "a", start, args: ["mine"], budget: { restarts: 5 } };
    const sup = await supervise({ children: [mine] });
    mine.args[0] = "theirs";
    mine.budget.restarts = 0;
    (await childRef(sup, "a")).cast("crash");
    await settle();
    expect(seen).toEqual(["mine", "mine"]);
  });

  it.each<[string, unknown]>([
    ["a definition", part],
    ["a ref", {}],
    ["a function", () => {}],
  ])("is not %s", async (_what, given) => {
    const { supervise } = harness();
    const sup = await supervise({});
    const line = "spec: .* is not allowed; allowed: a child specification, as child\\(";
    const asked = sup.call("startChild", given as never);
    await expect(asked).rejects.toThrow(new RegExp(line));
    expect(sup.alive).toBe(true);
  });

  it("needs a definition, and not what looks like half of one", async () => {
    const { supervise } = harness();
    const sup = await supervise({ children: [spec("a")] });
    const half = { name: "half", handlers: { init: () => ({}) } };
    const asked = sup.call("startChild", spec("b", {}, { start: half } as never));
    await expect(asked).rejects.toThrow("spec.start: an object is not allowed");
    expect(sup.alive).toBe(true);
  });

  it("may be frozen", async () => {
    const { supervise } = harness();
    const sup = await supervise(Object.freeze({ children: Object.freeze([spec("a")]) }));
    expect(await sup.call("startChild", Object.freeze(spec("b")))).toMatchObject({
      status: "started",
    });
  });
});

describe("a supervisor", () => {
  const NAMES = "intensity, periodMs, strategy, children, autoShutdown";
  it.each<[unknown, string]>([
    [undefined, `options: undefined ${not} an object`],
    [{ intesity: 3 }, `intesity: 3 ${not} one of ${NAMES}`],
    [{ intensity: "3" }, `intensity: "3" ${not} a whole number from 0`],
    [{ periodMs: "5" }, `periodMs: "5" ${not} milliseconds above 0`],
    [{ children: {} }, `children: an object ${not} an array of child specifications`],
    [{ children: null }, `children: null ${not} an array of child specifications`],
  ])("%j", async (options, line) => {
    const failing = harness().system.start(supervisor, any(options));
    await expect(failing).rejects.toThrow(StartError);
    await expect(failing).rejects.toThrow(
      `supervisor did not start: OptionError: supervisor: ${line}`,
    );
  });

  it("without an order takes no children beforehand", async () => {
    const failing = harness().dynamic(any({ children: [] }));
    await expect(failing).rejects.toThrow(`children: [] ${not} one of intensity, periodMs`);
  });

  it("outlives a child that tries to end with no reason, or to log at no level", async () => {
    const { system, supervise, faults, settle } = harness();
    const clumsy = (step: (self: Any) => unknown) => spec("b", { init: step });
    const sup = await supervise({ children: [spec("a")] });
    for (const step of [(self: Any) => self.stop(5), (self: Any) => self.log("warning", "x")]) {
      const result = await sup.call("startChild", clumsy(step));
      expect(result).toMatchObject({ reason: { error: { name: "OptionError", actor: "b" } } });
    }
    await sup.call("startChild", spec("c", {}, { restart: "transient" }));
    (await childRef(sup, "c")).cast("stop", any(5));
    await settle();
    expect([await (await childRef(sup, "a")).call("ping"), faults]).toEqual(["pong", []]);
    expect(system.tree().children).toHaveLength(1);
  });

  it("of two of one name the second alone fails", async () => {
    const { system, supervise } = harness();
    const sup = await supervise({ children: [spec("a", {}, { name: "one" })] });
    const again = spec("b", {}, { name: "one" });
    const reason = "already_started: one";
    expect(await sup.call("startChild", again)).toEqual({ status: "failed", reason });
    await expect(system.start(again)).rejects.toThrow(`b did not start: ${reason}`);
    expect(await system.whereis("one", part)?.call("ping")).toBe("pong");
  });
});

describe("a system", () => {
  const { system } = harness();
  it.each<[string, () => unknown, string]>([
    ["createSystem(null)", () => createSystem(any(null)), `options: null ${not} an object`],
    [
      "createSystem, a typo",
      () => createSystem(any({ loger: false })),
      `loger: false ${not} one of name, host, logger, longHandlerMs`,
    ],
    ["createSystem, a name", () => createSystem({ name: "" }), `name: "" ${not} a name`],
    [
      "createSystem, a logger",
      () => createSystem(any({ logger: { info() {}, error() {} } })),
      `logger.debug: undefined ${not} a function`,
    ],
    [
      "createSystem, true",
      () => createSystem(any({ logger: true })),
      `logger: true ${not} an object with debug, info, warn, error`,
    ],
    [
      "createSystem, a host",
      () => createSystem(any({ host: {} })),
      `host.now: undefined ${not} a function`,
    ],
    ["start()", () => any(system).start(), `system: start: undefined ${not} ${DEFINITION}`],
    [
      "start, options",
      () => system.start(any({ init: () => 1 })),
      `system: start: an object ${not} ${DEFINITION}`,
    ],
    [
      "start, a promise",
      () => system.start(any(forgotten)),
      `system: start: a promise ${not} ${DEFINITION}`,
    ],
    [
      "start, too much",
      () => any(system).start(spec("a"), 1),
      `system: start: [1] ${not} no arguments beside a specification`,
    ],
    [
      "exit",
      () => system.exit(any("x"), "kill"),
      `system: exit.ref: "x" ${not} a ref of this system`,
    ],
    [
      "exit, no reason",
      () => any(system).exit(system.processes()[0]),
      `system: exit.reason: undefined ${not} ${REASONS}`,
    ],
    [
      "exited, another's",
      () => system.exited(any(harness().system.processes()[0])),
      `system: exited.ref: an object ${not} a ref of this system`,
    ],
    [
      "observe",
      () => system.observe(any(undefined)),
      `system: listener: undefined ${not} a function`,
    ],
    [
      "observe, a type",
      () => system.observe(() => {}, any("exited")),
      `system: types: "exited" ${not} an array of event types`,
    ],
    [
      "whereis",
      () => any(system).whereis("x"),
      `system: whereis.definition: undefined ${not} ${DEFINITION}`,
    ],
    [
      "partitions",
      () => partitionSupervisor(any({ ...prices, partition: 4 })),
      `partition: 4 ${not} one of name, partitions, start, args, intensity, periodMs, strategy, ` +
        "autoShutdown",
    ],
    [
      "partitions, args",
      () => partitionSupervisor(any({ ...prices, args: [] })),
      `prices: args: [] ${not} a function`,
    ],
    [
      "partitionFor, a key",
      () => partitionFor(system, any(prices), any({})),
      `prices: key: an object ${not} a text or a number`,
    ],
    [
      "partitionFor, a specification",
      () => partitionFor(system, any(spec("prices", {}, { name: "prices" })), "k"),
      `prices: partitions: undefined ${not} a whole number from 1`,
    ],
  ])("%s", async (_what, attempt, line) => {
    const failing = (async () => attempt())();
    await expect(failing).rejects.toThrow(OptionError);
    await expect(failing).rejects.toMatchObject({ message: line });
  });

  it("starts no task of what is none", async () => {
    const tasks = await system.start(dynamicSupervisor);
    const [ref, label] = [`supervisor: an object ${not} a ref`, `label: "" ${not} a name`];
    await expect(runTask(any({}), () => 1)).rejects.toMatchObject({ message: ref });
    await expect(startTask(tasks, () => 1, { label: "" })).rejects.toMatchObject({
      message: label,
    });
    for (const run of [runTask, startTask]) {
      const work = `work: a promise ${not} a function`;
      await expect(run(tasks, any(forgotten))).rejects.toMatchObject({ message: work });
      await expect(run(tasks, () => 1, any({ timeout: 5 }))).rejects.toThrow(/^timeout: 5 is/);
    }
    await expect(runTask(tasks, () => 1, any({ timeoutMs: "5" }))).rejects.toThrow(/^timeoutMs: /);
    expect(await tasks.call("countChildren")).toMatchObject({ specs: 0 });
  });

  it("draws its tree whatever an actor says of itself", async () => {
    const odd = [() => undefined, async () => Promise.reject(new Error("x")), () => [1]];
    const known = harness().system;
    for (const says of odd) {
      await known.start(actor({ name: "odd", init: () => 1, describe: any(says) }));
    }
    await known.start(actor({ init: () => 1, describe: () => any({ at: Symbol("s") }) }));
    const lines = String(known.tree());
    for (const given of ["undefined", "a promise", "[1]"]) {
      expect(lines).toContain(`describe: ${given} ${not} an object`);
    }
    expect(lines).toContain("at Symbol(s)");
  });
});
