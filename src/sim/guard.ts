/**
 * Why this exists: user code reads clocks, rolls dice and sets timers. During a run it gets the
 * simulated ones, so that the same seed is the same run; afterwards everything is as it was.
 */
import type { Host } from "../kernel/host.ts";
import type { Chance } from "./chance.ts";

export interface GuardOptions {
  /** Whose code runs just now. */
  host(): Host;
  readonly chance: Chance;
  /** Where given, nothing stands in for a global: it is told by its name, and throws. */
  readonly leaked: ((name: string) => void) | null;
}

type Refuse = (name: string) => () => never;

type Globals = Record<string, unknown>;
const globals = globalThis as unknown as Globals;

/** Puts the simulated globals in place; returns what takes them away again. */
export function guard(options: GuardOptions): () => void {
  const { leaked } = options;
  const refuse = refusal(leaked ?? (() => {}));
  const replaced = leaked === null ? standIns(options) : refusing(refuse);
  const before = Object.keys(replaced).map((name) => [name, globals[name]] as const);
  const { random } = Math;
  const now = performance.now;
  const { randomUUID } = globalThis.crypto;
  Object.assign(globals, replaced);
  const draw = (): number => options.chance(2 ** 30) / 2 ** 30;
  Math.random = leaked === null ? draw : refuse("Math.random");
  performance.now = leaked === null ? () => options.host().now() : refuse("performance.now");
  globalThis.crypto.randomUUID =
    leaked === null ? () => uuid(options.chance) : refuse("crypto.randomUUID");
  return () => {
    for (const [name, value] of before) globals[name] = value;
    Math.random = random;
    performance.now = now;
    globalThis.crypto.randomUUID = randomUUID;
  };
}

const refusal =
  (leaked: (name: string) => void): Refuse =>
  (name) =>
  () => {
    leaked(name);
    throw new Error(`${name} was read in a strict run`);
  };

function refusing(refuse: Refuse): Globals {
  const refused = ["setTimeout", "setInterval", "setImmediate"].map((name) => [name, refuse(name)]);
  const noDate = new Proxy(Date, {
    construct: refuse("new Date"),
    get: (date, key) => (key === "now" ? refuse("Date.now") : Reflect.get(date, key)),
  });
  return { ...Object.fromEntries(refused), Date: noDate };
}

function standIns({ host }: GuardOptions): Globals {
  const cancels = new Map<number, () => void>();
  let lastId = 0;
  const set = (ms: number, run: () => void, again: boolean): number => {
    const id = ++lastId;
    const arm = (): void => {
      const cancel = host().timer(ms, () => {
        cancels.delete(id);
        if (again) arm();
        run();
      });
      cancels.set(id, cancel);
    };
    arm();
    return id;
  };
  const clear = (id: unknown): void => {
    const key = Number(id);
    cancels.get(key)?.();
    cancels.delete(key);
  };
  const setter =
    (again: boolean) =>
    (run: (...args: unknown[]) => void, ms = 0, ...args: unknown[]): number =>
      set(Math.max(again ? 1 : 0, ms), () => run(...args), again);
  return {
    setTimeout: setter(false),
    setInterval: setter(true),
    setImmediate: (run: (...args: unknown[]) => void, ...args: unknown[]) =>
      set(0, () => run(...args), false),
    clearTimeout: clear,
    clearInterval: clear,
    clearImmediate: clear,
    Date: simulatedDate(host),
  };
}

const RealDate = Date;

function simulatedDate(host: () => Host): DateConstructor {
  const now = (): number => Math.floor(host().wallNow());
  return new Proxy(RealDate, {
    construct: (date, args) =>
      args.length === 0 ? new date(now()) : Reflect.construct(date, args as []),
    apply: () => new RealDate(now()).toString(),
    get: (date, key) => (key === "now" ? now : Reflect.get(date, key)),
  });
}

function uuid(chance: Chance): `${string}-${string}-${string}-${string}-${string}` {
  const hex = (digits: number): string =>
    Array.from({ length: digits }, () => chance(16).toString(16)).join("");
  return `${hex(8)}-${hex(4)}-4${hex(3)}-8${hex(3)}-${hex(12)}`;
}
