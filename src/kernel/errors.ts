/** Why this exists: the errors that the runtime itself raises, each with a literal code. */
import { type ExitReason, formatReason } from "./exit.ts";

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
  /** The callee's exit reason; `"noproc"` for that code, undefined for a timeout. */
  readonly reason: ExitReason | undefined;

  constructor(code: CallErrorCode, message: string, reason?: ExitReason, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.reason = reason;
  }
}

/** What starting a process rejects with; `reason` is the process's exit reason. */
export class StartError extends Error {
  override readonly name = "StartError";
  readonly reason: ExitReason;

  constructor(label: string, reason: ExitReason) {
    const cause = typeof reason === "object" && "error" in reason ? reason.error : undefined;
    super(
      `${label} did not start: ${formatReason(reason)}`,
      cause === undefined ? undefined : { cause },
    );
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

  constructor(option: string, value: unknown, allowed: string) {
    super(`${option}: ${show(value)} is not allowed; allowed: ${allowed}`);
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
): asserts good {
  if (!good) throw new OptionError(option, value, allowed);
}

/** Throws an `OptionError` for the first name that is none of `names`; `path` stands before it. */
export function needNames(given: object, names: Readonly<Record<string, true>>, path = ""): void {
  for (const [name, value] of Object.entries(given)) {
    const allowed = `one of ${Object.keys(names).join(", ")}`;
    needOption(Object.hasOwn(names, name), `${path}${name}`, value, allowed);
  }
}

function show(value: unknown): string {
  if (typeof value === "function") return `function ${value.name || "(anonymous)"}`;
  if (Array.isArray(value) && value.some((item) => typeof item === "object" && item !== null)) {
    return `an array of ${value.length}`;
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return "an object";
  if (typeof value === "bigint" || typeof value === "symbol") return String(value);
  if (typeof value === "number") return String(value);
  return JSON.stringify(value) ?? String(value);
}
