/** Promises 1, 2 and 8 where whole processes and the broker itself are lost. */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, inject, it } from "vitest";
import { holdfast, type Running } from "../support/command.ts";
import { type BrokerWorld, brokerWorld, sleep, until } from "./broker-world.ts";
import { describeGroup, startKafka } from "./kafka-server.mjs";

const LINES = fileURLToPath(new URL("./fixtures/lines.mjs", import.meta.url));

let world: BrokerWorld;
let folder: string;
let running: Running[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "holdfast-test-"));
});
afterEach(async () => {
  for (const { child } of running) child.kill("SIGKILL");
  await Promise.all(running.map(({ ended }) => ended));
  running = [];
  rmSync(folder, { recursive: true, force: true });
  await world.close();
});

function run(bootstrap: string, out: string, env: NodeJS.ProcessEnv, args: string[] = []): Running {
  const options = ["--brokers", bootstrap, "--group", world.groupId, "--topic", world.topic];
  const command = holdfast(["run", LINES, ...options, "--log-level", "warn", ...args], {
    env: { OUT: join(folder, out), ...env },
  });
  running.push(command);
  return command;
}

interface Line {
  readonly partition: number;
  readonly offset: number;
}

function linesOf(out: string): Line[] {
  let text = "";
  try {
    text = readFileSync(join(folder, out), "utf8");
  } catch {
    return [];
  }
  return text
    .split("\n")
    .slice(0, -1)
    .map((line) => {
      const [partition, offset] = line.split(" ");
      return { partition: Number(partition), offset: Number(offset) };
    });
}

const caughtUp = (end: number) => async (): Promise<boolean> =>
  (await world.committed()).every((offset) => offset === end);

/** What is missing, of `partitions` x `end` records. */
function missing(lines: readonly Line[], partitions: number, end: number): string[] {
  const seen = new Set(lines.map(({ partition, offset }) => `${partition}/${offset}`));
  const all: string[] = [];
  for (let p = 0; p < partitions; p++) for (let at = 0; at < end; at++) all.push(`${p}/${at}`);
  return all.filter((key) => !seen.has(key));
}

describe("real input", () => {
  it("of 40,000 lines comes out as it went in, while one in 500 fails the first time", async () => {
    const { bootstrap } = inject("kafka");
    world = await brokerWorld(bootstrap, 4);
    const input = join(folder, "input.txt");
    const lines = Array.from(
      { length: 40_000 },
      (_, i) => `line ${i} ${(i * 2_654_435_761) % 1_000_003}`,
    );
    writeFileSync(input, `${lines.join("\n")}\n`);
    await kcat([
      "-P",
      "-b",
      bootstrap,
      "-t",
      world.topic,
      "-X",
      "partitioner=murmur2_random",
      "-l",
      input,
    ]);
    const env = { FAIL_EVERY: "500", PLAIN: "yes" };
    const { ended } = run(bootstrap, "output.txt", env, ["--exit-when-idle", "--json"]);
    const { code, stdout, stderr } = await ended;
    expect({ code, stderr: code === 0 ? "" : stderr }).toEqual({ code: 0, stderr: "" });
    const output = readFileSync(join(folder, "output.txt"), "utf8").trimEnd().split("\n");
    expect(output.sort()).toEqual([...lines].sort());
    const totals = JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? "");
    expect(totals.crashes).toBeGreaterThanOrEqual(79);
    expect(totals.lag).toBe(0);
    const lags = await describeGroup({ bootstrap, group: world.groupId });
    const rows = lags.split("\n").filter((line) => line.includes(` ${world.topic} `));
    expect(rows).toHaveLength(4);
    for (const row of rows) expect(row.trim().split(/\s+/)[5]).toBe("0");
  });

  it("into a topic that does not exist is bad input", async () => {
    const { bootstrap } = inject("kafka");
    world = await brokerWorld(bootstrap, 1);
    const args = ["--brokers", bootstrap, "--group", "nobody", "--topic", "not-there"];
    const { code, stderr } = await holdfast(["run", LINES, ...args]).ended;
    expect(stderr).toMatch(/^holdfast: .*not-there.*\n$/);
    expect(code).toBe(2);
  });
});

describe("two processes", () => {
  it("of which one is killed: nothing lost, redelivered only from its committed offsets on", async () => {
    const { bootstrap } = inject("kafka");
    world = await brokerWorld(bootstrap, 4);
    for (const p of [0, 1, 2, 3]) await world.send(p, 1_000);
    const env = { DELAY_MS: "4" };
    const a = run(bootstrap, "a", env);
    await until(() => linesOf("a").length > 50);
    run(bootstrap, "b", env);
    await until(() => linesOf("b").length > 200);
    a.child.kill("SIGKILL");
    await a.ended;
    const before = await world.committed();
    const ofA = new Set(linesOf("a").map(({ partition }) => partition));
    await until(caughtUp(1_000), 90_000);
    const all = [...linesOf("a"), ...linesOf("b")];
    expect(missing(all, 4, 1_000)).toEqual([]);
    const seen = new Set<string>();
    for (const { partition, offset } of all) {
      const key = `${partition}/${offset}`;
      if (!seen.has(key)) seen.add(key);
      else {
        expect(ofA).toContain(partition);
        expect(offset).toBeGreaterThanOrEqual(before[partition] ?? 0);
      }
    }
  });

  it("of which one is stopped for longer than its session and wakes up: nothing of its old work counts", async () => {
    const { bootstrap } = inject("kafka");
    world = await brokerWorld(bootstrap, 2);
    for (const p of [0, 1]) await world.send(p, 1_500);
    const env = { DELAY_MS: "10" };
    const a = run(bootstrap, "a", env);
    await until(() => linesOf("a").length > 50);
    run(bootstrap, "b", env);
    await until(() => linesOf("b").length > 50);
    a.child.kill("SIGSTOP");
    const stopped = linesOf("a").length;
    await until(async () => (await world.members()).length === 1, 30_000);
    await sleep(1_000);
    const regressions = watch(world);
    a.child.kill("SIGCONT");
    await until(caughtUp(1_500), 90_000);
    expect(await regressions()).toEqual([]);
    expect(missing([...linesOf("a"), ...linesOf("b")], 2, 1_500)).toEqual([]);
    expect(linesOf("a").length).toBeGreaterThan(stopped);
  });
});

describe("a broker", () => {
  it("that is away for 15 s is waited for: the process stays up and goes on, nothing lost", async () => {
    const server = await startKafka({ dir: join(folder, "kafka") });
    const bootstrap = `127.0.0.1:${server.port}`;
    world = await brokerWorld(bootstrap, 3);
    for (const p of [0, 1, 2]) await world.send(p, 1_000);
    const a = run(bootstrap, "a", { DELAY_MS: "8" });
    await until(() => linesOf("a").length > 300);
    await server.kill();
    await sleep(15_000);
    expect(a.child.exitCode).toBeNull();
    const again = await startKafka({ port: server.port, dir: join(folder, "kafka") });
    try {
      await until(async () => {
        try {
          return await caughtUp(1_000)();
        } catch {
          return false;
        }
      }, 90_000);
      expect(missing(linesOf("a"), 3, 1_000)).toEqual([]);
      a.child.kill("SIGTERM");
      expect((await a.ended).code).toBe(0);
    } finally {
      await world.close();
      await again.stop();
    }
  });
});

function kcat(args: string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn("kcat", args, { stdio: ["ignore", "inherit", "inherit"] });
    child.on("error", () => reject(new Error("kcat is needed: apt-get install kcat")));
    child.on("close", (code) => (code === 0 ? resolve() : reject(new Error(`kcat: ${code}`))));
  });
}

/** The broker's offsets, read all the time; the answer lists those that went back. */
function watch(of: BrokerWorld): () => Promise<string[]> {
  const wrong: string[] = [];
  let on = true;
  const loop = (async () => {
    for (let last: number[] = []; on; await sleep(50)) {
      const now = await of.committed();
      for (const [p, offset] of now.entries()) {
        if (offset < (last[p] ?? -1)) wrong.push(`${p} went back to ${offset}`);
      }
      last = now;
    }
  })();
  return async () => {
    on = false;
    await loop;
    return wrong;
  };
}
