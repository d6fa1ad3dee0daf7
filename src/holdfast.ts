#!/usr/bin/env node
/** The `holdfast` command: picks the sub-command, and turns its errors into a line and a code. */
import { createRequire } from "node:module";
import { BAD_INPUT, CommandError } from "./commands/command-error.ts";
import { DEMO_USAGE, demo } from "./commands/demo.ts";
import { RUN_USAGE, run } from "./commands/run.ts";
import { SIM_USAGE, sim } from "./commands/sim.ts";

const { version } = createRequire(import.meta.url)("holdfast/package.json") as { version: string };
const USAGE = `${RUN_USAGE}\n\n${SIM_USAGE}\n\n${DEMO_USAGE}`;

async function main([command, ...args]: string[]): Promise<void> {
  if (command === "--version") console.log(version);
  else if ([command, ...args].some((arg) => arg === "--help" || arg === "-h")) console.log(USAGE);
  else if (command === "run") await run(args);
  else if (command === "sim") await sim(args);
  else if (command === "demo") await demo(args);
  else {
    const given = command === undefined ? "no command" : `"${command}" is not a command`;
    throw new CommandError(BAD_INPUT, `${given}; allowed: run, sim, demo, --help, --version`);
  }
}

try {
  await main(process.argv.slice(2));
  // A handler that was given up at the deadline may still hold the process open.
  process.exit(process.exitCode ?? 0);
} catch (error) {
  if (!(error instanceof CommandError)) throw error;
  console.error(`holdfast: ${error.message}`);
  process.exit(error.exitCode);
}
