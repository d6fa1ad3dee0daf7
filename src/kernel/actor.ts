/**
 * Why this exists: what a user writes to say what one process does, and how the names, arguments
 * and replies of its messages are inferred from that.
 */
import { isName, isRecord, needFields, needFunction, needOption } from "./errors.ts";
import type { ExitReason } from "./exit.ts";
import { HandlerTable } from "./handler-table.ts";
import type { Self } from "./self.ts";

/** A small integer in V8, since it is compared with at every message. */
const NO_LIMIT = 2 ** 30 - 1;
const UNBOUNDED: MailboxBound = { limit: NO_LIMIT, overflow: "reject" };
/** Of what was slow, or is new: a look at the clock after each of its messages. */
export const SLOWEST = 5;
const POLICIES: readonly MailboxBound["overflow"][] = ["reject", "drop_newest", "drop_oldest"];

/** What `init` returns when there is nothing to do: the process ends, and nobody minds. */
export const ignore: unique symbol = Symbol("ignore");
export type Ignore = typeof ignore;

/** A call's reply that will be given later, by whoever holds this. See `self.defer()`. */
export interface Deferred<T> {
  /** The first `resolve` or `reject` counts. */
  resolve(value: T): void;
  /** The caller's promise rejects with a `CallError` of code `refused`. */
  reject(cause: unknown): void;
  /** Brands the type, so that a handler's reply type can be read off it. */
  readonly [deferredReply]?: T;
}
declare const deferredReply: unique symbol;

/** Data for a tree or a page: plain, small, and without payloads. */
export type Plain =
  | string
  | number
  | boolean
  | null
  | readonly Plain[]
  | { readonly [key: string]: Plain };
export type Description = Readonly<Record<string, Plain>>;

/**
 * How many messages may wait, and what becomes of one more. `reject` bounds calls alone, whose
 * callers can be told; the other two bound casts, calls and plain sends: the one that arrives, or
 * the oldest that waits, becomes a dead letter. A call that has no place rejects at once with
 * `overloaded`. Exits, `DOWN`, timers and task results always find room.
 */
export interface MailboxBound {
  /** A whole number from 1. */
  readonly limit: number;
  /** No default: what is to be lost, only whoever sets a limit can say. */
  readonly overflow: "reject" | "drop_newest" | "drop_oldest";
}

/** An actor's definition: made by `actor()`, started by `system.start` or a supervisor. */
export interface Actor<Start extends unknown[], Calls, Casts> {
  readonly name: string;
  /** @internal */
  readonly handlers: Handlers;
  /** Only in the type: what starting takes and what a `Ref` offers. */
  readonly [protocol]?: { start(...args: Start): void; calls: Calls; casts: Casts };
}
declare const protocol: unique symbol;

// biome-ignore lint/suspicious/noExplicitAny: the one type that every definition fits
export type AnyActor = Actor<any, any, any>;
export type StartArgs<D> = D extends Actor<infer Start, infer _C, infer _K> ? Start : never;

/** The handlers with their types forgotten, as the runtime calls them. */
export interface Handlers {
  readonly init: (self: Self<unknown>, ...args: unknown[]) => unknown;
  readonly calls: HandlerTable;
  readonly casts: HandlerTable;
  readonly info: ((self: Self<unknown>, message: unknown) => unknown) | null;
  readonly terminate: ((self: Self<unknown>, reason: ExitReason) => unknown) | null;
  readonly describe: ((self: Self<unknown>) => Description) | null;
  readonly mailbox: MailboxBound;
  /**
   * From 0 to `SLOWEST`, as the scheduler has learnt it: a step more is half as many messages a turn,
   * and half as many until the next look at the clock.
   */
  slowness: number;
  /** How many looks had found the loop slow when that was learnt. */
  slowLooks: number;
}
export type Handler = (self: Self<unknown>, ...args: unknown[]) => unknown;

type State<I> = Exclude<Awaited<I>, Ignore>;
/** Over each member of a union: a handler may answer at once in one case and later in another. */
type Settled<R> = R extends Deferred<infer T> ? T : R;
type Reply<R> = Settled<Awaited<R>>;
type CallProtocol<Args, Replies> = {
  [N in keyof Args]: (
    ...args: Args[N] extends unknown[] ? Args[N] : never
  ) => N extends keyof Replies ? Reply<Replies[N]> : never;
};
type CastProtocol<Args> = {
  [N in keyof Args]: (...args: Args[N] extends unknown[] ? Args[N] : never) => void;
};

/**
 * The intersection of two mapped types over what is to be inferred: the first finds the arguments
 * of each handler, the second its reply. With one alone TypeScript gives up on the other.
 */
type CallHandlers<S, Args, Replies> = {
  [N in keyof Args]: (
    self: Self<S>,
    ...args: Args[N] extends unknown[] ? Args[N] : never
  ) => unknown;
} & {
  // biome-ignore lint/suspicious/noExplicitAny: the arguments are inferred by the other half
  [N in keyof Replies]: (self: Self<S>, ...args: any[]) => Replies[N];
};

export interface ActorOptions<I, Start extends unknown[], CallArgs, Replies, CastArgs> {
  /** Shown in trees and logs for processes without a name. Default `"actor"`. */
  readonly name?: string;
  /** Makes the state. It may be async; a throw, or `self.stop(reason)`, makes the start fail. */
  readonly init: (self: Self<unknown>, ...start: Start) => I;
  /** Requests: the result, or what its promise resolves to, is the reply. */
  readonly calls?: CallHandlers<State<I>, CallArgs, Replies>;
  /** Messages without a reply. */
  readonly casts?: {
    [N in keyof CastArgs]: (
      self: Self<State<I>>,
      ...args: CastArgs[N] extends unknown[] ? CastArgs[N] : never
    ) => unknown;
  };
  /** Everything else: plain sends, `DOWN`, and `EXIT` when exits are trapped. */
  readonly info?: (self: Self<State<I>>, message: unknown) => unknown;
  /**
   * Runs when the process stops by itself, when a handler threw, and, if it traps exits, when its
   * parent or the application tells it to stop; not when it is killed. It may be async: a supervisor waits for it
   * until the child's `shutdownMs`.
   */
  readonly terminate?: (self: Self<State<I>>, reason: ExitReason) => unknown;
  /** Default: no bound. */
  readonly mailbox?: MailboxBound;
  /** What the tree shows of it; called at any time, also while a handler awaits: must not change anything. */
  readonly describe?: (self: Self<State<I>>) => Description;
}

/**
 * Defines an actor. Handlers are `(self, ...args)`, sync or async; one runs at a time. Put `init`
 * first: the state's type is read from it.
 */
export function actor<
  I,
  Start extends unknown[] = [],
  // biome-ignore lint/complexity/noBannedTypes: an actor without calls has none, not any
  CallArgs = {},
  // biome-ignore lint/complexity/noBannedTypes: likewise
  Replies = {},
  // biome-ignore lint/complexity/noBannedTypes: likewise
  CastArgs = {},
>(
  options: ActorOptions<I, Start, CallArgs, Replies, CastArgs>,
): Actor<Start, CallProtocol<CallArgs, Replies>, CastProtocol<CastArgs>> {
  checkOptions(options);
  const handlers = {
    mailbox: options.mailbox ?? UNBOUNDED,
    slowness: SLOWEST,
    slowLooks: 0,
    init: options.init,
    calls: new HandlerTable(Object.entries(options.calls ?? {})),
    casts: new HandlerTable(Object.entries(options.casts ?? {})),
    info: options.info ?? null,
    terminate: options.terminate ?? null,
    describe: options.describe ?? null,
  } as unknown as Handlers;
  return { name: options.name ?? "actor", handlers };
}

const NAMES: Readonly<Record<keyof ActorOptions<0, [], 0, 0, 0>, true>> = {
  ...{ name: true, init: true, calls: true, casts: true, info: true, terminate: true },
  ...{ describe: true, mailbox: true },
};
const BOUND_NAMES: Readonly<Record<keyof MailboxBound, true>> = { limit: true, overflow: true };

/** Throws an `OptionError` that names the actor and the first option which cannot be meant. */
function checkOptions(options: unknown): void {
  needOption(isRecord(options), "options", options, "an object");
  const given = options as Record<string, unknown>;
  const { name = "actor", mailbox = UNBOUNDED } = given;
  needOption(isName(name), "name", name, "a name");
  const actorName = name as string;
  needFields(given, NAMES, "", actorName);
  needFunction(given.init, "init", actorName);
  for (const option of ["info", "terminate", "describe"]) {
    if (given[option] !== undefined) needFunction(given[option], option, actorName);
  }
  for (const table of ["calls", "casts"]) {
    if (given[table] !== undefined) checkTable(given[table], table, actorName);
  }
  needFields(mailbox, BOUND_NAMES, "mailbox", actorName);
  const { limit, overflow } = mailbox as MailboxBound;
  const isCount = Number.isInteger(limit) && limit >= 1;
  needOption(isCount, "mailbox.limit", limit, "a whole number from 1", actorName);
  const isPolicy = POLICIES.includes(overflow);
  needOption(isPolicy, "mailbox.overflow", overflow, POLICIES.join(", "), actorName);
}

/** The methods of a class's instance are its prototype's, where nobody would find them. */
function checkTable(table: unknown, option: string, actorName: string): void {
  const isObject = typeof table === "object" && table !== null;
  const parent = isObject ? Object.getPrototypeOf(table) : undefined;
  const isPlain = isObject && (parent === null || Object.getPrototypeOf(parent) === null);
  needOption(isPlain, option, table, "an object of functions", actorName);
  for (const [name, handler] of Object.entries(table as object)) {
    needFunction(handler, `${option}.${name}`, actorName);
  }
}

export function needDefinition(value: unknown, option: string, actorName?: string): void {
  const good = (value as AnyActor | undefined)?.handlers?.calls instanceof HandlerTable;
  needOption(good, option, value, "a definition made by actor()", actorName);
}
