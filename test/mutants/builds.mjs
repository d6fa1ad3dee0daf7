/** Why this exists: a mutant is one change of one file, built in a scratch copy, never in place. */
import { execFile } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));
/** Below the repository, so that its packages are found from there. */
const scratchOf = (mode) => join(ROOT, ".cache/mutants", mode);
const SOURCES = ["src", "actors", "supervisors", "tsconfig.json", "package.json"];
/** What the unit tests need beside the sources. */
const TESTED = ["test", "bench", "README.md", "vitest.config.ts", "tsconfig.test.json"];

const run = promisify(execFile);

/** A copy of the sources that holds one mutant after the other. */
export class Builds {
  #scratch;
  #tree;
  #turn = Promise.resolve();

  /** `mode` names the folder: two modes may run beside each other. */
  constructor(mode, { tested = false } = {}) {
    this.#scratch = scratchOf(mode);
    this.#tree = join(this.#scratch, "tree");
    rmSync(this.#scratch, { recursive: true, force: true });
    mkdirSync(this.#tree, { recursive: true });
    for (const part of tested ? [...SOURCES, ...TESTED] : SOURCES) {
      cpSync(join(ROOT, part), join(this.#tree, part), { recursive: true });
    }
    if (tested) symlinkSync(join(ROOT, "node_modules"), join(this.#tree, "node_modules"));
  }

  /** The folder of a build of `mutant`; null: of the sources as they are. */
  build(mutant) {
    const dist = join(this.#scratch, "dist", mutant?.id ?? "unmutated");
    return this.with(mutant, async (tree) => {
      // A type error is no syntax error: the mutant need not be one that a compiler would refuse.
      const options = ["--noCheck", "--declaration", "false", "--outDir", dist];
      await run(join(ROOT, "node_modules/.bin/tsc"), ["-p", tree, ...options]);
      return dist;
    });
  }

  /** Runs `use` while the copy holds the mutant; one at a time. */
  with(mutant, use) {
    const result = this.#turn.then(() => this.#mutated(mutant, use));
    this.#turn = result.catch(() => {});
    return result;
  }

  async #mutated(mutant, use) {
    if (mutant === null) return use(this.#tree);
    const path = join(this.#tree, mutant.file);
    const original = readFileSync(path, "utf8");
    writeFileSync(path, mutate(mutant, original));
    try {
      return await use(this.#tree);
    } finally {
      writeFileSync(path, original);
    }
  }
}

/** The text with its one change; throws where that is not one. */
export function mutate({ id, file, find, replace }, text) {
  const parts = text.split(find);
  if (parts.length !== 2) {
    throw new Error(`${id}: \`find\` occurs ${parts.length - 1} times in ${file}; allowed: once`);
  }
  return parts.join(replace);
}
