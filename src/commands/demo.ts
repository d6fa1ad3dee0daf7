/**
 * Why this exists: `holdfast demo`, the main job with nothing installed: two members of one group
 * on the Kafka in memory, a handler that crashes now and then, and a ledger that trusts nobody.
 */
import { readFileSync } from "node:fs";
import type { EachMessagePayload } from "../../actors/handler.ts";
import { consumerGroup } from "../../supervisors/consumer-group.ts";
import { createSystem, type System } from "../../supervisors/system.ts";
import { type MemoryKafka, memoryKafka } from "../drivers/memory-kafka.ts";
import { nodeHost } from "../node/node-host.ts";
import { readArguments } from "./arguments.ts";
import { BAD_INPUT, CommandError, FAILED } from "./command-error.ts";
import { createLedger, type Ledger } from "./demo-ledger.ts";
import { printProgress, printSummary } from "./demo-report.ts";

export const DEMO_USAGE = `holdfast demo [options]

  Two members of one group, on a Kafka in memory, with a handler that crashes now and then.

  --file PATH               the lines of a file instead of generated orders
  --json                    only one JSON object, as the last line on stdout
  
  Exit 0 only if nothing was lost, no commit went back or past an unacked record, and no lag is left.`;

const TOPIC = "orders";
const GROUP = "billing";
const PARTITIONS = 4;
const ORDERS = 4_000;
/** One record in so many fails the first time it is handled. */
const CRASH_ONE_IN = 250;
/** Pauses of the handlers, each a few milliseconds: so that the demo takes about ten seconds. */
const PAUSES = 1_500;
const LIMIT_MS = 60_000;

export async function demo(args: string[]): Promise<void> {
  const given = readArguments(args, { file: { type: "string" }, json: { type: "boolean" } });
  if (given.positionals.length > 0) {
    throw new CommandError(
      BAD_INPUT,
      `demo takes no ${given.positionals[0]}; allowed: options only`,
    );
  }
  const values = valuesOf(given.text("file"));
  const quiet = given.flag("json");
  const kafka = memoryKafka({ topics: { [TOPIC]: { partitions: PARTITIONS } } });
  for (const [i, value] of values.entries()) kafka.append(TOPIC, i % PARTITIONS, [{ value }]);
  const ledger = createLedger(kafka, { topic: TOPIC, partitions: PARTITIONS, groupId: GROUP });
  const system = createSystem({ name: "demo", logger: false });
  system.observe(() => ledger.restarted(), ["restarting"]);

  await join(system, kafka, ledger, "billing-1", values.length);
  const began = performance.now();
  let second = false;
  while (ledger.lag() > 0 && performance.now() - began < LIMIT_MS) {
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    if (!quiet) printProgress(system, ledger, performance.now() - began);
    if (!second) await join(system, kafka, ledger, "billing-2", values.length);
    second = true;
  }
  await system.stop();
  const totals = ledger.totals();
  if (quiet) console.log(JSON.stringify(totals));
  else printSummary(totals);
  const { lost, commitRegressions, commitsPastUnacked, lag } = totals;
  if (lost + commitRegressions + commitsPastUnacked + lag > 0) {
    throw new CommandError(FAILED, "a promise was broken: see the figures above");
  }
}

function valuesOf(path: string | undefined): string[] {
  if (path === undefined) {
    return Array.from({ length: ORDERS }, (_, i) =>
      JSON.stringify({ order: i, amount: (i * 7) % 100 }),
    );
  }
  try {
    const lines = readFileSync(path, "utf8").split("\n");
    if (lines.at(-1) === "") lines.pop();
    return lines;
  } catch (error) {
    const { code = "unreadable" } = error as NodeJS.ErrnoException;
    throw new CommandError(
      BAD_INPUT,
      `--file: ${path} cannot be read (${code}); allowed: a text file`,
    );
  }
}

async function join(
  system: System,
  source: MemoryKafka,
  ledger: Ledger,
  name: string,
  records: number,
): Promise<void> {
  const pauseEvery = Math.max(1, Math.floor(records / PAUSES));
  const eachMessage = async ({ partition, message }: EachMessagePayload): Promise<void> => {
    const offset = Number(message.offset);
    if (offset % pauseEvery === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    const first = ledger.started(partition, offset);
    if (first && nodeHost.choose(CRASH_ONE_IN) === 0) {
      ledger.crashed();
      throw new Error("the card reader is on fire");
    }
    ledger.done(partition, offset);
  };
  const group = { groupId: GROUP, topics: [TOPIC], source, name, eachMessage };
  await system.start(consumerGroup(group));
}
