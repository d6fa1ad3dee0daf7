/**
 * Why this exists: kafkajs's producer takes quadratic time in the size of a send, drops records for
 * a partition that does not exist, may place a keyless record anew when it tries again, and tells
 * only where each partition's run of records began. Here every record gets its place or an error.
 */
import { type ICustomPartitioner, type Kafka, Partitioners, type Producer } from "kafkajs";
import { DriverError } from "../ports/driver-error.ts";
import type { Sink } from "../ports/log-driver.ts";
import type { OutgoingMessage, Stored } from "../ports/record.ts";
import { failed, ok, type Result } from "../ports/result.ts";
import { QUICK_RETRY } from "./kafkajs-client.ts";
import { driverError, UnknownPartition } from "./kafkajs-errors.ts";

/** 10,000 records in one kafkajs send block the loop for 0.3 s, 40,000 for 13 s. */
const CHUNK = 1_000;
/** How long `close` waits for sends under way, in milliseconds. */
const CLOSE_MS = 5_000;

/** A producer, and what is under way on it. */
interface Connection {
  readonly producer: Producer;
  readonly ready: Promise<void>;
  /** Where the partitioner put a record, kept so that a second try puts it there again. */
  readonly placed: WeakMap<object, number>;
  readonly sends: Set<Promise<unknown>>;
}

export class KafkajsSink implements Sink {
  readonly #kafka: Kafka;
  readonly #signal: AbortSignal;
  readonly #abort = (): void => void this.#shut(0);
  #connection: Connection | null = null;
  #closed: Promise<void> | null = null;

  constructor(kafka: Kafka, signal: AbortSignal) {
    this.#kafka = kafka;
    this.#signal = signal;
    if (signal.aborted) this.#abort();
    else signal.addEventListener("abort", this.#abort, { once: true });
  }

  async send(
    topic: string,
    messages: readonly OutgoingMessage[],
  ): Promise<Result<Stored[], DriverError>> {
    const stored: Stored[] = [];
    for (let start = 0; start < messages.length; start += CHUNK) {
      const result = await this.#sendChunk(topic, messages.slice(start, start + CHUNK));
      if (!result.ok) return result;
      stored.push(...result.value);
    }
    return ok(stored);
  }

  close(): Promise<void> {
    return this.#shut(CLOSE_MS);
  }

  async #sendChunk(
    topic: string,
    messages: readonly OutgoingMessage[],
  ): Promise<Result<Stored[], DriverError>> {
    if (this.#closed !== null) return failed(closedError());
    const connection = this.#connection ?? this.#connect();
    this.#connection = connection;
    const sending = produce(connection, topic, messages);
    connection.sends.add(sending);
    try {
      return ok(await sending);
    } catch (error) {
      const problem = driverError(error, `Writing to ${topic}`);
      // kafkajs would ask for the metadata of a topic that is gone with every later send, to any
      // topic; and a producer that never connected does not try again.
      if (problem.code !== "record_too_large") this.#retire(connection);
      return failed(this.#closed === null ? problem : closedError(problem));
    } finally {
      connection.sends.delete(sending);
    }
  }

  #connect(): Connection {
    const placed = new WeakMap<object, number>();
    const producer = this.#kafka.producer({
      createPartitioner: sticky(placed),
      idempotent: false,
      allowAutoTopicCreation: false,
      retry: QUICK_RETRY,
    });
    return { producer, ready: producer.connect(), placed, sends: new Set() };
  }

  /** The next send makes a new connection; this one ends with what is under way on it. */
  #retire(connection: Connection): void {
    if (this.#connection === connection) this.#connection = null;
    void disconnect(connection, CLOSE_MS);
  }

  #shut(patienceMs: number): Promise<void> {
    this.#signal.removeEventListener("abort", this.#abort);
    if (this.#closed === null) {
      const connection = this.#connection;
      this.#connection = null;
      this.#closed = connection === null ? Promise.resolve() : disconnect(connection, patienceMs);
    }
    return this.#closed;
  }
}

async function produce(
  { producer, ready, placed }: Connection,
  topic: string,
  messages: readonly OutgoingMessage[],
): Promise<Stored[]> {
  await ready;
  // Copies, since one object may stand twice in a send and each has a place of its own.
  const records = messages.map((message) => ({ ...message }));
  const runs = await producer.send({ topic, messages: records, acks: -1 });
  const next = new Map(runs.map((run) => [run.partition, Number(run.baseOffset ?? -1)]));
  return records.map((record) => {
    const partition = placed.get(record) ?? -1;
    const offset = next.get(partition);
    if (offset === undefined) throw new Error(`No answer for partition ${partition} of ${topic}`);
    next.set(partition, offset + 1);
    return { topic, partition, offset };
  });
}

function sticky(placed: WeakMap<object, number>): ICustomPartitioner {
  return () => {
    const choose = Partitioners.DefaultPartitioner();
    const doubted = new WeakSet<object>();
    return (args) => {
      const { topic, message, partitionMetadata } = args;
      const partition = placed.get(message) ?? choose(args);
      if (!Number.isInteger(partition) || partition < 0 || partition >= partitionMetadata.length) {
        // Worth one try with fresh metadata: the partition may have been added lately.
        const first = !doubted.has(message);
        doubted.add(message);
        throw new UnknownPartition(topic, partition, first);
      }
      placed.set(message, partition);
      return partition;
    };
  };
}

async function disconnect({ producer, ready, sends }: Connection, patienceMs: number) {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const patience = new Promise((resolve) => {
    timer = setTimeout(resolve, patienceMs);
  });
  const settled = Promise.allSettled([ready, ...sends]);
  await Promise.race([settled, patience]);
  clearTimeout(timer);
  await producer.disconnect().catch(() => undefined);
}

const closedError = (cause?: unknown): DriverError =>
  new DriverError("closed", "The sink is closed", { retriable: false, cause });
