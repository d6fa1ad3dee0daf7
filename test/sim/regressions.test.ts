/**
 * What the simulator found in our own actors, each with the token of its simplest run: every one of
 * these broke a law once.
 */
import { type CheckOptions, replay } from "holdfast/sim";
import { describe, expect, it } from "vitest";
import { billing, topics } from "./trees.ts";

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

const found: [string, string, CheckOptions][] = [
  [
    "a position that the client moved while no record followed left the group without a commit",
    "v2.eyJ3b3JsZCI6Im9yZGVyczozOzIiLCJzZWVkIjozLCJydW4iOjIxOCwicmVjb3JkcyI6W1t7InZhbHVlIjoiMCJ9LHsidmFsdWUiOiIwIn0seyJ2YWx1ZSI6IjAifV1dLCJmYXVsdHMiOlt7ImtpbmQiOiJmZXRjaCIsImhvdyI6ImVtcHR5Iiwib24iOiJzdGVwIiwibnRoIjoxLCJ0YXJnZXQiOjAsIm1zIjowfSx7ImtpbmQiOiJmZXRjaCIsImhvdyI6InRydW5jYXRlZCIsIm9uIjoiaGFuZGxlcl9zdGFydGVkIiwibnRoIjoxLCJ0YXJnZXQiOjAsIm1zIjowfV0sImZlZWRNcyI6MCwiY2hhbmNlU2VlZCI6MCwidGFwZSI6IiJ9.2b8nq0",
    { topics, tree: billing() },
  ],
  [
    "a release was lost when its call to the workers' supervisor took longer than 5 s: held for ever",
    "v2.eyJ3b3JsZCI6Im9yZGVyczozOzIiLCJzZWVkIjoxNywicnVuIjo2MDIsInJlY29yZHMiOltbeyJ2YWx1ZSI6IjAifSx7InZhbHVlIjoiMCJ9LHsidmFsdWUiOiIwIn1dXSwiZmF1bHRzIjpbeyJraW5kIjoicGF1c2UiLCJob3ciOiJtZW1iZXIiLCJvbiI6ImpvaW5lZCIsIm50aCI6MiwidGFyZ2V0IjowLCJtcyI6NTAwMH1dLCJmZWVkTXMiOjAsImNoYW5jZVNlZWQiOi01NDExNzYwMzksInRhcGUiOiItMTEsMiwtMTAsMywtMzIsMSwxIn0.um1gs8",
    { topics, tree: billing() },
  ],
  [
    "a position out of range was decided by a committed offset that a commit under way made old",
    "v2.eyJ3b3JsZCI6Im9yZGVyczoxOzIiLCJzZWVkIjoyLCJydW4iOjM1MCwicmVjb3JkcyI6W1t7InZhbHVlIjoiMTAifSx7InZhbHVlIjoiMTAifSx7InZhbHVlIjoiMCJ9LHsidmFsdWUiOiIwIn0seyJ2YWx1ZSI6IjEwIn0seyJ2YWx1ZSI6IjAifSx7InZhbHVlIjoiMCJ9LHsidmFsdWUiOiIwIn1dXSwiZmF1bHRzIjpbeyJraW5kIjoiZmV0Y2giLCJob3ciOiJ0cnVuY2F0ZWQiLCJvbiI6ImFja2VkIiwibnRoIjo1LCJ0YXJnZXQiOjAsIm1zIjowfV0sImZlZWRNcyI6MCwiY2hhbmNlU2VlZCI6LTE0MDUwNjY5ODksInRhcGUiOiItMzUsMywtNjgsMyJ9.1p5ccgc",
    {
      topics: { orders: { partitions: 1 } },
      tree: billing({
        ...{ autoCommitInterval: 20, prefetchCount: 2, prefetchBytes: 4 },
        eachMessage: () => pause(10),
      }),
    },
  ],
  [
    "a partition whose owner was killed before its first commit was read from the end of then",
    "v2.eyJ3b3JsZCI6Im9yZGVyczoyOzIiLCJzZWVkIjoyLCJydW4iOjE2LCJyZWNvcmRzIjpbW3sidmFsdWUiOiIwIn1dXSwiZmF1bHRzIjpbeyJraW5kIjoia2lsbCIsImhvdyI6Im1lbWJlciIsIm9uIjoiam9pbmVkIiwibnRoIjoxLCJ0YXJnZXQiOjAsIm1zIjowfV0sImZlZWRNcyI6MjAsImNoYW5jZVNlZWQiOjEzOTY3MDU1NTUsInRhcGUiOiIifQ.1msnz8m",
    {
      topics: { orders: { partitions: 2 } },
      tree: billing({ beginOffset: "latest", eachMessage: () => pause(10) }),
    },
  ],
  [
    "a new partition was read from its start by one member and from its end by another",
    "v2.eyJ3b3JsZCI6Im9yZGVyczoyOzIiLCJzZWVkIjoxMDEsInJ1biI6MTA2NCwicmVjb3JkcyI6W1t7InZhbHVlIjoiMCJ9LHsidmFsdWUiOiIwIn0seyJ2YWx1ZSI6IjAifSx7InZhbHVlIjoiMCJ9LHsidmFsdWUiOiIwIn0seyJ2YWx1ZSI6IjAifV1dLCJmYXVsdHMiOlt7ImtpbmQiOiJzdG9wIiwiaG93IjoibWVtYmVyIiwib24iOiJhY2tlZCIsIm50aCI6MSwidGFyZ2V0IjoyNywibXMiOjB9LHsia2luZCI6InN0b3AiLCJob3ciOiJtZW1iZXIiLCJvbiI6Im9wZW5lZCIsIm50aCI6MSwidGFyZ2V0IjoxMSwibXMiOjB9LHsia2luZCI6ImJyb2tlclJlc3RhcnQiLCJob3ciOiJicm9rZXIiLCJvbiI6ImNvbW1pdF9yZXF1ZXN0ZWQiLCJudGgiOjIsInRhcmdldCI6MCwibXMiOjQwMDAwfV0sImZlZWRNcyI6MCwiY2hhbmNlU2VlZCI6LTQ1NzgzMTcyOSwidGFwZSI6Ii0yODQsMSwtMiwzLC0yMCwxLC0xNSwzIn0.101sdap",
    {
      topics: { orders: { partitions: 2 } },
      tree: billing({
        ...{ beginOffset: "latest", sessionTimeout: 6_000, heartbeatInterval: 1_000 },
        eachMessage: ({ message }) => (message.offset === "1" ? pause(5) : undefined),
      }),
    },
  ],
  [
    "a worker was not told to hold when the drain was shorter than a question to its supervisor",
    "v2.eyJ3b3JsZCI6Im9yZGVyczoyOzIiLCJzZWVkIjoyLCJydW4iOjg2OSwicmVjb3JkcyI6W1t7InZhbHVlIjoiMCJ9LHsidmFsdWUiOiIwIn0seyJ2YWx1ZSI6IjAifSx7InZhbHVlIjoiMCJ9LHsidmFsdWUiOiIwIn0seyJ2YWx1ZSI6IjAifV1dLCJmYXVsdHMiOlt7ImtpbmQiOiJyZWJhbGFuY2UiLCJob3ciOiJ1bmhlYXJkIiwib24iOiJoYW5kbGVyX2VuZGVkIiwibnRoIjoxLCJ0YXJnZXQiOjAsIm1zIjowfV0sImZlZWRNcyI6MCwiY2hhbmNlU2VlZCI6MTUyMzI5MzMyOSwidGFwZSI6Ii05LDEsMSwtMSwyLC0xMSwxLC03LDEsLTMsMSwtMzcsMSwtMiwxLC0zLDEifQ.152t8u6",
    {
      topics: { orders: { partitions: 2 } },
      tree: billing({ drainTimeoutMs: 0, heartbeatInterval: 20, eachMessage: () => pause(15) }),
    },
  ],
];

describe("no longer", () => {
  it.each(found)("%s", async (_what, token, options) => {
    const result = await replay(token, options);
    expect(result.strikes).not.toEqual({});
  });
});
