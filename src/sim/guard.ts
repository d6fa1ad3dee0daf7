/**
 * Why this exists: user code reads clocks, rolls dice and sets timers. While a world moves it gets
 * the simulated ones, so that the same seed is the same run; afterwards everything is as it was.
 */
import { promisify } from "node:util";
import type { Host } from "../kernel/host.ts";
import type { Chance } from "./chance.ts";
import { SimTimers } from "./sim-timers.ts";

export interface GuardOptions {
  /** Whose code runs just now. */
  host(): Host;
  readonly chance: Chance;
  /** Where given, nothing stands in for a global: it is told by its name, and throws. */
  readonly leaked: ((name: string) => void) | null;
}

type Place = readonly [owner: object, name: string, value: unknown];

const RealDate = Date;

export class Guard {
  readonly #places: readonly Place[];
  #before: { owner: object; name: string; was: PropertyDescriptor | undefined }[] = [];

  constructor(options: GuardOptions) {
    const { leaked } = options;
    this.#places = leaked === null ? standIns(options) : refusals(leaked);
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
  const clear = (handle: unknown): void => timers.clear(handle);
  return [
    [globalThis, "setTimeout", setTimeout],
    [globalThis, "setInterval", timers.setter(true)],
    [
      globalThis,
      "setImmediate",
      (run: (...args: unknown[]) => void, ...args: unknown[]) => setTimeout(run, 0, ...args),
    ],
    [globalThis, "clearTimeout", clear],
    [globalThis, "clearInterval", clear],
    [globalThis, "clearImmediate", clear],
    [globalThis, "Date", simulatedDate(host)],
    [Math, "random", () => chance(2 ** 30) / 2 ** 30],
    [performance, "now", () => host().now()],
    [globalThis.crypto, "randomUUID", () => uuid(chance)],
  ];
}

function refusals(leaked: (name: string) => void): Place[] {
  const refuse = (name: string) => (): never => {
    leaked(name);
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
    [globalThis.crypto, "randomUUID", refuse("crypto.randomUUID")],
  ];
}

function simulatedDate(host: () => Host): DateConstructor {
  const now = (): number => Math.floor(host().wallNow());
  return new Proxy(RealDate, {
    construct: (date, args) =>
      args.length === 0 ? new date(now()) : Reflect.construct(date, args as []),
    apply: () => new RealDate(now()).toString(),
    get: (date, key) => (key === "now" ? now : Reflect.get(date, key)),
  });
}

function uuid(chance: Chance): string {
  const hex = (digits: number): string =>
    Array.from({ length: digits }, () => chance(16).toString(16)).join("");
  return `${hex(8)}-${hex(4)}-4${hex(3)}-8${hex(3)}-${hex(12)}`;
}
