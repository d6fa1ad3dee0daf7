/**
 * Why this exists: one suite that every driver of a log passes, the in-memory Kafka and kafkajs on
 * a real broker alike, so that the simulator is never kinder than the broker.
 */
import { afterAll, afterEach, beforeAll, describe } from "vitest";
import { createBench } from "./contract-bench.ts";
import type { ContractWorld } from "./contract-world.ts";
import { edgeCases } from "./edge-cases.ts";
import { groupCases } from "./group-cases.ts";
import { readingCases } from "./reading-cases.ts";

/** `setup` runs once for the whole suite; the cases use topics and groups of their own. */
export function logDriverContract(name: string, setup: () => Promise<ContractWorld>): void {
  describe(`the log driver contract: ${name}`, () => {
    const bench = createBench();
    let world: ContractWorld | undefined;
    beforeAll(async () => {
      world = await setup();
      bench.open(world);
    });
    afterEach(() => bench.closeAll());
    afterAll(() => world?.close());
    readingCases(bench);
    groupCases(bench);
    edgeCases(bench);
  });
}
