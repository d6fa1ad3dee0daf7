/** Why this exists: the errors that the runtime itself raises, and the checks that raise them. */
import type { ExitReason } from "./exit.ts";
import { isThenable } from "./thenable.ts";

export type CallErrorCode =
  /** There is no such process, or it had ended before the call. */
  | "noproc"
  /** It ended before it replied; `reason` says why. */
  | "exit"
  /** No reply within the call's time. A later reply is dropped. */
  | "timeout"
  /** The callee's mailbox is full: see the `mailbox` of its definition. */
  | "overloaded"
  /** The actor has no call of that name. */
  | "unknown_message"
  /** The handler refused it: `self.defer().reject(...)`; `cause` has what it said. */
  | "refused";

/** What a `call` rejects with. */
export class CallError extends Error {
  override readonly name = "CallError";
  readonly code: CallErrorCode;
  /** The callee's exit reason, where it has ended; `"noproc"` for that code. */
  readonly reason: ExitReason | undefined;

  constructor(code: CallErrorCode, message: string, reason?: ExitReason, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.reason = reason;
  }
}

/** A mistake in the program: an option or a specification that cannot be meant. */
export class OptionError extends Error {
  override readonly name = "OptionError";
  /** The option's name, with its path: `"children[2].restart"`. */
  readonly option: string;
  readonly value: unknown;
  readonly allowed: string;
  /** The label of the process that made it, or the name of the definition; undefined: of neither. */
  readonly actor: string | undefined;

  constructor(option: string, value: unknown, allowed: string, actor?: string) {
    const where = actor === undefined ? option : `${actor}: ${option}`;
    super(`${where}: ${show(value)} is not allowed; allowed: ${allowed}`);
    this.actor = actor;
    this.option = option;
    this.value = value;
    this.allowed = allowed;
  }
}

/** The check behind every option: throws an `OptionError` unless it is good. */
export function needOption(
  good: boolean,
  option: string,
  value: unknown,
  allowed: string,
  actor?: string,
): asserts good {
  if (!good) throw new OptionError(option, value, allowed, actor);
}

type Names = Readonly<Record<string, true>>;

/**
 * Throws an `OptionError` for what has no names at all, and for the first name that is none of
 * `names`. `path`: what they are fields of.
 */
export function needFields(given: unknown, names: Names, path = "", actor?: string): void {
  needOption(isRecord(given), path === "" ? "options" : path, given, "an object", actor);
  // Neither keys nor own names are asked for: it is done with every start.
  for (const name in given) {
    if (names[name] === true) continue;
    const option = path === "" ? name : `${path}.${name}`;
    const allowed = `one of ${Object.keys(names).join(", ")}`;
    throw new OptionError(option, given[name as never], allowed, actor);
  }
}

/** Not what somebody forgot to await. */
export const isRecord = (value: unknown): value is object =>
  typeof value === "object" && value !== null && !Array.isArray(value) && !isThenable(value);

export const isName = (value: unknown): boolean => typeof value === "string" && value !== "";

/** Whether it can be waited for: also `Infinity`. */
export const isMs = (value: unknown): boolean => typeof value === "number" && value >= 0;

export function needFunction(value: unknown, option: string, actor?: string): void {
  needOption(typeof value === "function", option, value, "a function", actor);
}

/** A supervisor asks every reason whether it is in good order: one that is none would end it. */
export function needReason(reason: unknown, option: string, actor?: string): void {
  const good =
    typeof reason === "string" || (isRecord(reason) && ("shutdown" in reason || "error" in reason));
  needOption(good, option, reason, "a text, { shutdown } or { error }", actor);
}

/** The longest text that is shown whole: what was given may be a payload. */
const SHOWN = 100;

/** Whatever was given, on one line. It never fails: it is asked where something has. */
export function show(value: unknown): string {
  try {
    if (typeof value === "function") return `function ${value.name || "(anonymous)"}`;
    if (isThenable(value)) return "a promise";
    if (isRecord(value)) return "an object";
    if (Array.isArray(value) && value.some((item) => typeof item === "object" && item !== null)) {
      return `an array of ${value.length}`;
    }
    if (typeof value === "bigint") return `${value}n`;
    if (typeof value === "symbol" || typeof value === "number") return String(value);
    const text = JSON.stringify(value) ?? String(value);
    return text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text;
  } catch {
    return "a value that cannot be shown";
  }
}
