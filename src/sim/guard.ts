/**
 * Why this exists: user code reads clocks, rolls dice and sets timers. While a world moves it gets
 * the simulated ones, so that the same seed is the same run; afterwards everything is as it was.
 */
import { promisify } from "node:util";
import type { Host } from "../kernel/host.ts";
import type { Chance } from "./chance.ts";
import { EPOCH_MS } from "./clock.ts";
import { countedTick } from "./drain.ts";
import { SimTimers } from "./sim-timers.ts";

export interface GuardOptions {
  /** Whose code runs just now. */
  host(): Host;
  readonly chance: Chance;
  /** Whether nothing stands in for a global: it is told by its name, and throws. */
  readonly strict: boolean;
  /** Whose code runs just now has done what breaks a law. */
  blame(law: string, deed: string): void;
}

type Place = readonly [owner: object, name: string, value: unknown];

const RealDate = Date;

export class Guard {
  readonly #places: readonly Place[];
  #before: { owner: object; name: string; was: PropertyDescriptor | undefined }[] = [];

  constructor(options: GuardOptions) {
    this.#places = [
      ...(options.strict ? refusals(options) : standIns(options)),
      [process, "exit", noExit(options)],
    ];
  }

  enter(): void {
    if (this.#before.length > 0) return;
    this.#before = this.#places.map(([owner, name, value]) => {
      const was = Object.getOwnPropertyDescriptor(owner, name);
      Object.defineProperty(owner, name, { value, configurable: true, writable: true });
      return { owner, name, was };
    });
  }

  leave(): void {
    for (const { owner, name, was } of this.#before.splice(0)) {
      if (was === undefined) Reflect.deleteProperty(owner, name);
      else Object.defineProperty(owner, name, was);
    }
  }
}

function standIns({ host, chance }: GuardOptions): Place[] {
  const timers = new SimTimers(host);
  const setTimeout = timers.setter(false);
  // What `node:util` makes of the real one.
  Object.defineProperty(setTimeout, promisify.custom, {
    value: (ms: number, value: unknown) =>
      new Promise((resolve) => void setTimeout(() => resolve(value), ms)),
  });
  const setImmediate = (run: (...args: unknown[]) => void, ...args: unknown[]) =>
    setTimeout(run, 0, ...args);
  Object.defineProperty(setImmediate, promisify.custom, {
    value: (value: unknown) => new Promise((resolve) => void setImmediate(() => resolve(value))),
  });
  const clear = (handle: unknown): void => timers.clear(handle);
  const date = simulatedDate(host);
  return [
    [globalThis, "setTimeout", setTimeout],
    [globalThis, "setInterval", timers.setter(true)],
    [globalThis, "setImmediate", setImmediate],
    [globalThis, "clearTimeout", clear],
    [globalThis, "clearInterval", clear],
    [globalThis, "clearImmediate", clear],
    [globalThis, "Date", date],
    [RealDate.prototype, "constructor", date],
    [performance, "timeOrigin", EPOCH_MS],
    [Math, "random", () => chance(2 ** 30) / 2 ** 30],
    [performance, "now", () => host().now()],
    [process, "nextTick", countedTick],
    [process, "hrtime", hrtime(host)],
    [globalThis.crypto, "randomUUID", () => uuid(chance)],
    [globalThis.crypto, "getRandomValues", (array: ArrayBufferView) => fill(array, chance)],
    [AbortSignal, "timeout", (ms: number) => abortAfter(host(), ms)],
  ];
}

/** Whoever ends the process would end the whole check, with nothing found and nothing said. */
const noExit =
  ({ blame }: GuardOptions) =>
  (code: unknown = 0): never => {
    blame("exit", `calls process.exit(${code}): throw instead`);
    throw new Error(`process.exit(${code}) was called in a simulated process`);
  };

function refusals({ blame }: GuardOptions): Place[] {
  const refuse = (name: string) => (): never => {
    blame("strict", `reads ${name}: take it from outside`);
    throw new Error(`${name} was read in a strict run`);
  };
  const noDate = new Proxy(RealDate, {
    // A date of a given moment reads no clock.
    construct: (date, args) =>
      args.length === 0 ? refuse("new Date")() : Reflect.construct(date, args),
    apply: refuse("Date"),
    get: (date, key) => (key === "now" ? refuse("Date.now") : Reflect.get(date, key)),
  });
  return [
    ...["setTimeout", "setInterval", "setImmediate"].map((name): Place => {
      return [globalThis, name, refuse(name)];
    }),
    [globalThis, "Date", noDate],
    [Math, "random", refuse("Math.random")],
    [performance, "now", refuse("performance.now")],
    [
      process,
      "hrtime",
      Object.assign(refuse("process.hrtime"), { bigint: refuse("process.hrtime") }),
    ],
    [process, "nextTick", countedTick],
    [globalThis.crypto, "randomUUID", refuse("crypto.randomUUID")],
    [globalThis.crypto, "getRandomValues", refuse("crypto.getRandomValues")],
    [AbortSignal, "timeout", refuse("AbortSignal.timeout")],
  ];
}

function simulatedDate(host: () => Host): DateConstructor {
  const now = (): number => Math.floor(host().wallNow());
  return new Proxy(RealDate, {
    construct: (date, args, newTarget) =>
      Reflect.construct(date, args.length === 0 ? [now()] : args, newTarget),
    apply: () => new RealDate(now()).toString(),
    get: (date, key) => (key === "now" ? now : Reflect.get(date, key)),
  });
}

function hrtime(host: () => Host): NodeJS.HRTime {
  const nanos = (): bigint => BigInt(Math.round(host().now() * 1e6));
  const read = (since?: [number, number]): [number, number] => {
    const [seconds, rest] = since ?? [0, 0];
    const spent = nanos() - BigInt(seconds) * 1_000_000_000n - BigInt(rest);
    return [Number(spent / 1_000_000_000n), Number(spent % 1_000_000_000n)];
  };
  return Object.assign(read, { bigint: nanos });
}

function fill<A extends ArrayBufferView>(array: A, chance: Chance): A {
  const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  for (let at = 0; at < bytes.length; at++) bytes[at] = chance(256);
  return array;
}

function abortAfter(host: Host, ms: number): AbortSignal {
  const controller = new AbortController();
  host.timer(ms, () => controller.abort(new DOMException("signal timed out", "TimeoutError")));
  return controller.signal;
}

function uuid(chance: Chance): string {
  const hex = (digits: number): string =>
    Array.from({ length: digits }, () => chance(16).toString(16)).join("");
  return `${hex(8)}-${hex(4)}-4${hex(3)}-8${hex(3)}-${hex(12)}`;
}
