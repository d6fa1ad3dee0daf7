/**
 * Why this exists: fast-check is an optional peer, so it is loaded when it is first needed, and
 * whoever lacks it is told so in one line.
 */
export type FastCheck = typeof import("fast-check");

export async function loadFastCheck(): Promise<FastCheck> {
  try {
    return await import("fast-check");
  } catch (cause) {
    if ((cause as { code?: string }).code !== "ERR_MODULE_NOT_FOUND") throw cause;
    throw new Error("holdfast/sim needs fast-check: npm install --save-dev fast-check", { cause });
  }
}
