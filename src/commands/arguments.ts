/** Why this exists: every command reads its options the same way, and names what it was given. */
import { parseArgs } from "node:util";
import { BAD_INPUT, CommandError } from "./command-error.ts";

export interface OptionSpec {
  readonly type: "string" | "boolean";
  readonly multiple?: boolean;
}

export interface Arguments {
  readonly positionals: readonly string[];
  text(name: string): string | undefined;
  texts(name: string): readonly string[];
  flag(name: string): boolean;
}

export function readArguments(args: string[], options: Record<string, OptionSpec>): Arguments {
  const allowed = Object.keys(options)
    .map((name) => `--${name}`)
    .join(", ");
  const { values, positionals, tokens } = parseArgs({
    args,
    options,
    allowPositionals: true,
    strict: false,
    tokens: true,
  });
  for (const token of tokens) {
    if (token.kind !== "option") continue;
    const spec = options[token.name];
    if (spec === undefined) bad(token.rawName, "is not an option", allowed);
    else if (spec.type === "string" && isMissing(token)) {
      bad(token.rawName, "has no value", `${token.rawName} VALUE`);
    } else if (spec.type === "boolean" && token.value !== undefined) {
      bad(token.rawName, `takes no value, and was given ${JSON.stringify(token.value)}`, "nothing");
    }
  }
  return {
    positionals,
    text: (name) => values[name] as string | undefined,
    texts: (name) => (values[name] as string[] | undefined) ?? [],
    flag: (name) => values[name] === true,
  };
}

interface OptionToken {
  readonly value?: string | undefined;
  readonly inlineValue?: boolean | undefined;
}

/** `--topic --group g`: the next option is no value. */
const isMissing = ({ value, inlineValue }: OptionToken): boolean =>
  value === undefined || value === "" || (inlineValue !== true && value.startsWith("--"));

/** The one module that a command works on. */
export function moduleOf({ positionals: [path, ...rest] }: Arguments, command: string): string {
  if (path === undefined) {
    const usage = `holdfast ${command} <module>`;
    throw new CommandError(BAD_INPUT, `${command} needs a module: ${usage}`);
  }
  if (rest.length > 0) {
    const text = `${command} takes one module, and was given ${rest[0]} as well`;
    throw new CommandError(BAD_INPUT, text);
  }
  return path;
}

function bad(option: string, what: string, allowed: string): never {
  throw new CommandError(BAD_INPUT, `${option} ${what}; allowed: ${allowed}`);
}

/** One of a few words. */
export function oneOf(option: string, value: string, allowed: readonly string[]): string {
  if (allowed.includes(value)) return value;
  return bad(`${option}:`, `${JSON.stringify(value)} is not allowed`, allowed.join(", "));
}
