/** Why this exists: a child specification that cannot be meant is refused before anything starts. */
import { needDefinition } from "../src/kernel/actor.ts";
import {
  isMs,
  isName,
  isRecord,
  needFields,
  needFunction,
  needOption,
} from "../src/kernel/errors.ts";
import type { Backoff, Budget, ChildSpec } from "../src/ports/child-spec.ts";

const FIELDS: Readonly<Record<keyof ChildSpec, true>> = {
  ...{ id: true, start: true, args: true, name: true, restart: true, shutdownMs: true },
  ...{ type: true, significant: true, backoff: true, budget: true },
};
const BACKOFF_FIELDS: Readonly<Record<keyof Backoff, true>> = { minMs: true, maxMs: true };
const BUDGET_FIELDS: Readonly<Record<keyof Budget, true>> = { restarts: true, progress: true };

/**
 * A copy, down to what its fields hold: whoever made the specification may go on with it. They may
 * have made it of another: inherited fields count as well.
 */
export function copyOf(spec: ChildSpec): ChildSpec {
  const given = (Object.keys(FIELDS) as (keyof ChildSpec)[]).filter(
    (field) => spec[field] !== undefined,
  );
  const copy = Object.fromEntries(given.map((field) => [field, spec[field]]));
  const { args, backoff, budget } = spec;
  copy.args = args.slice();
  if (backoff !== undefined) copy.backoff = { minMs: backoff.minMs, maxMs: backoff.maxMs };
  if (budget !== undefined) copy.budget = copyOfBudget(budget);
  return copy as unknown as ChildSpec;
}

const copyOfBudget = ({ restarts, progress }: Budget): Budget =>
  progress === undefined ? { restarts } : { restarts, progress };

/** Throws an `OptionError` that names the first field which cannot be meant. */
export function checkChildSpec(spec: ChildSpec, path: string, actor?: string): void {
  const allow = (good: boolean, field: keyof ChildSpec, allowed: string): void =>
    needOption(good, `${path}.${field}`, spec[field], allowed, actor);
  // A definition above all: what else is wrong with it would only mislead.
  const isSpec = isRecord(spec) && ("id" in spec || "start" in spec);
  needOption(isSpec, path, spec, "a child specification, as child({ id, start, args })", actor);
  needDefinition(spec.start, `${path}.start`, actor);
  needFields(spec, FIELDS, path, actor);
  const { restart, shutdownMs, type, significant, backoff, budget, name } = spec;
  allow(isName(spec.id), "id", "a name");
  allow(Array.isArray(spec.args), "args", "an array of start arguments");
  allow(name === undefined || isName(name), "name", "a name");
  allow(
    restart === undefined || ["permanent", "transient", "temporary"].includes(restart),
    "restart",
    `"permanent", "transient" or "temporary"`,
  );
  allow(
    shutdownMs === undefined ||
      shutdownMs === "brutal_kill" ||
      shutdownMs === "infinity" ||
      isMs(shutdownMs),
    "shutdownMs",
    `milliseconds, "brutal_kill" or "infinity"`,
  );
  allow(
    type === undefined || type === "worker" || type === "supervisor",
    "type",
    `"worker" or "supervisor"`,
  );
  allow(
    significant === undefined ||
      significant === false ||
      (significant === true && (restart === "transient" || restart === "temporary")),
    "significant",
    "true of a transient or a temporary child alone",
  );
  if (backoff !== undefined) {
    needFields(backoff, BACKOFF_FIELDS, `${path}.backoff`, actor);
    const { minMs, maxMs } = backoff;
    allow(isMs(minMs) && isMs(maxMs) && minMs <= maxMs, "backoff", "0 <= minMs <= maxMs");
  }
  if (budget !== undefined) {
    needFields(budget, BUDGET_FIELDS, `${path}.budget`, actor);
    const { restarts, progress } = budget;
    allow(typeof restarts === "number" && restarts >= 0, "budget", "restarts of 0 or more");
    if (progress !== undefined) needFunction(progress, `${path}.budget.progress`, actor);
  }
}
