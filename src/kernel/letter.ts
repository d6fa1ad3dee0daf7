/** Why this exists: what a message is, whoever carries it. */

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
 * What its parts are, by its kind:
 *
 * | kind | name | body | extra |
 * | --- | --- | --- | --- |
 * | `CAST` | the cast's | its argument, or several packed: see `args.ts` | null |
 * | `CAST_TWO` | the cast's | the first of its two arguments | the second |
 * | `CALL` | the call's | as a cast's | the `Call` |
 * | `INFO` | `info`, `DOWN`, `timeout` | the message | null; the `Watch`; the message |
 * | `EXIT` | `EXIT` | the reason | who sent it, null: the application |
 * | `RUN` | its label | what is to be run | null |
 * | `INIT` | `init` | the start arguments | null |
 */
export interface Letter {
  kind: Kind;
  name: string;
  body: unknown;
  extra: unknown;
}
