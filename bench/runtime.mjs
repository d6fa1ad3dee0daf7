/**
 * The runtime beside its peers: all on the same work, interleaved, each run in a process of its own;
 * medians, and the ratio of holdfast's operations a second over the peer's in the same run.
 *
 *     npm run bench -- runtime                    a table
 *     npm run bench -- runtime --json             one JSON line for each workload and peer
 *     npm run bench -- runtime --quick            once, a fifth of the work
 *     npm run bench -- runtime --only cast,call   these workloads
 *
 * Peers that are not there are left out: `npm ci --prefix bench/peers` brings those on Node, and
 * `apt-get install erlang-base` Erlang/OTP.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";

const HERE = new URL("./peers/", import.meta.url).pathname;
const LIMIT_MS = 180_000;

/**
 * Workload to how often it is done. `needs`: the ratio that is aimed at, by peer; `most`: what
 * holdfast's own figures are to be at most. A skynet of a million would cost nact and effect minutes.
 */
const WORKLOADS = {
  cast: { count: 1_000_000, needs: { otp: 2, nact: 2, effect: 2, xstate: 1 } },
  call: { count: 200_000, needs: { otp: 3, nact: 2, effect: 2, xstate: 1, microtask: 0.7 } },
  ask: { count: 200_000, needs: { otp: 5, nact: 2, effect: 2, xstate: 1 } },
  pingpong: { count: 1_000_000, needs: { otp: 6, nact: 2, effect: 2, xstate: 1 } },
  ring: { count: 1_000_000, needs: { otp: 6, nact: 2, effect: 2, xstate: 1 } },
  fanin: { count: 1_000_000, needs: { otp: 4, nact: 2, effect: 2, xstate: 1 } },
  skynet: { count: 100_000, needs: { otp: 5, nact: 2, effect: 2, xstate: 1 } },
  skynet_1m: { count: 1_000_000, as: "skynet", needs: { otp: 5 }, peers: ["otp", "xstate"] },
  spawn: { count: 100_000, needs: { otp: 4, nact: 2, effect: 2, xstate: 1 } },
  restart: { count: 20_000, needs: { otp: 20, otp_loop: 2, nact: 2, effect: 2, xstate: 1 } },
  beside: { count: 2_000, needs: {}, most: { p99Us: 250 } },
  backlog: { count: 10_000_000, needs: {}, peers: [], most: { timerLateMs: 10 } },
};
/** What is compared with another workload of holdfast or a peer: the peer's name in the table. */
const OTHER = { microtask: ["holdfast", "microtask"], otp_loop: ["otp", "restart_loop"] };

const { values } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    quick: { type: "boolean", default: false },
    only: { type: "string" },
  },
  args: process.argv.slice(process.argv[2] === "runtime" ? 3 : 2),
});
const ROUNDS = values.quick ? 1 : 3;

const beams = mkdtempSync(join(tmpdir(), "holdfast-otp-"));
try {
  await main();
} finally {
  rmSync(beams, { recursive: true, force: true });
}

async function main() {
  const names = values.only?.split(",") ?? Object.keys(WORKLOADS);
  const unknown = names.find((name) => !Object.hasOwn(WORKLOADS, name));
  if (unknown !== undefined) {
    const allowed = Object.keys(WORKLOADS).join(", ");
    console.error(`bench: --only: ${JSON.stringify(unknown)} is not one; allowed: ${allowed}`);
    process.exitCode = 2;
    return;
  }
  const peers = peersThatAreThere();
  for (const name of names) for (const row of rowsOf(name, peers)) tell(row);
}

function peersThatAreThere() {
  const peers = [];
  if (hasErlang()) peers.push("otp");
  else note("no Erlang/OTP: apt-get install erlang-base");
  for (const name of ["nact", "effect", "xstate"]) {
    if (existsSync(join(HERE, "node_modules", name))) peers.push(name);
    else note(`no ${name}: npm ci --prefix bench/peers`);
  }
  return peers;
}

function hasErlang() {
  try {
    execFileSync("erlc", ["-o", beams, join(HERE, "erlang/holdfast_peer.erl")]);
    return true;
  } catch {
    return false;
  }
}

/** One workload on everybody, by turns, so that what else the machine does strikes all alike. */
function rowsOf(name, peers) {
  const { count: whole, as = name, needs, most, peers: wanted = peers } = WORKLOADS[name];
  const count = values.quick ? Math.max(1_000, whole / 5) : whole;
  const others = Object.keys(OTHER).filter((other) => {
    const [peer] = OTHER[other];
    return needs[other] !== undefined && (peer === "holdfast" || peers.includes(peer));
  });
  const all = ["holdfast", ...peers.filter((peer) => wanted.includes(peer)), ...others];
  const runs = new Map(all.map((peer) => [peer, []]));
  // Skynet is a power of ten.
  const amount = as === "skynet" ? whole : count;
  for (let round = 0; round < ROUNDS; round++) {
    for (const peer of all) {
      const [program, workload] = OTHER[peer] ?? [peer, as];
      const figures = run(program, workload, amount);
      if (figures !== null) runs.get(peer).push(figures);
    }
  }
  const own = medians(runs.get("holdfast"));
  return all.flatMap((peer) => {
    const figures = medians(runs.get(peer));
    if (figures.opsPerSecond === undefined) return [];
    const ratio = Math.round((own.opsPerSecond / figures.opsPerSecond) * 100) / 100;
    const goal = needs[peer] === undefined ? {} : { goal: needs[peer] };
    const limits = peer === "holdfast" && most !== undefined ? { most } : {};
    return [{ workload: name, peer, ...figures, ratio, ...goal, ...limits }];
  });
}

function run(program, workload, count) {
  const [command, args] =
    program === "otp"
      ? [
          "erl",
          ["+S", "1:1", "+P", "2000000", "-noshell", "-pa", beams, "-run", "holdfast_peer", "main"],
        ]
      : [process.execPath, ["--expose-gc", join(HERE, `${program}.mjs`)]];
  const { stdout, status, signal } = spawnSync(command, [...args, workload, String(count)], {
    encoding: "utf8",
    timeout: LIMIT_MS,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const line = stdout.trim().split("\n").at(-1) ?? "";
  if (status !== 0 || line === "") {
    note(`${program} ${workload}: no result (${signal ?? `exit ${status}`})`);
    return null;
  }
  const { peer: _peer, workload: _workload, none, ...figures } = JSON.parse(line);
  return none === true ? null : figures;
}

function medians(runs) {
  const names = Object.keys(runs[0] ?? {});
  return Object.fromEntries(
    names.map((name) => {
      const sorted = runs.map((figures) => figures[name]).sort((a, b) => a - b);
      return [name, sorted[sorted.length >> 1]];
    }),
  );
}

function tell(row) {
  if (values.json) {
    console.log(JSON.stringify(row));
    return;
  }
  const { workload, peer, opsPerSecond, cpuNsPerOp = "", ratio, goal, most = {}, ...more } = row;
  const rest = Object.entries(more).map(([name, value]) => {
    const limit = most[name];
    const missed = value > limit ? ", not reached" : "";
    return `${name} ${value}${limit === undefined ? "" : ` (aim ${limit}${missed})`}`;
  });
  const aim = goal === undefined ? "" : `(aim ${goal}${ratio < goal ? ", not reached" : ""})`;
  const cells = [
    ...[workload.padEnd(10), peer.padEnd(10)],
    ...[String(opsPerSecond).padStart(12), String(cpuNsPerOp).padStart(8), `${ratio}x`.padStart(9)],
  ];
  console.log([...cells, aim, ...rest].join("  "));
}

function note(text) {
  console.error(`bench: ${text}`);
}
