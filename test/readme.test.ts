/**
 * Why this exists: the README is the manual, so its programs compile, run, and print what it says;
 * and the tests that it names exist.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
/** Within the package, so that `holdfast` means what it means to a user: the built entry. */
const WORK = join(ROOT, ".cache", "readme");
const README = readFileSync(join(ROOT, "README.md"), "utf8");

interface Program {
  readonly code: string;
  /** What it prints; `…` stands for any lines. Empty: whatever it likes. */
  readonly output: string;
}

const programs: Program[] = [
  ...README.matchAll(/```ts\n([\s\S]*?)```(?:\n\n```text\n([\s\S]*?)```)?/g),
].map(([, code = "", output = ""]) => ({ code, output }));

describe("the README's programs", () => {
  beforeAll(() => {
    rmSync(WORK, { recursive: true, force: true });
    mkdirSync(WORK, { recursive: true });
    for (const [i, { code }] of programs.entries())
      writeFileSync(join(WORK, `program-${i}.ts`), code);
    const options = {
      extends: "../../tsconfig.json",
      compilerOptions: { rootDir: ".", outDir: "out", declaration: false },
      include: ["*.ts"],
    };
    writeFileSync(join(WORK, "tsconfig.json"), JSON.stringify(options));
    execFileSync("npx", ["tsc", "-p", WORK], { cwd: ROOT, stdio: "inherit" });
  }, 60_000);

  it("are there", () => {
    expect(programs.length).toBeGreaterThanOrEqual(3);
  });

  it.each(programs.map((program, i) => [i, program] as const))(
    "number %i runs and prints what it says",
    (i, { output }) => {
      const { status, stdout, stderr } = spawnSync(
        process.execPath,
        [join(WORK, "out", `program-${i}.js`)],
        {
          encoding: "utf8",
          timeout: 20_000,
        },
      );
      expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
      expect(stdout).toMatch(patternOf(output));
    },
  );
});

describe("the README's promises", () => {
  const rows = README.split("\n").filter((line) => /^\| \d+ \|/.test(line));

  it("are ten, and each names tests that exist", () => {
    expect(rows).toHaveLength(10);
    for (const row of rows) {
      const named = [...row.matchAll(/`(test\/[^`]+)`/g)].map(([, path = ""]) => path);
      expect(named, row).not.toEqual([]);
      for (const path of named) expect(existsSync(join(ROOT, path)), path).toBe(true);
    }
  });
});

function patternOf(output: string): RegExp {
  const parts = output.split("…\n").map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join("[\\s\\S]*")}`);
}
