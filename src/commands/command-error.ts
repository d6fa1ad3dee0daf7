/** Why this exists: what a command says in one line before it ends, and the exit code it ends with. */

export const BAD_INPUT = 2;
export const FAILED = 1;

export class CommandError extends Error {
  override readonly name = "CommandError";
  readonly exitCode: number;

  constructor(exitCode: number, message: string) {
    super(message.split("\n", 1)[0]);
    this.exitCode = exitCode;
  }
}
