import { expect, it } from "vitest";
import { HandlerError } from "../../actors/handler.ts";
import { addToTotals, newTotals } from "../../src/commands/totals.ts";

const SUBJECT = { at: 0, pid: 1, label: "orders/0" };
const WHERE = { topic: "orders", partition: 0, epoch: 1 };

it("counts records, not offsets: a compacted log has gaps", () => {
  const totals = newTotals();
  const batch = { firstOffset: 10, lastOffset: 90, records: 3 };
  addToTotals(totals, { type: "handling", ...SUBJECT, ...WHERE, ...batch });
  addToTotals(totals, { type: "given_up", ...SUBJECT, ...WHERE, ...batch });
  expect(totals).toMatchObject({ handled: 3, givenUp: 3 });
});

it("counts as crashes what handlers threw, and nothing else", () => {
  const totals = newTotals();
  const handler = new HandlerError("orders", 0, "7", new Error("no"));
  for (const reason of [{ error: handler }, { error: new Error("ours") }, "killed", "shutdown"]) {
    addToTotals(totals, { type: "exited", ...SUBJECT, reason });
  }
  expect(totals.crashes).toBe(1);
});
