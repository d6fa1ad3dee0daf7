/**
 * Why this exists: one process that everybody asks is a queue. The same definition several times
 * over, and each key always at the same one of them, is several queues, in order by key.
 */
import { type AnyActor, needDefinition, type StartArgs } from "../src/kernel/actor.ts";
import { isName, needFields, needFunction, needOption } from "../src/kernel/errors.ts";
import type { RefOf } from "../src/kernel/ref.ts";
import { type ChildSpec, child } from "../src/ports/child-spec.ts";
import { type SupervisorOptions, supervisor } from "./supervisor.ts";
import { NAMES } from "./supervisor-state.ts";

export interface PartitionSupervisorOptions<D extends AnyActor>
  extends Omit<SupervisorOptions, "children"> {
  /** Its own, and what those of its children begin with: `"prices"` has `"prices.0"`, `"prices.1"`. */
  readonly name: string;
  /** A whole number from 1. */
  readonly partitions: number;
  /** What each of them is. */
  readonly start: D;
  /** What each is started with, by its number from 0. */
  readonly args: (partition: number) => readonly [...StartArgs<D>];
}

/** Who finds the processes: a system, or a process's `self`. */
interface Finder {
  whereis<D extends AnyActor>(name: string, definition: D): RefOf<D> | undefined;
}

const { children: _, ...OWN } = NAMES;
const ALLOWED = { name: true, partitions: true, start: true, args: true, ...OWN } as const;

/** A supervisor with `partitions` children of one definition; `partitionFor` finds that of a key. */
export function partitionSupervisor<D extends AnyActor>(
  options: PartitionSupervisorOptions<D>,
): ChildSpec {
  needFields(options, ALLOWED);
  const { name, partitions, start, args, ...rest } = options;
  needOption(isName(name), "name", name, "a name");
  needPartitions(partitions, name);
  needDefinition(start, "start", name);
  needFunction(args, "args", name);
  const children = Array.from({ length: partitions }, (_, number) => {
    const id = `${name}.${number}`;
    return child<AnyActor>({ id, name: id, start, args: args(number) });
  });
  return child({
    id: name,
    name,
    start: supervisor,
    args: [{ ...rest, children }],
    type: "supervisor",
  });
}

function needPartitions(partitions: unknown, name: string): void {
  const isCount = Number.isInteger(partitions) && (partitions as number) >= 1;
  needOption(isCount, "partitions", partitions, "a whole number from 1", name);
}

/** The process that a key belongs to; undefined while it is not there. */
export function partitionFor<D extends AnyActor>(
  finder: Finder,
  { name, partitions, start }: PartitionSupervisorOptions<D>,
  key: string | number,
): RefOf<D> | undefined {
  // All objects are one key as texts, and all calls would go to one process.
  const isKey = typeof key === "string" || Number.isFinite(key);
  needOption(isKey, "key", key, "a text or a number", name);
  needPartitions(partitions, name);
  return finder.whereis(`${name}.${hash(String(key)) % partitions}`, start);
}

/** FNV-1a: short keys that differ in their last character alone are spread as well as any. */
function hash(key: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < key.length; i++) {
    value = Math.imul(value ^ key.charCodeAt(i), 0x01000193);
  }
  return value >>> 0;
}
