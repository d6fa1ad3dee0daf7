/**
 * Why this exists: processes are found by what they stand for, by keys that come and go at run
 * time. An entry is gone before anybody hears that its process has ended, so that whoever starts the
 * next one finds the key free.
 */
import { needFields, needFunction, needOption } from "../src/kernel/errors.ts";
import type { Ref } from "../src/kernel/ref.ts";
import { including } from "../src/kernel/relations.ts";
import { needRef } from "../src/kernel/self.ts";

export interface RegistryOptions {
  /** Whether a key is one process's alone, or any number's. */
  readonly keys: "unique" | "duplicate";
}

export type RegisterResult<R extends Ref = Ref> =
  | { readonly status: "registered" }
  /** The key is taken, by `ref`; with duplicate keys, by the same process. */
  | { readonly status: "already_registered"; readonly ref: R }
  /** It has ended. */
  | { readonly status: "noproc" };

/**
 * `K`: anything a `Map` tells apart. `V`: what stands beside a process, read without asking it. `R`:
 * whose refs they are, as `RefOf<typeof room>`; default any, to which nothing can be said.
 */
export interface Registry<K, V = undefined, R extends Ref = Ref> {
  /** By whomever, and under as many keys as it takes. */
  register(
    key: K,
    ref: R,
    ...value: undefined extends V ? [value?: V] : [value: V]
  ): RegisterResult<R>;
  /** Nothing, where it is not registered. */
  unregister(key: K, ref: R): void;
  /** In the order in which they were registered. */
  lookup(key: K): readonly { readonly ref: R; readonly value: V }[];
  /** Does something with each process of a key, such as a cast; answers how many there were. */
  dispatch(key: K, tell: (ref: R, value: V) => void): number;
  keys(): readonly K[];
}

const KEYS = ["unique", "duplicate"] as const;

export function createRegistry<K, V = undefined, R extends Ref = Ref>(
  options: RegistryOptions,
): Registry<K, V, R> {
  needFields(options, { keys: true });
  needOption(KEYS.includes(options.keys), "keys", options.keys, KEYS.join(", "));
  const unique = options.keys === "unique";
  const table = new Map<K, Map<R, V>>();
  /** Under which keys each process stands: one hook a process, whatever their number. */
  const keysOf = new Map<R, Set<K>>();

  const drop = (key: K, ref: R): void => {
    const entries = table.get(key);
    entries?.delete(ref);
    if (entries?.size === 0) table.delete(key);
  };
  const ended = (ref: R): void => {
    for (const key of keysOf.get(ref) ?? []) drop(key, ref);
    keysOf.delete(ref);
  };

  return {
    register(key, ref, ...[value]) {
      const process = needRef(ref, "register.ref");
      if (!process.alive) return { status: "noproc" };
      const entries = table.get(key) ?? new Map<R, V>();
      const [first] = unique ? entries.keys() : entries.has(ref) ? [ref] : [];
      if (first !== undefined) return { status: "already_registered", ref: first };
      table.set(key, entries.set(ref, value as V));
      const keys = keysOf.get(ref);
      if (keys !== undefined) keys.add(key);
      else {
        keysOf.set(ref, new Set([key]));
        const relations = process.relate();
        relations.releases = including(relations.releases, () => ended(ref));
      }
      return { status: "registered" };
    },
    unregister(key, ref) {
      drop(key, ref);
      // Its hook stays: it may be registered again, and finds nothing to release otherwise.
      keysOf.get(ref)?.delete(key);
    },
    lookup: (key) => [...(table.get(key) ?? [])].map(([ref, value]) => ({ ref, value })),
    dispatch(key, tell) {
      needFunction(tell, "dispatch.tell");
      const entries = [...(table.get(key) ?? [])];
      for (const [ref, value] of entries) tell(ref, value);
      return entries.length;
    },
    keys: () => [...table.keys()],
  };
}
