/**
 * The runtime beside its peers: all on the same work, by turns, each run in a process of its own;
 * medians, and the ratio of holdfast's operations a second over the peer's. That is the median of the
 * ratios of each two runs, one right after the other: what else the machine does strikes both.
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
/** Runs of each peer: as many as there is time for. */
const ROUNDS = values.quick ? { least: 1, most: 1, ms: 0 } : { least: 3, most: 9, ms: 12_000 };

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

/** One workload on everybody. */
function rowsOf(name, peers) {
  const { count: whole, as = name, needs, most, peers: wanted = peers } = WORKLOADS[name];
  const count = values.quick ? Math.max(1_000, whole / 5) : whole;
  // Skynet is a power of ten.
  const amount = as === "skynet" ? whole : count;
  const others = Object.keys(OTHER).filter((other) => {
    const [peer] = OTHER[other];
    return needs[other] !== undefined && (peer === "holdfast" || peers.includes(peer));
  });
  const own = [];
  const rows = [];
  for (const peer of [...peers.filter((peer) => wanted.includes(peer)), ...others]) {
    const pairs = byTurns(OTHER[peer] ?? [peer, as], as, amount);
    if (pairs.length === 0) continue;
    own.push(...pairs.map(({ ours }) => ours));
    const ratios = pairs.map(({ ours, its }) => ({ x: ours.opsPerSecond / its.opsPerSecond }));
    const ratio = Math.round(medians(ratios).x * 100) / 100;
    const goal = needs[peer] === undefined ? {} : { goal: needs[peer] };
    rows.push({ workload: name, peer, ...medians(pairs.map(({ its }) => its)), ratio, ...goal });
  }
  // Alone: nobody has this workload, or no peer is there.
  for (let i = 0; rows.length === 0 && i < ROUNDS.least; i++) own.push(runOwn(as, amount));
  const limits = most === undefined ? {} : { most };
  return [{ workload: name, peer: "holdfast", ...medians(own), ratio: 1, ...limits }, ...rows];
}

/** Holdfast and a peer; none where the peer has no such workload. */
function byTurns([program, workload], as, amount) {
  const pairs = [];
  const began = performance.now();
  const isOver = () => pairs.length >= ROUNDS.least && performance.now() - began > ROUNDS.ms;
  while (pairs.length < ROUNDS.most && !isOver()) {
    // Each is first as often as second.
    const ours = pairs.length % 2 === 0 ? runOwn(as, amount) : null;
    const its = run(program, workload, amount);
    if (its === null) break;
    pairs.push({ its, ours: ours ?? runOwn(as, amount) });
  }
  return pairs;
}

function runOwn(workload, count) {
  const figures = run("holdfast", workload, count);
  if (figures === null) throw new Error(`holdfast has failed at ${workload}`);
  return figures;
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
