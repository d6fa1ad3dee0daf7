/** Why this exists: one Apache Kafka for all broker tests, started before and stopped after. */
import type { TestProject } from "vitest/node";
import { startKafka } from "./kafka-server.mjs";

declare module "vitest" {
  export interface ProvidedContext {
    kafka: { readonly bootstrap: string; readonly port: number; readonly dir: string };
  }
}

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = await startKafka();
  const { port, dir } = server;
  project.provide("kafka", { bootstrap: `127.0.0.1:${port}`, port, dir });
  return () => server.stop();
}
