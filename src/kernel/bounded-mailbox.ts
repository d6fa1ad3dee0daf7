/** Why this exists: what becomes of a message that finds no room, by the policy of its definition. */
import type { AnyActor } from "./actor.ts";
import type { Call } from "./call.ts";
import { CALL, INFO, type Kind, type Letter } from "./letter.ts";
import { Mailbox } from "./mailbox.ts";

export abstract class BoundedMailbox extends Mailbox {
  abstract readonly definition: AnyActor;
  /** It became a dead letter. */
  protected abstract lost(kind: Kind, name: string): void;

  /** What had to be kept while the oldest was looked for: older than all that waits. */
  #kept: { readonly letters: Letter[]; read: number } | null = null;

  protected override deliver(): boolean {
    // Rare enough to take the long way.
    if (this.#kept === null) return super.deliver();
    const letter = this.shift();
    if (letter !== null) this.receive(letter.kind, letter.name, letter.body, letter.extra);
    return letter !== null;
  }

  protected override shift(): Letter | null {
    const kept = this.#kept;
    if (kept === null) return super.shift();
    const letter = kept.letters[kept.read++] as Letter;
    if (kept.read === kept.letters.length) this.#kept = null;
    this.waiting--;
    return letter;
  }

  /** Of one more message than the limit: whether there is no room for it. */
  protected isFull(kind: Kind, name: string, extra: unknown): boolean {
    const policy = this.definition.handlers.mailbox.overflow;
    if (!mayBeLost(kind, extra) || (policy === "reject" && kind !== CALL)) return false;
    if (policy === "drop_oldest") this.dropOldest();
    else this.lose(kind, name, extra);
    return policy !== "drop_oldest";
  }

  /** Makes room, unless all that waits must be heard. */
  private dropOldest(): void {
    for (let letter = super.shift(); letter !== null; letter = super.shift()) {
      const { kind, name, extra } = letter;
      if (mayBeLost(kind, extra)) {
        this.lose(kind, name, extra);
        return;
      }
      this.#kept ??= { letters: [], read: 0 };
      this.#kept.letters.push(letter);
      this.waiting++;
    }
  }

  private lose(kind: Kind, name: string, extra: unknown): void {
    this.lost(kind, name);
    if (kind === CALL) (extra as Call).overflow();
  }
}

/** A DOWN is told to whoever asked for it, whatever else waits; so are exits, timers and results. */
const mayBeLost = (kind: Kind, extra: unknown): boolean =>
  kind <= INFO && (kind !== INFO || extra === null);
