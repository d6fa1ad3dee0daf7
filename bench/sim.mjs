/**
 * How fast the simulator is, with every law watched: the time of one `check` with its defaults, and
 * its steps a second; best and median of five. And the hash of a trace, which must be the same on
 * every Node.
 *
 *     npm run bench -- sim            a table
 *     npm run bench -- sim --json     the same as one JSON object
 */
import { createHash } from "node:crypto";
import { consumerGroup } from "holdfast/kafka";
import { check, createWorld } from "holdfast/sim";

const ROUNDS = 5;
const tree = ({ kafka }) =>
  consumerGroup({
    groupId: "billing",
    topics: ["orders"],
    source: kafka,
    eachMessage: () => new Promise((resolve) => setTimeout(resolve, 2)),
  });
const topics = { orders: { partitions: 3 } };

const rounds = [];
for (let seed = 1; seed <= ROUNDS; seed++) {
  const began = performance.now();
  const { steps } = await check({ topics, tree, seed });
  const ms = performance.now() - began;
  rounds.push({ checkMs: Math.round(ms), stepsPerSecond: Math.round((steps / ms) * 1_000) });
}
const sorted = (name) => rounds.map((round) => round[name]).sort((a, b) => a - b);
const times = sorted("checkMs");
const speeds = sorted("stepsPerSecond").reverse();
const figures = {
  checkMs: { best: times[0], median: times[ROUNDS >> 1] },
  stepsPerSecond: { best: speeds[0], median: speeds[ROUNDS >> 1] },
  trace: { node: process.version, sha256: await traceHash() },
};
if (process.argv.includes("--json")) console.log(JSON.stringify(figures));
else console.table(figures);

async function traceHash() {
  const records = Array.from({ length: 30 }, (_, i) => ({ value: String(i), partition: i % 3 }));
  const orders = { partitions: 3, records };
  const world = await createWorld({
    ...{ topics: { orders }, tree, members: 3, strategy: "random", seed: 11 },
  });
  await world.advance(200);
  world.inject({ kind: "crash", process: "acker" });
  world.inject({ kind: "brokerRestart", ms: 300 });
  await world.settle();
  await world.stop();
  return createHash("sha256").update(world.trace()).digest("hex").slice(0, 16);
}
