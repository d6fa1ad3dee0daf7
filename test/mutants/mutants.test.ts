/** Why this exists: a mutant whose text has moved would be hunted no more, and nobody would know. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { MUTANTS } from "./mutants.mjs";

const read = (file: string): string =>
  readFileSync(new URL(`../../${file}`, import.meta.url), "utf8");

describe("every mutant", () => {
  it.each(MUTANTS)("$id changes one place of $file", ({ file, find, replace }) => {
    expect(read(file).split(find)).toHaveLength(2);
    expect(replace).not.toBe(find);
  });

  it("has an id of its own, a law that may find it, and a reason", () => {
    expect(new Set(MUTANTS.map(({ id }) => id)).size).toBe(MUTANTS.length);
    const poor = MUTANTS.filter(({ expected, why }) => expected.length === 0 || why === "");
    expect(poor).toEqual([]);
  });
});
