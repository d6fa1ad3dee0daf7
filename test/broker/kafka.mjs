/** Why this exists: `npm run kafka [-- --port N]`, a broker in the foreground to try things. */
import { parseArgs } from "node:util";
import { KAFKA_VERSION, startKafka } from "./kafka-server.mjs";

const port = readPort();
let server;
let stopping = false;

for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => void shutDown());

try {
  server = await startKafka({ port });
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

function readPort() {
  try {
    const { values } = parseArgs({ options: { port: { type: "string", default: "9092" } } });
    const number = Number(values.port);
    if (Number.isInteger(number) && number > 0 && number < 65_536) return number;
    console.error(`--port takes a number from 1 to 65535, not "${values.port}"`);
  } catch (error) {
    console.error(`${error.message.split("\n")[0]} Usage: npm run kafka [-- --port N]`);
  }
  process.exit(2);
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
