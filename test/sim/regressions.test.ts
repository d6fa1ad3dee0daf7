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
    "v2.eyJ3b3JsZCI6Im9yZGVyczozOzIiLCJzZWVkIjozLCJydW4iOjIxOCwicmVjb3JkcyI6W1t7InZhbHVlIjoiMCJ9LHsidmFsdWUiOiIwIn0seyJ2YWx1ZSI6IjAifV1dLCJmYXVsdHMiOlt7ImtpbmQiOiJmZXRjaCIsImhvdyI6ImVtcHR5Iiwib24iOiJzdGVwIiwibnRoIjoxLCJ0YXJnZXQiOjAsIm1zIjowfSx7ImtpbmQiOiJmZXRjaCIsImhvdyI6InRydW5jYXRlZCIsIm9uIjoiaGFuZGxlcl9zdGFydGVkIiwibnRoIjoxLCJ0YXJnZXQiOjAsIm1zIjowfV0sImZlZWRNcyI6MCwiY2hhbmNlU2VlZCI6MCwidGFwZSI6IiJ9.2b8nq0",
  ],
];

describe("no longer", () => {
  it.each(found)("%s", async (_what, token) => {
    const result = await replay(token, { topics, tree: billing() });
    expect(result.strikes).not.toEqual({});
  });
});
