/** Why this exists: everything that happened in a run, a line of JSON for each fact. */
import type { ExitReason } from "../kernel/exit.ts";
import type { Fact } from "./facts.ts";
import { reasonWord, type Traced } from "./story.ts";

/** The same run gives the same bytes, on every Node: no text of an engine, no stack, no payload. */
export const traceText = (trace: readonly Traced[]): string =>
  trace.map(({ fact, member }) => `${JSON.stringify(plain(fact, member))}\n`).join("");

function plain(fact: Fact, member: string): object {
  const { type, at, ...rest } = fact;
  const fields: Record<string, unknown> = { at: Math.round(at * 1_000) / 1_000, member, type };
  for (const [name, value] of Object.entries(rest)) {
    if (name === "reason") fields.reason = reasonWord(value as ExitReason);
    else if (name === "why" || name === "data") continue;
    else fields[name] = value;
  }
  if (fact.type === "commit_requested") {
    fields.commits = fact.commits.map(({ topic, partition, epoch, offset }) => {
      return { topic, partition, epoch, offset };
    });
  }
  // The records are the user's own, and may be secret.
  if (fact.type === "produced") fields.value = fact.value === null ? null : fact.value.length;
  if (fact.type === "logged" && fact.level === "error") fields.message = "";
  return fields;
}
