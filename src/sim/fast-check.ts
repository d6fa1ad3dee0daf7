/** Why this exists: fast-check is an optional peer, and whoever lacks it is told so in one line. */
import type * as FastCheck from "fast-check";

async function load(): Promise<typeof FastCheck> {
  try {
    return await import("fast-check");
  } catch (cause) {
    throw new Error("holdfast/sim needs fast-check: npm install --save-dev fast-check", { cause });
  }
}

export const fc = await load();
