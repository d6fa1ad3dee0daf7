/**
 * How much a worker's crash costs, on a real Kafka that this program starts: the time from the
 * throw to the same record again, and the longest pause of the other partitions meanwhile.
 *
 *     npm run bench -- crash-gap            a table, best and median of five crashes
 *     npm run bench -- crash-gap --json     the same as one JSON object
 */
import { createSystem } from "holdfast";
import { consumerGroup, kafkajs } from "holdfast/kafka";
import { Kafka, logLevel, Partitioners } from "kafkajs";
import { startKafka } from "../test/broker/kafka-server.mjs";

const ROUNDS = 5;
const PARTITIONS = 3;
const RECORDS = 2_000;
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

const server = await startKafka();
try {
  report(await measure(`127.0.0.1:${server.port}`));
} finally {
  await server.stop();
}

async function measure(broker) {
  await fill(broker);
  const starts = [];
  const crashes = [];
  const system = createSystem({ logger: false });
  const rounds = Array.from({ length: ROUNDS }, (_, i) => 100 + i * 60);
  await system.start(
    consumerGroup({
      groupId: "bench",
      topics: ["bench"],
      source: kafkajs({ brokers: [broker] }),
      eachMessage: async ({ partition, message }) => {
        const at = performance.now();
        const offset = Number(message.offset);
        starts.push({ partition, offset, at });
        await sleep(5);
        if (partition !== 1 || offset !== rounds[crashes.length]) return;
        crashes.push({ offset, at: performance.now() });
        throw new Error("for the bench");
      },
    }),
  );
  while (starts.filter(({ partition }) => partition === 1).length < rounds.at(-1) + 100)
    await sleep(50);
  await system.stop();
  return crashes.map(({ offset, at }) => ({
    recoveryMs: starts.find((s) => s.partition === 1 && s.offset === offset && s.at > at).at - at,
    othersGapMs: Math.max(gap(starts, 0, at), gap(starts, 2, at)),
  }));
}

/** The longest time without a start of this partition, in the second around the crash. */
function gap(starts, partition, at) {
  const times = starts
    .filter((s) => s.partition === partition && Math.abs(s.at - at) < 500)
    .map((s) => s.at);
  return Math.max(...times.slice(1).map((time, i) => time - times[i]));
}

async function fill(broker) {
  const kafka = new Kafka({ brokers: [broker], logLevel: logLevel.NOTHING });
  const admin = kafka.admin();
  const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner });
  await Promise.all([admin.connect(), producer.connect()]);
  const topics = [{ topic: "bench", numPartitions: PARTITIONS }];
  await admin.createTopics({ topics, waitForLeaders: true });
  for (let partition = 0; partition < PARTITIONS; partition++) {
    const messages = Array.from({ length: RECORDS }, (_, i) => ({ value: `${i}`, partition }));
    await producer.send({ topic: "bench", messages });
  }
  await Promise.all([admin.disconnect(), producer.disconnect()]);
}

function report(rounds) {
  const figures = {};
  for (const name of ["recoveryMs", "othersGapMs"]) {
    const sorted = rounds.map((round) => round[name]).sort((a, b) => a - b);
    figures[name] = {
      best: round(sorted[0]),
      median: round(sorted[ROUNDS >> 1]),
      worst: round(sorted.at(-1)),
    };
  }
  if (process.argv.includes("--json")) console.log(JSON.stringify(figures));
  else console.table(figures);
}

function round(ms) {
  return Math.round(ms * 10) / 10;
}
