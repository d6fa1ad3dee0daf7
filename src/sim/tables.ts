/** Why this exists: what the laws and the books have in common: tables by member and by place. */

/** A member's new life: what is kept under `"<member> …"` was another's. */
export function forget(table: Map<string, unknown> | Set<string>, member: string): void {
  for (const key of table.keys()) if (key.startsWith(`${member} `)) table.delete(key);
}

/** What a table has under a key; made when it is asked for first. */
export function entryOf<K, V>(table: Map<K, V>, key: K, make: () => V): V {
  const known = table.get(key);
  if (known !== undefined) return known;
  const made = make();
  table.set(key, made);
  return made;
}
