/**
 * Why this exists: the queue in front of every process. It is the hottest code there is, so a
 * message has no object of its own: it is four slots. The first one waiting lies in the mailbox
 * itself, which is all that most processes ever need; more go into chunks that are pooled and
 * given back, so that a burst leaves no memory behind.
 */

/** What a message is for. `CAST_TWO`: a cast with two arguments, which needs no third place. */
export const CAST = 0;
export const CAST_TWO = 1;
export const CALL = 2;
export const INFO = 3;
export const EXIT = 4;
export const RUN = 5;
export const INIT = 6;
export type Kind = 0 | 1 | 2 | 3 | 4 | 5 | 6;
export const KIND_NAMES = ["cast", "cast", "call", "info", "exit", "run", "init"] as const;

/**
 * The slots of one message. `body`: arguments, message or function; `extra`: the call, the second
 * argument or null.
 */
export interface Letter {
  kind: Kind;
  name: string;
  body: unknown;
  extra: unknown;
}

/** In the place of a kind: no message. */
const NONE = -1;
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
  /** Where the oldest message in it begins, and where the next one will. */
  read: number;
  write: number;
  next: Chunk | null;
}

let pool: Chunk | null = null;
let pooled = 0;

function takeChunk(size: number): Chunk {
  const chunk = size === CHUNK ? pool : null;
  if (chunk === null) {
    return { slots: new Array(size).fill(undefined), read: 0, write: 0, next: null };
  }
  pool = chunk.next;
  pooled--;
  chunk.next = null;
  return chunk;
}

function giveBack(chunk: Chunk): void {
  if (pooled >= POOLED_MAX || chunk.slots.length > CHUNK) return;
  chunk.read = 0;
  chunk.write = 0;
  chunk.next = pool;
  pool = chunk;
  pooled++;
}

/** Gives the memory of past bursts back. */
export function emptyPool(): void {
  pool = null;
  pooled = 0;
}

/**
 * A process extends this rather than holding one: one object per process instead of two. Its classes
 * have `private` methods and none with `#`, of which each class's would cost every object a field.
 */
export abstract class Mailbox {
  /** How many messages wait. */
  waiting = 0;
  /** The first that waits; no kind: there is none, or it lies in a chunk. */
  #kind: Kind | typeof NONE = NONE;
  #name = "";
  #body: unknown = undefined;
  #extra: unknown = null;
  #head: Chunk | null = null;
  #tail: Chunk | null = null;

  /** What becomes of a message: told by `deliver`. */
  protected abstract receive(kind: Kind, name: string, body: unknown, extra: unknown): void;

  protected push(kind: Kind, name: string, body: unknown, extra: unknown): void {
    this.waiting++;
    let chunk = this.#tail;
    if (chunk === null && this.#kind === NONE) {
      this.#kind = kind;
      this.#name = name;
      this.#body = body;
      this.#extra = extra;
      return;
    }
    if (chunk === null || chunk.write === chunk.slots.length) chunk = this.grow(chunk);
    const { slots, write: at } = chunk;
    slots[at] = kind;
    slots[at + 1] = name;
    slots[at + 2] = body;
    slots[at + 3] = extra;
    chunk.write = at + SLOTS;
  }

  /**
   * Hands the oldest message to `receive`; false when none waits. As `shift`, but without an object
   * for the message: it is done with every one, and `shift` only with those of the dead or too many.
   */
  protected deliver(): boolean {
    const kind = this.#kind;
    if (kind !== NONE) {
      const body = this.#body;
      const extra = this.#extra;
      this.#kind = NONE;
      this.#body = undefined;
      this.#extra = null;
      this.waiting--;
      this.receive(kind, this.#name, body, extra);
      return true;
    }
    const chunk = this.#head;
    if (chunk === null) return false;
    const { slots, read: at } = chunk;
    const body = slots[at + 2];
    const extra = slots[at + 3];
    const of = slots[at] as Kind;
    const name = slots[at + 1] as string;
    this.passed(chunk, at);
    this.receive(of, name, body, extra);
    return true;
  }

  /** Takes the oldest message; null when none waits. */
  protected shift(): Letter | null {
    const kind = this.#kind;
    if (kind !== NONE) {
      const letter = { kind, name: this.#name, body: this.#body, extra: this.#extra };
      this.#kind = NONE;
      this.#body = undefined;
      this.#extra = null;
      this.waiting--;
      return letter;
    }
    const chunk = this.#head;
    if (chunk === null) return null;
    const { slots, read: at } = chunk;
    const [body, extra] = [slots[at + 2], slots[at + 3]];
    const letter = { kind: slots[at] as Kind, name: slots[at + 1] as string, body, extra };
    this.passed(chunk, at);
    return letter;
  }

  /** The message at `at` was read. */
  private passed(chunk: Chunk, at: number): void {
    const { slots } = chunk;
    // The slots live on in the pool: what they pointed to must not.
    slots[at + 2] = undefined;
    slots[at + 3] = undefined;
    this.waiting--;
    const read = at + SLOTS;
    chunk.read = read;
    // Also when it is the last one and not full: an empty mailbox holds no chunk.
    if (read !== chunk.write) return;
    this.#head = chunk.next;
    if (this.#head === null) this.#tail = null;
    giveBack(chunk);
  }

  private grow(full: Chunk | null): Chunk {
    const size = full === null ? CHUNK : Math.min(2 * full.slots.length, CHUNK_MAX);
    const chunk = takeChunk(size);
    if (full === null) this.#head = chunk;
    else full.next = chunk;
    this.#tail = chunk;
    return chunk;
  }
}
