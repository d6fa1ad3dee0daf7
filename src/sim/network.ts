/** Why this exists: what befalls each request between a member and the simulated broker. */
import type { Passage, RequestKind } from "../drivers/memory-wire.ts";
import type { Fault } from "./fault.ts";
import type { Member } from "./member.ts";
import type { Oracle } from "./oracle.ts";

/** One way, in milliseconds; the plainest first. */
const DELAYS_MS = [1, 0, 10, 100] as const;

export class Network {
  readonly #oracle: Oracle;
  readonly #generation: () => number;
  readonly #cut = new Map<Member, "before" | "after">();
  /** Requests whose connection is gone, and the generation in which they were sent. */
  #strays: { readonly generation: number; readonly arrive: () => void }[] = [];

  /** `generation`: the group's present one, as the broker has it. */
  constructor(oracle: Oracle, generation: () => number) {
    this.#oracle = oracle;
    this.#generation = generation;
  }

  /** Where a member's requests break from now on; null: nowhere. */
  cut(member: Member, breaks: "before" | "after" | null): void {
    if (breaks === null) this.#cut.delete(member);
    else this.#cut.set(member, breaks);
  }

  heal(): void {
    this.#cut.clear();
    this.#strays = [];
  }

  get hasStrays(): boolean {
    return this.#strays.length > 0;
  }

  /** A generation has begun: what strayed in an earlier one arrives. */
  arriveStrays(): void {
    const now = this.#generation();
    const over = this.#strays.filter(({ generation }) => generation < now);
    this.#strays = this.#strays.filter(({ generation }) => generation >= now);
    for (const { arrive } of over) arrive();
  }

  passage(
    kind: RequestKind,
    member: Member | null,
    tampered: (kind: RequestKind) => Fault | null,
  ): Passage {
    const passage = { outMs: this.#delay(), backMs: this.#delay() };
    const breaks = member === null ? undefined : this.#cut.get(member);
    if (breaks !== undefined) return { ...passage, breaks };
    const fault = tampered(kind);
    if (fault === null) return passage;
    if (fault.how === "stray") return { ...passage, strays: this.#stray() };
    return { ...passage, ...TAMPER[fault.how]?.(passage, fault) };
  }

  #stray(): (arrive: () => void) => void {
    const generation = this.#generation();
    return (arrive) => void this.#strays.push({ generation, arrive });
  }

  #delay(): number {
    return DELAYS_MS[this.#oracle.choose("delay", DELAYS_MS.length)] ?? 1;
  }
}

const TAMPER: Record<string, (passage: Passage, fault: Fault) => Partial<Passage>> = {
  late: ({ outMs }, { ms }) => ({ outMs: outMs + ms }),
  answerLate: ({ backMs }, { ms }) => ({ backMs: backMs + ms }),
  lost: () => ({ breaks: "before" }),
  answerLost: () => ({ breaks: "after" }),
  unheard: () => ({ breaks: "after" }),
  twice: () => ({ twice: true }),
  empty: () => ({ maxBytes: 0 }),
  partial: () => ({ maxBytes: 1 }),
};
