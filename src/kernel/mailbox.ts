/**
 * Why this exists: the queue in front of every process. It is the hottest code there is, so a
 * message has no object of its own: it is four slots. The first one waiting lies in the mailbox
 * itself, which is all that most processes ever need; more go into chunks that are pooled and
 * given back, so that a burst leaves no memory behind.
 */

/** What a message is for. */
export const CAST = 0;
export const CALL = 1;
export const INFO = 2;
export const EXIT = 3;
export const RUN = 4;
export const INIT = 5;
export type Kind = 0 | 1 | 2 | 3 | 4 | 5;
export const KIND_NAMES = ["cast", "call", "info", "exit", "run", "init"] as const;

/** The slots of one message. `body`: arguments, message or function; `extra`: the call or null. */
export interface Letter {
  kind: Kind;
  name: string;
  body: unknown;
  extra: unknown;
}

const SLOTS = 4;
const CHUNK = 32 * SLOTS;
/**
 * The longer a mailbox, the larger its next chunk, up to what V8 keeps out of its young generation:
 * a backlog of millions is then neither copied nor a hundred thousand objects.
 */
const CHUNK_MAX = 4_096 * SLOTS;
const POOLED_MAX = 1024;

interface Chunk {
  readonly slots: unknown[];
  next: Chunk | null;
}

let pool: Chunk | null = null;
let pooled = 0;

function takeChunk(size: number): Chunk {
  const chunk = size === CHUNK ? pool : null;
  if (chunk === null) return { slots: new Array(size).fill(undefined), next: null };
  pool = chunk.next;
  pooled--;
  chunk.next = null;
  return chunk;
}

function giveBack(chunk: Chunk): void {
  if (pooled >= POOLED_MAX || chunk.slots.length > CHUNK) return;
  chunk.next = pool;
  pool = chunk;
  pooled++;
}

/** Gives the memory of past bursts back. */
export function emptyPool(): void {
  pool = null;
  pooled = 0;
}

/** A process extends this rather than holding one: one object per process instead of two. */
export class Mailbox {
  /** How many messages wait. */
  waiting = 0;
  #inline = false;
  #kind: Kind = CAST;
  #name = "";
  #body: unknown = undefined;
  #extra: unknown = null;
  #head: Chunk | null = null;
  #tail: Chunk | null = null;
  #read = 0;
  #write = 0;
  /** Older than everything else: see `keep`. */
  #kept: Letter[] | null = null;

  protected push(kind: Kind, name: string, body: unknown, extra: unknown): void {
    this.waiting++;
    let chunk = this.#tail;
    if (chunk === null && !this.#inline) {
      this.#inline = true;
      this.#kind = kind;
      this.#name = name;
      this.#body = body;
      this.#extra = extra;
      return;
    }
    if (chunk === null || this.#write === chunk.slots.length) chunk = this.#grow(chunk);
    const { slots } = chunk;
    const at = this.#write;
    slots[at] = kind;
    slots[at + 1] = name;
    slots[at + 2] = body;
    slots[at + 3] = extra;
    this.#write = at + SLOTS;
  }

  /** Moves the oldest message into `letter`; false when none waits. */
  protected shift(letter: Letter): boolean {
    return this.#kept === null ? this.drop(letter) : this.#takeKept(this.#kept, letter);
  }

  /** Likewise, but past what is kept. */
  protected drop(letter: Letter): boolean {
    if (this.#inline) {
      this.#inline = false;
      this.waiting--;
      letter.kind = this.#kind;
      letter.name = this.#name;
      letter.body = this.#body;
      letter.extra = this.#extra;
      this.#body = undefined;
      this.#extra = null;
      return true;
    }
    const chunk = this.#head;
    if (chunk === null) return false;
    this.waiting--;
    const { slots } = chunk;
    const at = this.#read;
    letter.kind = slots[at] as Kind;
    letter.name = slots[at + 1] as string;
    letter.body = slots[at + 2];
    letter.extra = slots[at + 3];
    // The slots live on in the pool: what they pointed to must not.
    slots[at + 2] = undefined;
    slots[at + 3] = undefined;
    this.#read = at + SLOTS;
    if (this.#head === this.#tail ? this.#read === this.#write : this.#read === slots.length)
      this.#drop(chunk);
    return true;
  }

  /** Puts back what was taken by `drop`: it stays older than what still waits. */
  protected keep(letter: Letter): void {
    this.#kept ??= [];
    this.#kept.push({ ...letter });
    this.waiting++;
  }

  #takeKept(kept: Letter[], letter: Letter): boolean {
    Object.assign(letter, kept.shift());
    if (kept.length === 0) this.#kept = null;
    this.waiting--;
    return true;
  }

  #grow(full: Chunk | null): Chunk {
    const size = full === null ? CHUNK : Math.min(2 * full.slots.length, CHUNK_MAX);
    const chunk = takeChunk(size);
    if (full === null) {
      this.#head = chunk;
      this.#read = 0;
    } else full.next = chunk;
    this.#tail = chunk;
    this.#write = 0;
    return chunk;
  }

  #drop(empty: Chunk): void {
    this.#head = empty.next;
    this.#read = 0;
    if (this.#head === null) {
      this.#tail = null;
      this.#write = 0;
    }
    giveBack(empty);
  }
}
