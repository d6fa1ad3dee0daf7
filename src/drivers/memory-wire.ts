/**
 * Why this exists: what lies between a client and the in-memory broker. A request takes time on its
 * way out and its answer on the way back, so a connection may break before the broker heard it or
 * after it acted; and a client may be frozen, as by SIGSTOP, while the broker's time goes on.
 */
import type { Cancel, Host } from "../kernel/host.ts";
import { DriverError } from "../ports/driver-error.ts";
import { failed, ok, type Result } from "../ports/result.ts";

export type Answer<T> = Result<T, DriverError>;

/** What the broker does with a request: it may answer at once, later, or never. */
export type Serve<T> = (reply: (value: T) => void) => void;

export interface Network {
  readonly host: Host;
  /** One way, in milliseconds. */
  readonly latencyMs: number;
  /** Every open connection, so that a broker that stops breaks them all. */
  readonly wires: Set<Wire>;
  up: boolean;
}

export const unreachable = (): DriverError =>
  new DriverError("unreachable", "the in-memory broker does not answer", { retriable: true });

export const closed = (): DriverError =>
  new DriverError("closed", "this connection was closed", { retriable: false });

interface Pending {
  fail(error: DriverError): void;
}

export class Wire {
  readonly #network: Network;
  readonly #pending = new Set<Pending>();
  #queue: (() => void)[] = [];
  #frozen = false;
  #cut = false;
  #closed = false;

  constructor(network: Network) {
    this.#network = network;
    network.wires.add(this);
  }

  /** `settle` is called exactly once, never synchronously. */
  request<T>(serve: Serve<T>, settle: (answer: Answer<T>) => void): void {
    this.run(() => this.#send(serve, settle));
  }

  /** Runs client code: now, or once thawed. */
  run(code: () => void): void {
    if (this.#frozen) this.#queue.push(code);
    else code();
  }

  /** A timer of the client: it fires late where the client is frozen. */
  timer(ms: number, fire: () => void): Cancel {
    let live = true;
    const cancel = this.#network.host.timer(ms, () => this.run(() => live && fire()));
    return () => {
      live = false;
      cancel();
    };
  }

  /** Breaks the connection once. What has not arrived is lost, what has arrived lost its answer. */
  drop(): void {
    for (const pending of [...this.#pending]) pending.fail(unreachable());
  }

  /** Breaks the connection until `mend`. */
  cut(): void {
    this.#cut = true;
    this.drop();
  }

  mend(): void {
    this.#cut = false;
  }

  freeze(): void {
    this.#frozen = true;
  }

  thaw(): void {
    this.#frozen = false;
    while (!this.#frozen) {
      const code = this.#queue.shift();
      if (code === undefined) return;
      code();
    }
  }

  close(): void {
    this.#closed = true;
    this.#network.wires.delete(this);
    for (const pending of [...this.#pending]) pending.fail(closed());
  }

  #send<T>(serve: Serve<T>, settle: (answer: Answer<T>) => void): void {
    const { host, latencyMs } = this.#network;
    const settleLater = (answer: Answer<T>): void => {
      // A closed connection is nobody's any more: its callers must hear so, frozen or not.
      host.timer(latencyMs, () => (this.#closed ? settle(answer) : this.run(() => settle(answer))));
    };
    const pending: Pending = {
      fail: (error) => {
        if (this.#pending.delete(pending)) settleLater(failed(error));
      },
    };
    // Until the answer has arrived the request is pending: the connection may still break.
    const arrive = (value: T): void => {
      if (this.#pending.delete(pending)) this.run(() => settle(ok(value)));
    };
    this.#pending.add(pending);
    if (this.#closed) pending.fail(closed());
    host.timer(latencyMs, () => {
      if (!this.#pending.has(pending)) return;
      if (this.#cut || !this.#network.up) pending.fail(unreachable());
      else serve((value) => void host.timer(latencyMs, () => arrive(value)));
    });
  }
}
