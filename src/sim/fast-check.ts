/**
 * Why this exists: fast-check is an optional peer, so it is loaded when it is first needed, and
 * whoever lacks it is told so in one line.
 */
export type FastCheck = typeof import("fast-check");

/** The message is the line that installs it. */
export class MissingPeerError extends Error {
  override readonly name = "MissingPeerError";
}

export async function loadFastCheck(): Promise<FastCheck> {
  try {
    return await import("fast-check");
  } catch (cause) {
    if ((cause as { code?: string }).code !== "ERR_MODULE_NOT_FOUND") throw cause;
    const line = "holdfast/sim needs fast-check: npm install --save-dev fast-check";
    throw new MissingPeerError(line, { cause });
  }
}
