/**
 * Why this exists: the queue in front of every process. It is the hottest code there is, so a
 * message has no object of its own: it is a few slots. The first one waiting lies in the mailbox
 * itself, which is all that most processes ever need; more go into chunks.
 */
import { type Chunk, giveBack, takeChunk } from "./chunk.ts";
import { CALL, CAST, type Kind, type Letter } from "./letter.ts";

/** In the place of a kind: no message. */
const EMPTY = -1;
/** A plain cast, of which there may be millions: its name and its body. */
const SHORT = 2;
/** Any other: kind, body, name, extra. */
const SLOTS = 4;

/**
 * A process extends this rather than holding one: one object per process instead of two. Its classes
 * have `private` methods and none with `#`, of which each class's would cost every object a field.
 */
export abstract class Mailbox {
  /** How many messages wait. */
  waiting = 0;
  /** The first that waits; no kind: there is none, or it lies in a chunk. */
  #kind: Kind | typeof EMPTY = EMPTY;
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
    if (chunk === null && this.#kind === EMPTY) {
      this.#kind = kind;
      this.#name = name;
      this.#body = body;
      this.#extra = extra;
      return;
    }
    if (chunk === null || chunk.write + SLOTS > chunk.slots.length) chunk = this.grow(chunk);
    const { slots, write: at } = chunk;
    slots[at + 1] = body;
    // A name that is none would be taken for a kind.
    if (kind === CAST && typeof name === "string") {
      slots[at] = name;
      chunk.write = at + SHORT;
    } else {
      if (kind === CALL) chunk.asked = true;
      slots[at] = kind;
      slots[at + 2] = name;
      slots[at + 3] = extra;
      chunk.write = at + SLOTS;
    }
  }

  /**
   * Hands the oldest message to `receive`; false when none waits. As `shift`, but without an object
   * for the message: it is done with every one, and `shift` only with those of the dead or too many.
   */
  protected deliver(): boolean {
    const kind = this.#kind;
    if (kind !== EMPTY) {
      const body = this.#body;
      const extra = this.#extra;
      this.#kind = EMPTY;
      this.#body = undefined;
      this.#extra = null;
      this.waiting--;
      this.receive(kind, this.#name, body, extra);
      return true;
    }
    const chunk = this.#head;
    if (chunk === null) return false;
    const { slots, read: at } = chunk;
    const tag = slots[at] as Kind | string;
    const isShort = typeof tag === "string";
    const body = slots[at + 1];
    const name = isShort ? tag : (slots[at + 2] as string);
    const extra = isShort ? null : slots[at + 3];
    this.passed(chunk, at, isShort);
    this.receive(isShort ? CAST : tag, name, body, extra);
    return true;
  }

  /** Takes the oldest message; null when none waits. */
  protected shift(): Letter | null {
    const kind = this.#kind;
    if (kind !== EMPTY) {
      const letter = { kind, name: this.#name, body: this.#body, extra: this.#extra };
      this.#kind = EMPTY;
      this.#body = undefined;
      this.#extra = null;
      this.waiting--;
      return letter;
    }
    const chunk = this.#head;
    if (chunk === null) return null;
    const { slots, read: at } = chunk;
    const tag = slots[at] as Kind | string;
    const [body, name, extra] = [slots[at + 1], slots[at + 2] as string, slots[at + 3]];
    const isShort = typeof tag === "string";
    this.passed(chunk, at, isShort);
    return isShort
      ? { kind: CAST, name: tag, body, extra: null }
      : { kind: tag, name, body, extra };
  }

  /** As `shift`, but without what nobody waits for: whole chunks of that, for it may be millions. */
  protected nextLeft(): Letter | null {
    while (this.#kind === EMPTY && this.#head?.asked === false) this.#head = this.#head.next;
    if (this.#head === null) this.#tail = null;
    return this.shift();
  }

  /** The message at `at` was read. */
  private passed(chunk: Chunk, at: number, isShort: boolean): void {
    const { slots } = chunk;
    // The slots live on in the pool: what they pointed to must not.
    slots[at + 1] = undefined;
    if (!isShort) slots[at + 3] = undefined;
    this.waiting--;
    const read = at + (isShort ? SHORT : SLOTS);
    chunk.read = read;
    // Also when it is the last one and not full: an empty mailbox holds no chunk.
    if (read !== chunk.write) return;
    this.#head = chunk.next;
    if (this.#head === null) this.#tail = null;
    giveBack(chunk);
  }

  private grow(full: Chunk | null): Chunk {
    const chunk = takeChunk(full);
    if (full === null) this.#head = chunk;
    else full.next = chunk;
    this.#tail = chunk;
    return chunk;
  }
}
