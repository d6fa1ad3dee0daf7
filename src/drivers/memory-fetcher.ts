/**
 * Why this exists: the fetch loop of one member of the in-memory Kafka. Like kafkajs it has one
 * fetch under way over everything attached and not paused, and drops what came for a partition that
 * was paused, detached or attached anew meanwhile.
 */
import type { Cancel } from "../kernel/host.ts";
import type { AssignedPartition, Route } from "../ports/log-driver.ts";
import type { FetchAnswer, FetchPosition, MemoryBroker } from "./memory-broker.ts";
import type { GroupError } from "./memory-protocol.ts";
import type { Answer, Wire } from "./memory-wire.ts";
import type { Owned, Routes } from "./routes.ts";

/** How long to wait after a request that nobody answered. */
const RETRY_MS = 100;

export interface FetcherOptions {
  readonly broker: MemoryBroker;
  readonly wire: Wire;
  readonly routes: Routes;
  readonly maxBytes: number;
  readonly maxWaitMs: number;
  readonly resetPolicy: "earliest" | "latest";
  /** Whether this member has an assignment and is not about to give it up. */
  active(): boolean;
  /** Commits a raw offset under the member's present generation. */
  commitRaw(partition: Owned, offset: number): GroupError | null;
}

/** What the loop knows of an owned partition beside its route. */
interface Flow {
  /** Counts every attach, detach, pause and resume: what was asked before one of them is void. */
  serial: number;
  /** The client is moving out of range; nothing is fetched. */
  resetting: boolean;
}

interface Asked extends FetchPosition {
  readonly owned: Owned;
  readonly serial: number;
}

export class MemoryFetcher {
  readonly #options: FetcherOptions;
  readonly #flows = new WeakMap<Owned, Flow>();
  #inFlight = false;
  #cancelRetry: Cancel = () => {};

  constructor(options: FetcherOptions) {
    this.#options = options;
  }

  attach(route: Route): boolean {
    const owned = this.#options.routes.attach(route);
    if (owned === undefined) return false;
    this.#check(owned);
    return true;
  }

  detach(partition: AssignedPartition): void {
    const owned = this.#options.routes.detach(partition);
    if (owned !== undefined) this.#renew(owned);
  }

  pause(partition: AssignedPartition): void {
    const owned = this.#options.routes.current(partition);
    if (owned === undefined) return;
    owned.paused = true;
    this.#renew(owned);
  }

  resume(partition: AssignedPartition): void {
    const owned = this.#options.routes.current(partition);
    if (owned === undefined || owned.route === null || !owned.paused) return;
    this.#check(owned);
  }

  stop(): void {
    this.#cancelRetry();
  }

  /** Fetches, unless a fetch is under way or nothing is wanted. */
  poll(): void {
    const { broker, wire, maxBytes, maxWaitMs } = this.#options;
    if (this.#inFlight || !this.#options.active()) return;
    const asked = this.#wanted();
    if (asked.length === 0) return;
    this.#inFlight = true;
    this.#cancelRetry();
    wire.request<FetchAnswer[]>(
      "fetch",
      (reply, { maxBytes: limit = maxBytes }) => {
        if (limit === 0) reply([]);
        else broker.fetch(asked, { maxBytes: Math.min(limit, maxBytes), maxWaitMs }, reply);
      },
      (answer) => {
        this.#inFlight = false;
        if (answer.ok) this.#take(asked, answer.value);
        this.#pollAfter(answer.ok);
      },
    );
  }

  #pollAfter(answered: boolean): void {
    if (answered) this.poll();
    else this.#cancelRetry = this.#options.wire.timer(RETRY_MS, () => this.poll());
  }

  #wanted(): Asked[] {
    const asked: Asked[] = [];
    for (const owned of this.#options.routes.owned()) {
      const { serial, resetting } = this.#flow(owned);
      if (owned.route === null || owned.paused || resetting) continue;
      const { topic, partition, position } = owned;
      asked.push({ owned, serial, topic, partition, offset: position });
    }
    return asked;
  }

  #take(asked: readonly Asked[], answers: readonly FetchAnswer[]): void {
    for (const { topic, partition, fetched } of answers) {
      const ask = asked.find((each) => each.topic === topic && each.partition === partition);
      // Each batch that is handed on may pause, detach or close: ask anew for every one.
      if (ask === undefined || !this.#options.active() || !this.#stands(ask)) continue;
      if (fetched === null) this.#reset(ask.owned);
      else this.#options.routes.deliver(fetched);
    }
  }

  /** The route's position is let through to fetching only once the log is known to hold it. */
  #check(owned: Owned): void {
    const { broker, wire, routes } = this.#options;
    const { topic, partition } = owned;
    owned.paused = true;
    const serial = this.#renew(owned);
    const settle = (answer: Answer<{ earliest: number; latest: number }>): void => {
      if (!this.#stands({ owned, serial })) return;
      if (!answer.ok) {
        wire.timer(RETRY_MS, () => this.#stands({ owned, serial }) && this.#check(owned));
        return;
      }
      const { earliest, latest } = answer.value;
      const { position, route } = owned;
      if (position >= earliest && position <= latest) {
        owned.paused = false;
        this.poll();
        return;
      }
      routes.detach(owned);
      route?.outOfRange({ position, earliest, latest });
    };
    wire.request(
      "range",
      (reply) => {
        const log = broker.log(topic, partition);
        reply({ earliest: log.earliest, latest: log.end });
      },
      settle,
    );
  }

  /**
   * As kafkajs: destroys the group's committed offset before anybody can decide. Were this kinder,
   * nobody would be ready for the real one.
   */
  #reset(owned: Owned): void {
    const { broker, wire, resetPolicy, routes, commitRaw } = this.#options;
    const { topic, partition, position } = owned;
    const flow = this.#flow(owned);
    const { serial } = flow;
    flow.resetting = true;
    wire.request<{ earliest: number; latest: number }>(
      "reset",
      (reply) => {
        commitRaw(owned, resetPolicy === "earliest" ? -2 : -1);
        const log = broker.log(topic, partition);
        reply({ earliest: log.earliest, latest: log.end });
      },
      (answer) => {
        if (!this.#stands({ owned, serial })) return;
        flow.resetting = false;
        if (!answer.ok) {
          this.#pollAfter(false);
          return;
        }
        const { route } = owned;
        routes.detach(owned);
        route?.outOfRange({ position, ...answer.value });
      },
    );
  }

  #flow(owned: Owned): Flow {
    const known = this.#flows.get(owned);
    if (known !== undefined) return known;
    const flow: Flow = { serial: 0, resetting: false };
    this.#flows.set(owned, flow);
    return flow;
  }

  #renew(owned: Owned): number {
    const flow = this.#flow(owned);
    flow.resetting = false;
    flow.serial += 1;
    return flow.serial;
  }

  /** Whether nothing was asked of this partition since `serial`, and it is still ours. */
  #stands({ owned, serial }: { readonly owned: Owned; readonly serial: number }): boolean {
    const current = this.#options.routes.current(owned) === owned;
    return current && this.#flow(owned).serial === serial;
  }
}
