/** Why this exists: what befalls each request between a member and the simulated broker. */
import type { Passage, RequestKind } from "../drivers/memory-wire.ts";
import type { Fault } from "./fault.ts";
import type { Member } from "./member.ts";
import type { Oracle } from "./oracle.ts";

/** One way, in milliseconds; the plainest first. */
const DELAYS_MS = [1, 0, 10, 100] as const;

export class Network {
  readonly #oracle: Oracle;
  readonly #cut = new Map<Member, "before" | "after">();

  constructor(oracle: Oracle) {
    this.#oracle = oracle;
  }

  /** Where a member's requests break from now on; null: nowhere. */
  cut(member: Member, breaks: "before" | "after" | null): void {
    if (breaks === null) this.#cut.delete(member);
    else this.#cut.set(member, breaks);
  }

  heal(): void {
    this.#cut.clear();
  }

  passage(
    kind: RequestKind,
    member: Member | null,
    tampered: (kind: RequestKind) => Fault | null,
  ): Passage {
    const passage = { outMs: this.#delay(), backMs: this.#delay() };
    const breaks = member === null ? undefined : this.#cut.get(member);
    const fault = tampered(kind);
    if (breaks !== undefined) return { ...passage, breaks };
    return fault === null ? passage : { ...passage, ...TAMPER[fault.how]?.(passage, fault) };
  }

  #delay(): number {
    return DELAYS_MS[this.#oracle.choose("delay", DELAYS_MS.length)] ?? 1;
  }
}

const TAMPER: Record<string, (passage: Passage, fault: Fault) => Partial<Passage>> = {
  late: ({ outMs }, { ms }) => ({ outMs: outMs + ms }),
  lost: () => ({ breaks: "before" }),
  answerLost: () => ({ breaks: "after" }),
  twice: () => ({ twice: true }),
  empty: () => ({ maxBytes: 0 }),
  partial: () => ({ maxBytes: 1 }),
};
