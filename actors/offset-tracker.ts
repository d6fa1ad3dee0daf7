/**
 * Why this exists: the one decision everything else serves: up to where may a partition be
 * committed, and what must be handled again after a crash. Functions over plain data, no I/O.
 *
 * The window holds what was delivered and is not acked. The commit may go to the lowest unacked
 * offset or, when nothing is unacked, to the position after the last delivered batch: so gaps of
 * compaction, markers and aborted records never hold it, however large they are.
 */
import type { Batch, Message } from "../src/ports/record.ts";

/** The unacked rest of one batch. */
interface Segment {
  readonly first: number;
  readonly last: number;
  /** Null where the batch had no gaps: then an offset is an index. */
  offsets: number[] | null;
  /** Null: acked. */
  messages: (Message | null)[];
  /** No unacked message lies below this index. */
  low: number;
  unacked: number;
  /** Whether the messages are copies of ours, that pin no fetch response. */
  copied: boolean;
}

export interface OffsetWindow {
  /** Where the next batch is expected to begin. */
  position: number;
  /** Ascending; each has unacked messages. */
  segments: Segment[];
  unacked: number;
}

/** A batch's rest is copied out when this part of it, or less, is left. */
const COPY_AT = 1 / 4;

export const openWindow = (offset: number): OffsetWindow => ({
  position: offset,
  segments: [],
  unacked: 0,
});

/** Takes a batch in; what lies below the position has been delivered before and is left out. */
export function deliver(window: OffsetWindow, batch: Batch): void {
  if (batch.nextOffset <= window.position) return;
  const messages = batch.messages.filter((message) => Number(message.offset) >= window.position);
  window.position = batch.nextOffset;
  const first = messages[0];
  const last = messages.at(-1);
  if (first === undefined || last === undefined) return;
  const from = Number(first.offset);
  const to = Number(last.offset);
  window.unacked += messages.length;
  window.segments.push({
    first: from,
    last: to,
    offsets: to - from + 1 === messages.length ? null : messages.map((m) => Number(m.offset)),
    messages,
    low: 0,
    unacked: messages.length,
    copied: false,
  });
}

/** True when `offset` was delivered, and acked now for the first time. */
export function ack(window: OffsetWindow, offset: number): boolean {
  const at = segmentOf(window.segments, offset);
  const segment = window.segments[at];
  if (segment === undefined || offset > segment.last) return false;
  const index = indexOf(segment, offset);
  if ((segment.messages[index] ?? null) === null) return false;
  segment.messages[index] = null;
  segment.unacked--;
  window.unacked--;
  if (segment.unacked === 0) window.segments.splice(at, 1);
  else {
    while (segment.messages[segment.low] === null) segment.low++;
    if (!segment.copied && segment.unacked <= segment.messages.length * COPY_AT) copyOut(segment);
  }
  return true;
}

/** The offset that may be committed: everything below it is done. */
export function lowestUnacked(window: OffsetWindow): number {
  const segment = window.segments[0];
  if (segment === undefined) return window.position;
  return segment.offsets === null
    ? segment.first + segment.low
    : (segment.offsets[segment.low] ?? segment.first);
}

/** What a new incarnation has to handle, in order. */
export function unackedMessages(window: OffsetWindow): Message[] {
  const messages: Message[] = [];
  for (const segment of window.segments) {
    for (const message of segment.messages) if (message !== null) messages.push(message);
  }
  return messages;
}

/** The last segment that begins at or below `offset`; -1 if none does. */
function segmentOf(segments: readonly Segment[], offset: number): number {
  let low = 0;
  let high = segments.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((segments[middle]?.first ?? 0) <= offset) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

function indexOf({ first, offsets }: Segment, offset: number): number {
  if (offsets === null) return offset - first;
  let low = 0;
  let high = offsets.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((offsets[middle] ?? 0) < offset) low = middle + 1;
    else high = middle;
  }
  return offsets[low] === offset ? low : -1;
}

/** A message is a slice of its whole fetch response: 200 held records of 1 KB pin 209 MB. */
function copyOut(segment: Segment): void {
  const offsets: number[] = [];
  const messages: Message[] = [];
  for (const message of segment.messages) {
    if (message === null) continue;
    offsets.push(Number(message.offset));
    messages.push(copy(message));
  }
  segment.offsets = offsets;
  segment.messages = messages;
  segment.low = 0;
  segment.copied = true;
}

function copy(message: Message): Message {
  const { headers } = message;
  return {
    ...message,
    key: message.key === null ? null : Buffer.from(message.key),
    value: message.value === null ? null : Buffer.from(message.value),
    ...(headers === undefined ? {} : { headers: copyHeaders(headers) }),
  };
}

function copyHeaders(headers: NonNullable<Message["headers"]>): NonNullable<Message["headers"]> {
  const own = (value: Buffer | string): Buffer | string =>
    typeof value === "string" ? value : Buffer.from(value);
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => {
      if (value === undefined) return [name, value];
      return [name, Array.isArray(value) ? value.map(own) : own(value)];
    }),
  );
}
