/** Why this exists: what the demo shows a person, as plain lines. */
import type { System } from "../../supervisors/system.ts";
import type { DemoTotals, Ledger } from "./demo-ledger.ts";

export function printProgress(system: System, ledger: Ledger, elapsedMs: number): void {
  console.log(`\n— ${Math.round(elapsedMs / 1_000)} s`);
  console.log(String(system.tree()));
  console.log("partition  committed  lowest unacked     lag");
  for (const { partition, committed, lowestUndone, end } of ledger.partitions()) {
    const cells = [`orders/${partition}`.padEnd(9), ...[committed, lowestUndone, end - committed]];
    const [name, at, lowest, lag] = cells.map(String);
    console.log(`${name} ${at?.padStart(10)} ${lowest?.padStart(15)} ${lag?.padStart(7)}`);
  }
}

export function printSummary(totals: DemoTotals): void {
  console.log("\ncounted by the ledger of the handler's effects and of every commit");
  for (const [name, value] of Object.entries(totals)) {
    console.log(`  ${name.padEnd(20)} ${String(value).padStart(7)}`);
  }
}
