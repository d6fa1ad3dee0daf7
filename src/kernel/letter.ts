/** Why this exists: what a message is, whoever carries it. */

/** What a message is for. `CAST_TWO`: a cast with two arguments, which needs no third place. */
export const CAST = 0;
export const CAST_TWO = 1;
export const CALL = 2;
export const INFO = 3;
export const EXIT = 4;
export const RUN = 5;
export const INIT = 6;
export type Kind = 0 | 1 | 2 | 3 | 4 | 5 | 6;
export const KIND_NAMES = ["cast", "cast", "call", "info", "exit", "run", "init"] as const;

/**
 * The slots of one message. `body`: arguments, message or function; `extra`: the call, the second
 * argument or null.
 */
export interface Letter {
  kind: Kind;
  name: string;
  body: unknown;
  extra: unknown;
}
