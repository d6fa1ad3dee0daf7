/**
 * Why this exists: the user's tree runs unchanged, yet the world must know what its handlers really
 * did, and must be able to make them fail. So wherever a specification holds an `eachMessage` or an
 * `eachBatch`, the world stands between it and its worker.
 */
import { isThenable } from "../kernel/thenable.ts";
import type { ChildSpec } from "../ports/child-spec.ts";
import type { Message } from "../ports/record.ts";
import type { Given, NewSimEvent } from "./facts.ts";
import { SimulatedFailure } from "./simulated-failure.ts";

/** What befalls one call of a handler. Times in milliseconds of the member's clock. */
export interface Fate {
  readonly delayMs: number;
  readonly how: "runs" | "throws" | "rejects" | "hangs";
}

export interface HandlerWorld {
  /** What the worker that calls now was given: told by the actors just before. */
  given(offsets: readonly number[]): Given;
  tell(fact: NewSimEvent): void;
  fate(given: Given): Fate;
  sleep(ms: number): Promise<void>;
  hang(): Promise<never>;
}

/** What the sim knows of a consumer group from the options it found. */
export interface FoundGroup {
  readonly groupId: string;
  readonly topics: readonly string[];
  readonly prefetchCount: number;
  readonly prefetchBytes: number;
  readonly manual: boolean;
  /** Whether its policy passes over what a log still has when a position is out of range. */
  readonly resetsToEnd: boolean;
  /** How long a new worker waits for an old one's handler. */
  readonly settleGraceMs: number;
}

/** The specification with every handler in it watched, and the groups they belong to. */
export function watchHandlers(
  spec: ChildSpec,
  world: HandlerWorld,
): { readonly spec: ChildSpec; readonly groups: readonly FoundGroup[] } {
  const groups: FoundGroup[] = [];
  const watched = rewrite(spec, new Set(), (options) => {
    const { groupId, topics, prefetchCount, prefetchBytes, settleGraceMs, ackMode } = options;
    const manual = ackMode === "manual";
    const resetsToEnd = options.offsetResetPolicy === "reset_to_latest";
    const bounds = { prefetchCount, prefetchBytes, settleGraceMs };
    groups.push({ groupId, topics, ...bounds, manual, resetsToEnd } as FoundGroup);
    const { eachMessage, eachBatch } = options as unknown as Partial<Handlers>;
    return {
      ...options,
      ...(eachMessage === undefined ? {} : { eachMessage: watch(eachMessage, manual, world) }),
      ...(eachBatch === undefined ? {} : { eachBatch: watch(eachBatch, manual, world) }),
    };
  });
  return { spec: watched as ChildSpec, groups };
}

type Options = Readonly<Record<string, unknown>>;
type Handler = (payload: Payload) => unknown;
interface Handlers {
  readonly eachMessage: Handler;
  readonly eachBatch: Handler;
}

/** Either handler's payload, as far as the world has to do with it. */
interface Payload {
  readonly message?: Message;
  readonly messages?: readonly Message[];
  readonly ack: (offset?: string) => void;
  readonly produce: (topic: string, message: { value: unknown }) => Promise<unknown>;
}

const isHandled = (value: Options): boolean =>
  typeof value.groupId === "string" &&
  (typeof value.eachMessage === "function" || typeof value.eachBatch === "function");

/** Copies the plain objects and arrays on the way to what is replaced, and nothing else. */
function rewrite(
  value: unknown,
  above: Set<unknown>,
  replace: (options: Options) => Options,
): unknown {
  const isList = Array.isArray(value);
  // What lies within itself holds no handler on the way down.
  if (!(isList || isPlain(value)) || above.has(value)) return value;
  if (!isList && isHandled(value)) return replace(value);
  above.add(value);
  const its = value as Options;
  const entries = Object.keys(its).map((key) => [key, rewrite(its[key], above, replace)] as const);
  above.delete(value);
  if (entries.every(([key, copy]) => Object.is(copy, its[key]))) return value;
  return isList ? entries.map(([, copy]) => copy) : Object.fromEntries(entries);
}

function isPlain(value: unknown): value is Options {
  if (typeof value !== "object" || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function watch(handler: Handler, manual: boolean, world: HandlerWorld): Handler {
  return (payload) => {
    const { message, messages = message === undefined ? [] : [message] } = payload;
    const given = world.given(messages.map(({ offset }) => Number(offset)));
    world.tell({ type: "handler_started", ...given });
    const end = (how: "done" | "failed"): void =>
      world.tell({ type: "handler_ended", ...given, how });
    const call = (): unknown => handler(watchedPayload(payload, given, manual, world));
    return meet(world, world.fate(given), call, end);
  };
}

/** Sync handlers stay sync, as long as nothing befalls them. */
function meet(
  world: HandlerWorld,
  { delayMs, how }: Fate,
  call: () => unknown,
  end: (how: "done" | "failed") => void,
): unknown {
  if (how === "throws") {
    end("failed");
    throw new SimulatedFailure("simulated handler error");
  }
  if (delayMs === 0 && how === "runs") return settled(call, end);
  return (async () => {
    await world.sleep(delayMs);
    if (how === "runs") return settled(call, end);
    try {
      if (how === "hangs") await world.hang();
    } finally {
      end("failed");
    }
    throw new SimulatedFailure("simulated handler rejection");
  })();
}

function settled(call: () => unknown, end: (how: "done" | "failed") => void): unknown {
  let result: unknown;
  try {
    result = call();
  } catch (error) {
    end("failed");
    throw error;
  }
  if (!isThenable(result)) {
    end("done");
    return result;
  }
  // Its own `then` need not return a promise.
  return Promise.resolve(result).then(
    (value) => {
      end("done");
      return value;
    },
    (error: unknown) => {
      end("failed");
      throw error;
    },
  );
}

/** Made for this one call, so that it may be changed in place. */
function watchedPayload(
  payload: Payload,
  given: Given,
  manual: boolean,
  { tell }: HandlerWorld,
): Payload {
  const { ack: its, produce: send } = payload;
  const ack = (offset?: string): void => {
    const offsets = payload.message === undefined ? [Number(offset)] : given.offsets;
    const known = offsets.filter((its) => given.offsets.includes(its));
    if (manual && known.length > 0) tell({ type: "user_acked", ...given, offsets: known });
    its(offset);
  };
  const produce: Payload["produce"] = async (topic, message) => {
    const result = await send(topic, message);
    const stored = result as { ok: boolean; value?: { partition: number; offset: number } };
    if (stored.ok && stored.value !== undefined) {
      const { partition, offset } = stored.value;
      const { value: given } = message;
      const value = given === null ? null : Buffer.from(given as string).toString();
      tell({ type: "produced", topic, partition, offset, value });
    }
    return result;
  };
  return Object.assign(payload, { ack, produce });
}
