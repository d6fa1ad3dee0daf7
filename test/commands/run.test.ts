/** `holdfast run` as a shell sees it: lines, exit codes, totals. */
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { holdfast, until } from "../support/command.ts";

const fixture = (name: string): string =>
  fileURLToPath(new URL(`./fixtures/${name}`, import.meta.url));
const ORDERS = fixture("orders.mjs");
const lastLine = (text: string): string => text.trimEnd().split("\n").at(-1) ?? "";

describe("a run", () => {
  it("handles every record, commits it and leaves when idle", async () => {
    const run = holdfast(["run", ORDERS, "--exit-when-idle", "--json", "--log-level", "silent"]);
    const { code, stdout, stderr } = await run.ended;
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout.match(/^handled /gm)).toHaveLength(10);
    expect(JSON.parse(lastLine(stdout))).toMatchObject({
      handled: 10,
      acked: 10,
      crashes: 0,
      lag: 0,
    });
  });

  it("survives a handler that crashes now and then", async () => {
    const run = holdfast(["run", ORDERS, "--exit-when-idle", "--json"], { env: { MODE: "crash" } });
    const { code, stdout, stderr } = await run.ended;
    expect(code).toBe(0);
    expect(new Set(stdout.match(/^handled .*$/gm)).size).toBe(10);
    expect(JSON.parse(lastLine(stdout))).toMatchObject({
      crashes: 2,
      restarts: 2,
      acked: 10,
      lag: 0,
    });
    for (const line of stderr.trimEnd().split("\n")) expect(() => JSON.parse(line)).not.toThrow();
    expect(stderr).not.toContain("order 3");
  });

  it("without brokers says that its Kafka is an empty one in memory", async () => {
    const args = ["--group", "g", "--topic", "t", "--exit-when-idle", "--log-level", "warn"];
    const { code, stderr } = await holdfast(["run", fixture("plain.mjs"), ...args]).ended;
    expect(code).toBe(0);
    expect(JSON.parse(stderr).msg).toBe("no --brokers: running on an empty Kafka in memory");
  });

  it("takes the command line before the module's config", async () => {
    const env = { CONFIG: JSON.stringify({ topics: ["nowhere"] }) };
    const run = holdfast(["run", ORDERS, "--topic", "orders", "--exit-when-idle"], { env });
    expect((await run.ended).code).toBe(0);
  });

  it.each(["SIGTERM", "SIGINT"] as const)("ends in good order on %s", async (signal) => {
    const run = holdfast(["run", ORDERS, "--json", "--log-level", "silent"], {
      env: { MODE: "slow" },
    });
    await until(() => run.stdout().includes("handled"));
    run.child.kill(signal);
    const { code, stdout } = await run.ended;
    expect(code).toBe(0);
    const totals = JSON.parse(lastLine(stdout));
    expect(totals.lag).toBe(10 - totals.acked);
    expect(totals.acked).toBe(stdout.match(/^handled /gm)?.length);
    expect(totals.handled).toBe(totals.acked);
  });

  it("ends when told to while its module is still loading", async () => {
    const run = holdfast(["run", fixture("slow.mjs"), "--group", "g", "--topic", "t", "--json"]);
    await until(() => run.stderr().includes("loading"));
    run.child.kill("SIGTERM");
    const { code, stdout } = await run.ended;
    expect(code).toBe(0);
    expect(JSON.parse(lastLine(stdout))).toMatchObject({ handled: 0, lag: null });
  });

  it("exits with 1 when a record's restart budget is spent", async () => {
    const env = { MODE: "poison", CONFIG: JSON.stringify({ maxRestarts: 2 }) };
    const run = holdfast(["run", ORDERS, "--json", "--log-level", "error"], { env });
    const { code, stdout, stderr } = await run.ended;
    expect(code).toBe(1);
    expect(lastLine(stderr)).toEqual(
      expect.stringContaining("the group gave up: orders/1: HandlerError: handler of orders/1"),
    );
    expect(JSON.parse(lastLine(stdout))).toMatchObject({ crashes: 3 });
  });

  it("gives up on a broker that is not there after 10 s, with exit code 1", async () => {
    const args = ["--brokers", "127.0.0.1:1", "--group", "g", "--topic", "t"];
    const began = performance.now();
    const { code, stderr } = await holdfast(["run", fixture("plain.mjs"), ...args]).ended;
    expect(code).toBe(1);
    expect(lastLine(stderr)).toMatch(/^holdfast: .*127\.0\.0\.1:1.*no broker within 10 s/);
    expect(performance.now() - began).toBeLessThan(20_000);
  });
});

describe("bad input", () => {
  const base = ["--group", "g", "--topic", "t"];
  const cases: [string, string[], RegExp, object?][] = [
    ["an unknown command", ["walk"], /"walk" is not a command; allowed: run, sim, demo/],
    ["no module", ["run"], /run needs a module/],
    ["two modules", ["run", "a.mjs", "b.mjs"], /takes one module.*b\.mjs/],
    [
      "an unknown option",
      ["run", ORDERS, "--colour"],
      /--colour is not an option; allowed: --brokers/,
    ],
    ["an option without a value", ["run", ORDERS, "--group"], /--group has no value/],
    ["an option in place of a value", ["run", ORDERS, "--topic", "--json"], /--topic has no value/],
    [
      "a malformed broker",
      ["run", fixture("plain.mjs"), ...base, "--brokers", "localhost"],
      /--brokers: "localhost" is not allowed; allowed: host:port/,
    ],
    [
      "a port out of range",
      ["run", fixture("plain.mjs"), ...base, "--brokers", "h:70000"],
      /"h:70000".*1 to 65535/,
    ],
    ["a missing group", ["run", fixture("plain.mjs"), "--topic", "t"], /--group is missing/],
    ["a missing topic option", ["run", fixture("plain.mjs"), "--group", "g"], /--topic is missing/],
    ["an unknown start", ["run", ORDERS, "--from", "middle"], /--from: "middle".*earliest, latest/],
    ["an unknown log level", ["run", ORDERS, "--log-level", "loud"], /--log-level: "loud".*trace/],
    ["a module that is not there", ["run", "gone.mjs"], /gone\.mjs does not exist/],
    [
      "a module that cannot be parsed",
      ["run", fixture("broken.mjs")],
      /broken\.mjs could not be loaded: SyntaxError/,
    ],
    [
      "a module without a handler",
      ["run", fixture("no-handler.mjs")],
      /does not export one handler/,
    ],
    [
      "a module with two handlers",
      ["run", fixture("two-handlers.mjs")],
      /does not export one handler/,
    ],
    ["a module of another kind", ["run", "README.md"], /cannot be loaded; allowed: .*\.mjs/],
    [
      "a negative prefetch",
      ["run", ORDERS],
      /prefetchCount: -1 is not allowed/,
      { prefetchCount: -1 },
    ],
    [
      "an unknown policy",
      ["run", ORDERS],
      /offsetResetPolicy: "hope".*reset_to_earliest/,
      { offsetResetPolicy: "hope" },
    ],
    ["an unknown config option", ["run", ORDERS], /unknown option "prefetch"/, { prefetch: 1 }],
    ["a topic that is missing", ["run", ORDERS], /nowhere/, { topics: ["nowhere"] }],
  ];

  it.each(cases)("of %s is one clear line and exit code 2", async (_what, args, line, config) => {
    const env = config === undefined ? {} : { CONFIG: JSON.stringify(config) };
    const { code, stdout, stderr } = await holdfast(args, { env }).ended;
    expect(stderr).toMatch(line);
    expect(stderr.trimEnd().split("\n")).toHaveLength(1);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  });

  it("of TypeScript on a Node that cannot load it is one clear line", async () => {
    const { code, stderr } = await holdfast([
      "run",
      fixture("typed.ts"),
      ...base,
      "--exit-when-idle",
    ]).ended;
    const features = process.features as { typescript?: string | false };
    if (features.typescript) expect(code).toBe(0);
    else {
      expect(stderr).toMatch(/typed\.ts is TypeScript, which Node .* cannot load/);
      expect(code).toBe(2);
    }
  });
});
