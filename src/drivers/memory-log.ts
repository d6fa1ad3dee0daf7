/**
 * Why this exists: one partition of the in-memory Kafka. It keeps what makes a real log awkward:
 * offsets with holes (compaction, markers), a beginning that moves, an end beyond the last record.
 */
import { type Headers, type Message, type OutgoingMessage, partitionKey } from "../ports/record.ts";

/** What a record costs beyond its key, value and headers, as on a real broker. */
const RECORD_OVERHEAD_BYTES = 16;

export interface LogRead {
  readonly messages: readonly Message[];
  readonly nextOffset: number;
  readonly highWatermark: number;
}

interface Entry {
  readonly offset: number;
  readonly bytes: number;
  readonly message: Message;
}

export class MemoryLog {
  readonly topic: string;
  readonly partition: number;
  /** Long polls: each is called once when something was appended, and forgotten. */
  readonly #waiters = new Set<() => void>();
  #entries: Entry[] = [];
  #earliest = 0;
  #end = 0;

  constructor(topic: string, partition: number) {
    this.topic = topic;
    this.partition = partition;
  }

  get earliest(): number {
    return this.#earliest;
  }

  get end(): number {
    return this.#end;
  }

  holds(position: number): boolean {
    return position >= this.#earliest && position <= this.#end;
  }

  append(messages: readonly OutgoingMessage[], wallNowMs: number): number[] {
    const offsets: number[] = [];
    for (const message of messages) {
      const offset = this.#end++;
      const stored = toMessage(message, offset, wallNowMs);
      this.#entries.push({ offset, bytes: recordBytes(message), message: stored });
      offsets.push(offset);
    }
    this.#wake();
    return offsets;
  }

  /** Offsets that are used up and never delivered: transaction markers, aborted records. */
  appendControl(count: number): void {
    this.#end += count;
    this.#wake();
  }

  deleteRecords(before: number): void {
    if (before > this.#end) throw new TypeError(`${this.#name()}: ${before} is above the end`);
    if (before <= this.#earliest) return;
    this.#earliest = before;
    this.#entries = this.#entries.slice(this.#indexOf(before));
  }

  compact(keepOffset: (offset: number) => boolean): void {
    this.#entries = this.#entries.filter((entry) => keepOffset(entry.offset));
  }

  /** Null where there is nothing at or above `position` yet. */
  read(position: number, maxBytes: number): LogRead | null {
    if (position >= this.#end) return null;
    const messages: Message[] = [];
    let index = this.#indexOf(position);
    let bytes = 0;
    for (; index < this.#entries.length; index += 1) {
      const entry = this.#entries[index];
      if (entry === undefined || (messages.length > 0 && bytes + entry.bytes > maxBytes)) break;
      bytes += entry.bytes;
      messages.push(entry.message);
    }
    const last = messages.at(-1);
    const cut = index < this.#entries.length && last !== undefined;
    return {
      messages,
      nextOffset: cut ? Number(last.offset) + 1 : this.#end,
      highWatermark: this.#end,
    };
  }

  /** The offset of the first record at or above `offset` that the log still has. */
  nextRecord(offset: number): number | null {
    return this.#entries[this.#indexOf(offset)]?.offset ?? null;
  }

  /** As text; undefined: there is no such record, or none any more. */
  valueAt(offset: number): string | null | undefined {
    const entry = this.#entries[this.#indexOf(offset)];
    if (entry?.offset !== offset) return undefined;
    return entry.message.value?.toString() ?? null;
  }

  /** Calls `wake` at the next append; answers how to take that back. */
  wait(wake: () => void): () => void {
    this.#waiters.add(wake);
    return () => this.#waiters.delete(wake);
  }

  #wake(): void {
    const waiting = [...this.#waiters];
    this.#waiters.clear();
    for (const wake of waiting) wake();
  }

  /** The index of the first entry at or above `offset`, by bisection. */
  #indexOf(offset: number): number {
    let low = 0;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const entry = this.#entries[middle];
      if (entry !== undefined && entry.offset < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #name(): string {
    return partitionKey(this.topic, this.partition);
  }
}

/** What makes it none that a broker would take; null: nothing. */
export function whyNoRecord(message: unknown): string | null {
  if (typeof message !== "object" || message === null) return "a record is an object with a value";
  const { key, value, headers } = message as Partial<OutgoingMessage>;
  if (!isBytes(value) && value !== null) return "a record's value is a string, a Buffer or null";
  if (key !== undefined && key !== null && !isBytes(key)) return "a key is a string or a Buffer";
  for (const [name, header] of Object.entries(headers ?? {})) {
    const values: unknown[] = Array.isArray(header) ? header : [header];
    if (header !== undefined && !values.every(isBytes)) {
      return `the header ${name} is neither a string nor a Buffer`;
    }
  }
  return null;
}

const isBytes = (value: unknown): value is string | Buffer =>
  typeof value === "string" || value instanceof Uint8Array;

export function recordBytes(message: OutgoingMessage): number {
  let bytes = RECORD_OVERHEAD_BYTES + sizeOf(message.key) + sizeOf(message.value);
  for (const [name, value] of Object.entries(message.headers ?? {})) {
    const values = Array.isArray(value) ? value : [value];
    for (const each of values) bytes += Buffer.byteLength(name) + sizeOf(each);
  }
  return bytes;
}

const sizeOf = (part: Buffer | string | null | undefined): number =>
  part === null || part === undefined ? 0 : Buffer.byteLength(part);

const toBuffer = (part: Buffer | string | null | undefined): Buffer | null =>
  part === null || part === undefined ? null : Buffer.from(part);

/** Bytes are copied: what a sender does with its buffers later must not change the log. */
function toMessage(message: OutgoingMessage, offset: number, wallNowMs: number): Message {
  const stored: Message = {
    key: toBuffer(message.key),
    value: toBuffer(message.value),
    timestamp: message.timestamp ?? String(Math.floor(wallNowMs)),
    offset: String(offset),
    attributes: 0,
  };
  return message.headers === undefined
    ? stored
    : { ...stored, headers: copyHeaders(message.headers) };
}

/** A broker knows bytes only: a header that was a string is read back as a buffer. */
function copyHeaders(headers: Headers): Headers {
  const copied: Headers = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined) continue;
    copied[name] = Array.isArray(value)
      ? value.map((each) => Buffer.from(each))
      : Buffer.from(value);
  }
  return copied;
}
