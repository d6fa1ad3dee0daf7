/**
 * Why this exists: what lies between a client and the in-memory broker. A request takes time on its
 * way out and its answer on the way back, in order as on one connection, so a connection may break
 * before the broker heard it or after it acted; and a client may be frozen, as by SIGSTOP, while the
 * broker's time goes on. A consumer asks for offsets over a second connection, its admin client's,
 * as with kafkajs: what goes over one may overtake what goes over the other.
 */
import type { Cancel, Host } from "../kernel/host.ts";
import { DriverError } from "../ports/driver-error.ts";
import { failed, ok, type Result } from "../ports/result.ts";

export type Answer<T> = Result<T, DriverError>;

/** What the broker does with a request: it may answer at once, later, or never. */
export type Serve<T> = (reply: (value: T) => void, passage: Passage) => void;

export type RequestKind =
  | "commit"
  | "fetch"
  | "heartbeat"
  | "join"
  | "leave"
  | "partitions"
  | "positions"
  | "produce"
  | "range"
  | "reset"
  | "sync";

/** What one request meets on its way. */
export interface Passage {
  /** Milliseconds to the broker, and of the answer back. */
  readonly outMs: number;
  readonly backMs: number;
  /** The connection breaks before the broker hears the request, or after it acted on it. */
  readonly breaks?: "before" | "after";
  /**
   * The connection breaks, and yet the request reaches the broker: when `arrive` is called. Its
   * answer is nobody's.
   */
  readonly strays?: (arrive: () => void) => void;
  /** The broker acts on it twice, as on a request that was sent again. */
  readonly twice?: boolean;
  /** A fetch brings at most so many bytes of a partition; 0: nothing. */
  readonly maxBytes?: number;
}

export interface Network {
  readonly host: Host;
  /** Every open connection, so that a broker that stops breaks them all. */
  readonly wires: Set<Wire>;
  up: boolean;
  /** Asked for every request, when it is sent, by the host of its client. */
  passage(kind: RequestKind, client: Host): Passage;
}

// Made once: a stack would tell nothing, and to take one is most of what a lost answer costs.
export const UNREACHABLE = new DriverError("unreachable", "the in-memory broker does not answer", {
  retriable: true,
});

export const CLOSED = new DriverError("closed", "this connection was closed", { retriable: false });

interface Pending {
  fail(error: DriverError): void;
}

/** One connection: when the last request arrives, and the last answer. None overtakes another. */
interface Lane {
  outUntil: number;
  backUntil: number;
}

const ADMIN: ReadonlySet<RequestKind> = new Set(["positions", "range"]);

export class Wire {
  /** The client's: whatever it does runs there, and not where the broker's time is. */
  readonly host: Host;
  readonly #network: Network;
  readonly #pending = new Set<Pending>();
  #queue: (() => void)[] = [];
  #frozen = false;
  #cut = false;
  #closed = false;
  readonly #consumer: Lane = { outUntil: 0, backUntil: 0 };
  readonly #admin: Lane = { outUntil: 0, backUntil: 0 };

  constructor(network: Network, host: Host) {
    this.#network = network;
    this.host = host;
    network.wires.add(this);
  }

  /** `settle` is called exactly once, never synchronously. */
  request<T>(kind: RequestKind, serve: Serve<T>, settle: (answer: Answer<T>) => void): void {
    this.run(() => this.#send(kind, serve, settle));
  }

  /** Runs client code: now, or once thawed. */
  run(code: () => void): void {
    if (this.#frozen) this.#queue.push(code);
    else code();
  }

  /** A timer of the client: it fires late where the client is frozen. */
  timer(ms: number, fire: () => void): Cancel {
    let live = true;
    const cancel = this.host.timer(ms, () => this.run(() => live && fire()));
    return () => {
      live = false;
      cancel();
    };
  }

  /** Breaks the connection once. What has not arrived is lost, what has arrived lost its answer. */
  drop(): void {
    for (const pending of [...this.#pending]) pending.fail(UNREACHABLE);
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
    for (const pending of [...this.#pending]) pending.fail(CLOSED);
  }

  #send<T>(kind: RequestKind, serve: Serve<T>, settle: (answer: Answer<T>) => void): void {
    const { host } = this.#network;
    const passage = this.#network.passage(kind, this.host);
    const { outMs, backMs, breaks, strays, twice } = passage;
    const lane = ADMIN.has(kind) ? this.#admin : this.#consumer;
    const pending: Pending = {
      fail: (error) => {
        if (!this.#pending.delete(pending)) return;
        // A closed connection is nobody's any more: its callers must hear so, frozen or not.
        const tell = (): void => settle(failed(error));
        this.host.timer(backMs, () => (this.#closed ? tell() : this.run(tell)));
      },
    };
    // Until the answer has arrived the request is pending: the connection may still break.
    const arrive = (value: T): void => {
      if (this.#pending.delete(pending)) this.run(() => settle(ok(value)));
    };
    const reply = (value: T): void => {
      if (breaks === "after") {
        this.drop();
        return;
      }
      lane.backUntil = Math.max(lane.backUntil, host.now() + backMs);
      this.host.timer(lane.backUntil - host.now(), () => arrive(value));
    };
    this.#pending.add(pending);
    if (this.#closed) pending.fail(CLOSED);
    lane.outUntil = Math.max(lane.outUntil, host.now() + outMs);
    host.timer(lane.outUntil - host.now(), () => {
      if (!this.#pending.has(pending)) return;
      if (this.#cut || !this.#network.up) pending.fail(UNREACHABLE);
      else if (breaks === "before") this.drop();
      else if (strays !== undefined) {
        strays(() => this.#network.up && serve(() => {}, passage));
        this.drop();
      } else {
        if (twice === true) serve(() => {}, passage);
        serve(reply, passage);
      }
    });
  }
}
