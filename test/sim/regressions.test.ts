/**
 * What the simulator found in our own actors, each with the token of its simplest run: every one of
 * these broke a law once.
 */
import { replay } from "holdfast/sim";
import { describe, expect, it } from "vitest";
import { billing, topics } from "./trees.ts";

const found: [string, string][] = [
  [
    "a position that the client moved while no record followed left the group without a commit",
    "v1.eyJ3b3JsZCI6Im9yZGVyczozOzIiLCJyZWNvcmRzIjpbW3sidmFsdWUiOiIwIn0seyJ2YWx1ZSI6IjAifSx7InZhbHVlIjoiMCJ9XV0sImZhdWx0cyI6W3sia2luZCI6ImZldGNoIiwiaG93IjoiZW1wdHkiLCJvbiI6InN0ZXAiLCJudGgiOjEsInRhcmdldCI6MCwibXMiOjB9LHsia2luZCI6ImZldGNoIiwiaG93IjoidHJ1bmNhdGVkIiwib24iOiJoYW5kbGVyX3N0YXJ0ZWQiLCJudGgiOjEsInRhcmdldCI6MCwibXMiOjB9XSwiZmVlZE1zIjowLCJ0YXBlIjoiIn0",
  ],
];

describe("no longer", () => {
  it.each(found)("%s", async (_what, token) => {
    const result = await replay(token, { topics, tree: billing() });
    expect(result.strikes).not.toEqual({});
  });
});
