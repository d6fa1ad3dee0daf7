/** Why this exists: what a user plugs in, as a logger, a store or a host, is checked when it comes. */
import { needFunction, needOption } from "../kernel/errors.ts";

/** Of an object that does something, as a logger or a store: it may have more of them. */
export function needMethods(
  value: object,
  names: readonly string[],
  option: string,
  actor?: string,
): void {
  const isObject = typeof value === "object" && value !== null;
  needOption(isObject, option, value, `an object with ${names.join(", ")}`, actor);
  for (const name of names) needFunction(value[name as never], `${option}.${name}`, actor);
}
