/** `holdfast demo`, which is `npm start`. */
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { holdfast } from "../support/command.ts";

const KEPT = { lost: 0, commitRegressions: 0, commitsPastUnacked: 0, lag: 0 };

describe("the demo", () => {
  it("loses nothing and says so in one JSON object", async () => {
    const { code, stdout } = await holdfast(["demo", "--json"]).ended;
    const totals = JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? "");
    expect(totals).toMatchObject({ records: 4_000, handled: 4_000, ...KEPT });
    expect(totals.crashes).toBeGreaterThan(0);
    expect(code).toBe(0);
  });

  it("shows the tree and the offsets as plain lines, and takes the lines of a file", async () => {
    const file = fileURLToPath(new URL("../../package-lock.json", import.meta.url));
    const { code, stdout } = await holdfast(["demo", "--file", file]).ended;
    expect(code).toBe(0);
    expect(stdout).toContain("├─ group-manager");
    expect(stdout).toContain("partition  committed  lowest unacked     lag");
    expect(stdout).toMatch(/lost +0\n/);
  });

  it("refuses a file that is not there", async () => {
    const { code, stderr } = await holdfast(["demo", "--file", "/nowhere/at/all"]).ended;
    expect(stderr).toBe(
      "holdfast: --file: /nowhere/at/all cannot be read (ENOENT); allowed: a text file\n",
    );
    expect(code).toBe(2);
  });
});
