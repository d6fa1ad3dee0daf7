/**
 * Why this exists: a handler that takes long keeps its own mailbox waiting, and a synchronous one
 * the whole thread. Which one it was, nobody can tell afterwards: so it is named when it happens.
 */
import type { Cancel, Host } from "../kernel/host.ts";
import type { HandlerWatch, Kernel } from "../kernel/kernel.ts";
import { KIND_NAMES, type Kind } from "../kernel/letter.ts";
import type { Process } from "../kernel/process.ts";
import "./events.ts";

export class LongHandlers implements HandlerWatch {
  readonly #kernel: Kernel;
  readonly #host: Host;
  readonly #limitMs: number;

  constructor(kernel: Kernel, limitMs: number) {
    this.#kernel = kernel;
    this.#host = kernel.host;
    this.#limitMs = limitMs;
  }

  began(): number {
    return this.#host.now();
  }

  returned(process: Process, kind: Kind, name: string, began: number): void {
    const ms = this.#host.now() - began;
    if (ms > this.#limitMs) this.#tell(process, kind, name, ms, false);
  }

  /** It goes on: told once it has gone on for too long, and not only when it has ended. */
  awaits(process: Process, kind: Kind, name: string): Cancel {
    const ms = this.#limitMs;
    const cancel = this.#host.timer(ms, () => {
      if (process.alive) this.#tell(process, kind, name, ms, true);
    });
    // With its timers, so that it ends with the process.
    return process.keepTimer(cancel);
  }

  #tell({ id: pid, label }: Process, kind: Kind, name: string, ms: number, awaits: boolean): void {
    this.#kernel.emit({
      type: "long_handler",
      pid,
      label,
      kind: KIND_NAMES[kind],
      name,
      ms,
      awaits,
    });
  }
}
