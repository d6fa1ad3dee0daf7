import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { holdfast } from "../support/command.ts";

const fixture = (name: string): string =>
  fileURLToPath(new URL(`./fixtures/${name}`, import.meta.url));
const lastLine = (text: string): string => text.trimEnd().split("\n").at(-1) ?? "";
/** Reports are written where the command runs. */
const cwd = mkdtempSync(join(tmpdir(), "sim-command-"));
const sim = (...args: string[]) => holdfast(["sim", ...args], { cwd }).ended;

it("runs the module's handler in simulated worlds and counts them", async () => {
  const { code, stdout } = await sim(fixture("plain.mjs"), "--runs", "30", "--seed", "1", "--json");
  expect(code).toBe(0);
  expect(JSON.parse(lastLine(stdout))).toMatchObject({ runs: 30, seed: 1 });
});

it("tells a broken promise, and plays its token again", async () => {
  const found = await sim(fixture("careless.mjs"), "--seed", "1", "--json");
  expect(found.code).toBe(1);
  expect(found.stderr).toMatch(/^eventually {3}orders\/\d is committed up to 1 of/);
  const { token, invariant } = JSON.parse(lastLine(found.stdout));
  const again = await sim(fixture("careless.mjs"), "--replay", token, "--json");
  expect(again.code).toBe(1);
  expect(JSON.parse(lastLine(again.stdout))).toMatchObject({ invariant, token });
});

it.each([
  ["no module", [], /sim needs a module/],
  ["two modules", ["a.mjs", "b.mjs"], /takes one module.*b\.mjs/],
  ["an unknown option", [fixture("plain.mjs"), "--hope"], /--hope is not an option/],
  ["half a run", [fixture("plain.mjs"), "--runs", "0.5"], /--runs: "0\.5".*whole number from 1/],
  ["a token of another version", [fixture("plain.mjs"), "--replay", "v9.e30"], /this version, v2/],
])("%s is one clear line and exit code 2", async (_what, args, line) => {
  const { code, stdout, stderr } = await sim(...args);
  expect(stderr).toMatch(line);
  expect(stderr.trimEnd().split("\n")).toHaveLength(1);
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
});
