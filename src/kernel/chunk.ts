/**
 * Why this exists: where the messages of a long mailbox lie. Small chunks are pooled and given back,
 * so that a burst leaves but a few of them behind.
 */

export interface Chunk {
  readonly slots: unknown[];
  /** Where the oldest message in it begins, and where the next one will. */
  read: number;
  write: number;
  /** Whether a call was ever put into it. */
  asked: boolean;
  next: Chunk | null;
}

/** In slots. */
const SMALLEST = 128;
/** What V8 still keeps out of its young generation: a backlog of millions is then never copied. */
const LARGEST = 16_384;
const POOLED_MAX = 1024;

let pool: Chunk | null = null;
let pooled = 0;

/** The longer a mailbox, the larger its next one: millions are then not a hundred thousand objects. */
export function takeChunk(full: Chunk | null): Chunk {
  const chunk = full === null ? pool : null;
  if (chunk === null) {
    const size = full === null ? SMALLEST : Math.min(2 * full.slots.length, LARGEST);
    const slots: unknown[] = new Array(size);
    // Or V8 takes it for one of whole numbers, until the first message says otherwise.
    slots[0] = undefined;
    return { slots, read: 0, write: 0, asked: false, next: null };
  }
  pool = chunk.next;
  pooled--;
  chunk.next = null;
  return chunk;
}

export function giveBack(chunk: Chunk): void {
  if (pooled >= POOLED_MAX || chunk.slots.length > SMALLEST) return;
  chunk.read = 0;
  chunk.write = 0;
  chunk.asked = false;
  chunk.next = pool;
  pool = chunk;
  pooled++;
}

/** Gives the memory of past bursts back. */
export function emptyPool(): void {
  pool = null;
  pooled = 0;
}
