/** Why this exists: a failing run fits into one word, which can be pasted and played again. */
import { OptionError } from "../kernel/errors.ts";
import type { OutgoingMessage } from "../ports/record.ts";
import { FAULTS, type Fault } from "./fault.ts";
import type { Plan } from "./plan.ts";

/** Changes when what a tape means changes: an old token must not play something else. */
const VERSION = "v1";

interface Packed {
  /** Of the options that a plan only makes sense with. */
  readonly world: string;
  readonly records: readonly (readonly unknown[])[];
  readonly faults: readonly Fault[];
  readonly feedMs: number;
  readonly tape: string;
}

export function tokenOf(plan: Plan, world: string): string {
  const packed: Packed = {
    world,
    records: plan.records.map((records) => records.map(packRecord)),
    faults: plan.faults,
    feedMs: plan.feedMs,
    tape: packTape(plan.schedule.tape ?? []),
  };
  return `${VERSION}.${Buffer.from(JSON.stringify(packed)).toString("base64url")}`;
}

/** Throws an `OptionError` that says what is wrong with it. */
export function planOf(token: string, world: string): Plan {
  const [version = "", body = ""] = String(token).split(".");
  const shown = String(token).length > 40 ? `${String(token).slice(0, 40)}…` : token;
  if (!/^v\d+$/.test(version)) throw new OptionError("token", shown, `${VERSION}.…, as printed`);
  if (version !== VERSION) {
    throw new OptionError("token", shown, `a token of this version, ${VERSION}; find it anew`);
  }
  const packed = unpack(body);
  if (packed === null) throw new OptionError("token", shown, "the whole token, as printed");
  if (packed.world !== world) {
    throw new OptionError("token", shown, "a token of a check with the same topics and members");
  }
  return {
    records: packed.records.map((records) => records.map((record) => unpackRecord(record))),
    faults: packed.faults,
    feedMs: packed.feedMs,
    schedule: { strategy: "fifo", seed: 0, tape: unpackTape(packed.tape) },
  };
}

function unpack(body: string): Packed | null {
  try {
    const packed = JSON.parse(Buffer.from(body, "base64url").toString()) as Packed;
    const known = packed.faults.every(({ kind, how }) =>
      (FAULTS[kind] as readonly string[]).includes(how),
    );
    return known && Array.isArray(packed.records) ? packed : null;
  } catch {
    return null;
  }
}

/** Zeros by their number, all others as they are: "-12,1,-3,2". */
function packTape(tape: readonly number[]): string {
  const parts: number[] = [];
  let zeros = 0;
  for (const choice of tape) {
    if (choice === 0) zeros++;
    else {
      if (zeros > 0) parts.push(-zeros);
      zeros = 0;
      parts.push(choice);
    }
  }
  return parts.join();
}

function unpackTape(text: string): number[] {
  if (text === "") return [];
  return text.split(",").flatMap((part) => {
    const value = Number(part);
    return value < 0 ? Array.from({ length: -value }, () => 0) : [value];
  });
}

type Bytes = string | null | { readonly base64: string };

const packBytes = (value: OutgoingMessage["value"] | undefined): Bytes =>
  typeof value === "string" || value === null || value === undefined
    ? (value ?? null)
    : { base64: Buffer.from(value).toString("base64") };

const unpackBytes = (value: Bytes): OutgoingMessage["value"] =>
  typeof value === "object" && value !== null ? Buffer.from(value.base64, "base64") : value;

const packRecord = ({ key, value, partition }: OutgoingMessage): unknown => ({
  value: packBytes(value),
  ...(key === undefined ? {} : { key: packBytes(key) }),
  ...(partition === undefined ? {} : { partition }),
});

function unpackRecord(packed: unknown): OutgoingMessage {
  const { key, value, partition } = packed as { key?: Bytes; value: Bytes; partition?: number };
  return {
    value: unpackBytes(value),
    ...(key === undefined ? {} : { key: unpackBytes(key) }),
    ...(partition === undefined ? {} : { partition }),
  };
}
