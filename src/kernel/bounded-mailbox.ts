/** Why this exists: what becomes of a message that finds no room, by the policy of its definition. */
import type { MailboxBound } from "./actor.ts";
import type { Call } from "./call.ts";
import { CALL, INFO, type Kind, Mailbox } from "./mailbox.ts";

export abstract class BoundedMailbox extends Mailbox {
  protected abstract readonly overflow: MailboxBound["overflow"];
  /** It became a dead letter. */
  protected abstract lost(kind: Kind, name: string): void;

  /** Of one more message than the limit: whether there is no room for it. */
  protected isFull(kind: Kind, name: string, extra: unknown): boolean {
    if (!mayBeLost(kind, extra)) return false;
    if (this.overflow === "reject" && kind !== CALL) return false;
    if (this.overflow === "drop_oldest") this.#dropOldest();
    else this.#lose(kind, name, extra);
    return this.overflow !== "drop_oldest";
  }

  /** Makes room, unless all that waits must be heard. */
  #dropOldest(): void {
    for (let letter = this.drop(); letter !== null; letter = this.drop()) {
      const { kind, name, extra } = letter;
      if (mayBeLost(kind, extra)) {
        this.#lose(kind, name, extra);
        return;
      }
      this.keep(letter);
    }
  }

  #lose(kind: Kind, name: string, extra: unknown): void {
    this.lost(kind, name);
    if (kind === CALL) (extra as Call).overflow();
  }
}

/** A DOWN is told to whoever asked for it, whatever else waits; so are exits, timers and results. */
const mayBeLost = (kind: Kind, extra: unknown): boolean =>
  kind <= INFO && (kind !== INFO || extra === null);
