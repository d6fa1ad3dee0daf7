/**
 * Why this exists: `npm run kafka [-- --port N] [--topic NAME:PARTITIONS]…`, a broker in the
 * foreground to try things.
 */
import { parseArgs } from "node:util";
import { Kafka, logLevel } from "kafkajs";
import { KAFKA_VERSION, startKafka } from "./kafka-server.mjs";

const USAGE = "Usage: npm run kafka [-- --port N] [--topic NAME:PARTITIONS]";
const { port, topics } = readOptions();
let server;
let stopping = false;

for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => void shutDown());

console.log(`starting Apache Kafka ${KAFKA_VERSION}; the first time it is fetched (43 MB)`);
try {
  server = await startKafka({ port });
  await createTopics();
} catch (error) {
  if (!stopping) console.error(error.message);
  process.exit(stopping ? 0 : 1);
}
console.log(`Apache Kafka ${KAFKA_VERSION} on 127.0.0.1:${server.port}, Ctrl-C stops it`);
if (stopping) await stop();
await server.ended;
if (!stopping) {
  console.error("Apache Kafka ended by itself");
  process.exit(1);
}

function readOptions() {
  try {
    const { values } = parseArgs({
      options: {
        port: { type: "string", default: "9092" },
        topic: { type: "string", multiple: true, default: [] },
      },
    });
    const number = Number(values.port);
    if (!(Number.isInteger(number) && number > 0 && number < 65_536)) {
      bad(`--port takes a number from 1 to 65535, not "${values.port}".`);
    }
    return { port: number, topics: values.topic.map(readTopic) };
  } catch (error) {
    return bad(error.message.split("\n")[0]);
  }
}

function readTopic(given) {
  const [, topic, partitions] = /^([\w.-]+):(\d{1,4})$/.exec(given) ?? [];
  if (Number(partitions) > 0) return { topic, numPartitions: Number(partitions) };
  return bad(`--topic takes NAME:PARTITIONS, not "${given}".`);
}

function bad(line) {
  console.error(`${line} ${USAGE}`);
  process.exit(2);
}

async function createTopics() {
  if (topics.length === 0) return;
  const brokers = [`127.0.0.1:${server.port}`];
  const admin = new Kafka({ brokers, logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  await admin.createTopics({ topics, waitForLeaders: true });
  await admin.disconnect();
}

async function shutDown() {
  if (stopping) return;
  stopping = true;
  // Still starting: nothing is worth saving, and the child dies with this process.
  if (server === undefined) process.exit(0);
  await stop();
}

async function stop() {
  await server.stop();
  process.exit(0);
}
