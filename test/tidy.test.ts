/**
 * Why this exists: the rules that no linter here knows: who may import whom, how long a file may
 * be, and who may look at a clock.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const FILE_LINES = 300;
/** Files that are longer, each for a reason. */
const LONGER: Record<string, { lines: number; why: string }> = {
  "src/kernel/life.ts": { lines: 380, why: "one life, whose steps lead to each other" },
  "src/drivers/memory-member.ts": { lines: 320, why: "one life, whose steps lead to each other" },
  "src/sim/world.ts": { lines: 340, why: "it holds the other parts together, and is no more" },
  "src/kernel/self.ts": { lines: 340, why: "what a process can do, and its one implementation" },
};

/** Folder to what it may import; longest prefix wins. Null: everything. */
const MAY_IMPORT: Record<string, readonly string[] | null> = {
  "src/kernel/": ["src/kernel/"],
  "src/node/": ["node:", "src/node/", "src/ports/", "src/kernel/"],
  "src/inspect/": ["src/inspect/", "src/ports/", "src/kernel/"],
  "src/ports/": ["src/ports/", "src/kernel/"],
  "src/drivers/": ["kafkajs", "src/drivers/", "src/node/", "src/ports/", "src/kernel/"],
  "actors/": ["xstate", "actors/", "src/ports/", "src/kernel/"],
  "supervisors/": [
    "supervisors/",
    "actors/",
    "src/inspect/",
    "src/node/",
    "src/ports/",
    "src/kernel/",
  ],
  "src/sim/": [
    "fast-check",
    "node:",
    "src/sim/",
    "src/drivers/memory",
    "supervisors/check-child",
    "src/ports/",
    "src/kernel/",
  ],
  "src/commands/": null,
  "src/": null,
};

const sources = ["src", "actors", "supervisors"].flatMap((folder) => filesBelow(folder));

describe("every source file", () => {
  it("imports only what its folder may", () => {
    const wrong: string[] = [];
    for (const file of sources) {
      const allowed = MAY_IMPORT[ruleOf(file)];
      if (allowed === null || allowed === undefined) continue;
      for (const to of imports(file)) {
        if (!allowed.some((prefix) => to.startsWith(prefix))) wrong.push(`${file} -> ${to}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  it("is about 300 lines at most, or has a reason", () => {
    const long = sources
      .map((file) => ({ file, lines: read(file).split("\n").length - 1 }))
      .filter(({ file, lines }) => lines > (LONGER[file]?.lines ?? FILE_LINES));
    expect(long).toEqual([]);
  });

  it("says first why it exists", () => {
    const mute = sources.filter((file) => !/^(#!.*\n)?\/\*\*/.test(read(file)));
    expect(mute).toEqual([]);
  });

  it("reads no clock, no chance and no timer but in the real host, the drivers and the commands", () => {
    const telltale =
      /\b(Date\.now|Math\.random|new Date|performance\.now|setTimeout|setInterval|setImmediate|queueMicrotask|randomUUID)\b(?!:)/;
    // The simulator's guard stands in for them; the rest of it says how long a check really took.
    const allowed = /^src\/(node\/|drivers\/kafkajs|commands\/|sim\/)/;
    const found = sources.filter((file) => !allowed.test(file) && telltale.test(code(file)));
    expect(found).toEqual([]);
  });
});

describe("the kernel", () => {
  const lines = (files: readonly string[]): number =>
    files.flatMap((file) =>
      code(file)
        .split("\n")
        .filter((line) => line.trim() !== ""),
    ).length;

  it("stays tiny: 1,800 lines of code", () => {
    expect(lines(filesBelow("src/kernel"))).toBeLessThanOrEqual(1_800);
  });

  it("has all that runs a message within 600 of them", () => {
    const hot = ["mailbox", "scheduler", "life", "process"].map((it) => `src/kernel/${it}.ts`);
    expect(lines(hot)).toBeLessThanOrEqual(600);
  });
});

describe("the entry holdfast", () => {
  it("loads neither a Kafka client, nor XState, nor a logger", () => {
    const seen = new Set<string>();
    const packages = new Set<string>();
    const visit = (file: string): void => {
      if (seen.has(file)) return;
      seen.add(file);
      for (const to of imports(file)) {
        if (to.includes("/")) visit(to);
        else if (!to.startsWith("node:")) packages.add(to);
      }
    };
    visit("src/index.ts");
    expect([...packages]).toEqual([]);
  });
});

function filesBelow(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return filesBelow(path);
    return entry.name.endsWith(".ts") ? [path] : [];
  });
}

/** The files and packages that are really loaded: types are not. */
function imports(file: string): string[] {
  const found: string[] = [];
  const pattern = /^(?:import|export)\s+(?!type\b)(?:[^"';]*?from\s+)?"([^"]+)";/gm;
  for (const [, to = ""] of code(file).matchAll(pattern)) {
    found.push(to.startsWith(".") ? relative(ROOT, resolve(ROOT, dirname(file), to)) : to);
  }
  return found;
}

function ruleOf(file: string): string {
  const rules = Object.keys(MAY_IMPORT).filter((prefix) => file.startsWith(prefix));
  return rules.sort((a, b) => b.length - a.length)[0] ?? "";
}

function read(file: string): string {
  if (!existsSync(join(ROOT, file))) throw new Error(`${file} is imported and does not exist`);
  return readFileSync(join(ROOT, file), "utf8");
}

const code = (file: string): string =>
  read(file)
    .replace(/\/\*[\s\S]*?\*\//g, "")
    .replace(/^\s*\/\/.*$/gm, "");
