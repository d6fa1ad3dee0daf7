/** Why this exists: the module a user gives to `holdfast run`, loaded or refused in one line. */
import { existsSync } from "node:fs";
import { extname, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { GROUP_OPTION_NAMES } from "../../actors/group-options.ts";
import type { EachBatch, EachMessage } from "../../actors/handler.ts";
import { formatCause } from "../kernel/exit.ts";
import { BAD_INPUT, CommandError } from "./command-error.ts";
import { atMost } from "./sleep.ts";

export interface HandlerModule {
  readonly handler: { readonly eachMessage: EachMessage } | { readonly eachBatch: EachBatch };
  /** The options of the group that the module sets, and `brokers`. */
  readonly config: Readonly<Record<string, unknown>>;
}

/** A module may wait for what it needs, but not for ever. */
const LOAD_MS = 30_000;
const HANDLERS = ["eachMessage", "eachBatch"];
const CONFIG_NAMES = ["brokers", ...GROUP_OPTION_NAMES.filter((name) => !HANDLERS.includes(name))];

export async function loadHandlerModule(path: string): Promise<HandlerModule> {
  const loaded = await load(path);
  const { eachMessage, eachBatch, config = {} } = loaded;
  const given = [eachMessage, eachBatch].filter((handler) => handler !== undefined);
  if (given.length !== 1 || typeof given[0] !== "function") {
    bad(path, "does not export one handler", "one exported function eachMessage or eachBatch");
  }
  if (typeof config !== "object" || config === null || Array.isArray(config)) {
    bad(path, "exports a config that is no object", `{ ${CONFIG_NAMES.join(", ")} }`);
  }
  for (const name of Object.keys(config as object)) {
    if (!CONFIG_NAMES.includes(name)) {
      bad(path, `exports a config with an unknown option "${name}"`, CONFIG_NAMES.join(", "));
    }
  }
  const handler =
    eachMessage === undefined
      ? { eachBatch: eachBatch as EachBatch }
      : { eachMessage: eachMessage as EachMessage };
  return { handler, config: config as Record<string, unknown> };
}

async function load(path: string): Promise<Record<string, unknown>> {
  const file = resolve(path);
  const kind = extname(file);
  if (![".js", ".mjs", ".ts"].includes(kind)) {
    bad(path, "cannot be loaded", "a module that ends with .js, .mjs or .ts");
  }
  if (!existsSync(file)) bad(path, "does not exist", "the path of a module");
  const features = process.features as { typescript?: string | false };
  if (kind === ".ts" && !features.typescript) {
    const version = process.versions.node;
    bad(path, `is TypeScript, which Node ${version} cannot load`, "Node 22.18 or newer, or .js");
  }
  try {
    const loaded = await atMost(import(pathToFileURL(file).href), LOAD_MS);
    if (loaded !== null) return loaded;
  } catch (error) {
    throw new CommandError(BAD_INPUT, `${path} could not be loaded: ${formatCause(error)}`);
  }
  return bad(path, "is still loading", `a module that is loaded within ${LOAD_MS / 1_000} s`);
}

function bad(path: string, what: string, allowed: string): never {
  throw new CommandError(BAD_INPUT, `${path} ${what}; allowed: ${allowed}`);
}
