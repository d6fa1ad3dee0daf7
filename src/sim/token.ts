/** Why this exists: a failing run fits into one word, which can be pasted and played again. */

import { OptionError } from "../kernel/errors.ts";
import type { Headers, OutgoingMessage } from "../ports/record.ts";
import { type Fault, isFault } from "./fault.ts";
import { fnv } from "./fnv.ts";
import type { Plan } from "./plan.ts";

/** Changes when what a tape means changes: an old token must not play something else. */
const VERSION = "v2";

/** Where a failing run came from. */
export interface Origin {
  readonly seed: number;
  readonly run: number;
}

interface Packed extends Origin {
  /** Of the options that a plan only makes sense with. */
  readonly world: string;
  readonly records: readonly (readonly PackedRecord[])[];
  readonly faults: readonly Fault[];
  readonly feedMs: number;
  readonly chanceSeed: number;
  readonly tape: string;
}

type Bytes = string | null | { readonly base64: string };
type PackedRecord = Omit<OutgoingMessage, "key" | "value" | "headers"> & {
  readonly key?: Bytes;
  readonly value: Bytes;
  readonly headers?: Record<string, Bytes | Bytes[]>;
};

export function tokenOf(plan: Plan, world: string, { seed, run }: Origin): string {
  const { faults, feedMs, chanceSeed, schedule } = plan;
  const records = plan.records.map((its) => its.map(packRecord));
  const tape = packTape(schedule.tape ?? []);
  const packed: Packed = { world, seed, run, records, faults, feedMs, chanceSeed, tape };
  const body = Buffer.from(JSON.stringify(packed)).toString("base64url");
  return `${VERSION}.${body}.${checksum(body)}`;
}

/** An altered token must not play something else. */
const checksum = (body: string): string => fnv(Buffer.from(body)).toString(36);

/** Throws an `OptionError` that says what is wrong with it. */
export function planOf(token: string, world: string): { plan: Plan; origin: Origin } {
  const [version = "", body = "", sum] = String(token)
    .trim()
    .replace(/^SIM_REPLAY=/, "")
    .split(".");
  const shown = String(token).length > 40 ? `${String(token).slice(0, 40)}…` : token;
  if (!/^v\d+$/.test(version)) throw new OptionError("token", shown, `${VERSION}.…, as printed`);
  if (version !== VERSION) {
    throw new OptionError("token", shown, `a token of this version, ${VERSION}; find it anew`);
  }
  const packed = sum === checksum(body) ? unpack(body) : null;
  if (packed === null) throw new OptionError("token", shown, "the whole token, as printed");
  if (packed.world !== world) {
    const allowed = `a token of topics and members as here, ${world}, and not of ${packed.world}`;
    throw new OptionError("token", shown, allowed);
  }
  const { faults, feedMs, chanceSeed, seed, run } = packed;
  const records = packed.records.map((its) => its.map(unpackRecord));
  const schedule = { strategy: "fifo", seed: 0, tape: unpackTape(packed.tape) } as const;
  return { plan: { records, faults, feedMs, chanceSeed, schedule }, origin: { seed, run } };
}

function unpack(body: string): Packed | null {
  try {
    const packed = JSON.parse(Buffer.from(body, "base64url").toString()) as Packed;
    const numbers = [packed.seed, packed.run, packed.feedMs, packed.chanceSeed];
    const whole =
      Array.isArray(packed.records) &&
      packed.records.every((records) => Array.isArray(records)) &&
      packed.faults.every(isFault) &&
      numbers.every((number) => Number.isInteger(number)) &&
      /^(-?\d{1,7}(,-?\d{1,7})*)?$/.test(packed.tape);
    return whole ? packed : null;
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

const packBytes = (value: Buffer | string | null): Bytes =>
  typeof value === "string" || value === null
    ? value
    : { base64: Buffer.from(value).toString("base64") };

const unpackBytes = (value: Bytes): Buffer | string | null =>
  typeof value === "object" && value !== null ? Buffer.from(value.base64, "base64") : value;

/** Each of one or of several. */
const each = <A, B>(value: A | A[], change: (its: A) => B): B | B[] =>
  Array.isArray(value) ? value.map(change) : change(value);

function packRecord({ key, value, headers, ...rest }: OutgoingMessage): PackedRecord {
  const packed = Object.entries(headers ?? {}).flatMap(([name, its]) =>
    its === undefined ? [] : [[name, each(its, packBytes)] as const],
  );
  return {
    ...rest,
    value: packBytes(value),
    ...(key === undefined ? {} : { key: packBytes(key) }),
    ...(headers === undefined ? {} : { headers: Object.fromEntries(packed) }),
  };
}

function unpackRecord({ key, value, headers, ...rest }: PackedRecord): OutgoingMessage {
  const unpacked = Object.entries(headers ?? {}).map(([name, its]) => {
    return [name, each(its, unpackBytes)] as const;
  });
  return {
    ...rest,
    value: unpackBytes(value),
    ...(key === undefined ? {} : { key: unpackBytes(key) }),
    ...(headers === undefined ? {} : { headers: Object.fromEntries(unpacked) as Headers }),
  };
}
