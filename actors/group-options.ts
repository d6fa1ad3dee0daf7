/** Why this exists: every option of a consumer group, with its default and what is allowed. */
import { needOption as need, needFields } from "../src/kernel/errors.ts";
import type { LogDriver } from "../src/ports/log-driver.ts";
import type { EachBatch, EachMessage } from "./handler.ts";

/** Names are kafkajs's where kafkajs has them, Elsa's where only Elsa has. Times in milliseconds. */
export interface ConsumerGroupOptions {
  readonly groupId: string;
  readonly topics: readonly string[];
  /** `kafkajs({ brokers })`, or `memoryKafka()`. */
  readonly source: LogDriver;
  /** One of the two handlers is needed. */
  readonly eachMessage?: EachMessage;
  readonly eachBatch?: EachBatch;
  /** The name in the tree and of its processes; default `groupId`. Needed for a second member in one system. */
  readonly name?: string;
  /**
   * Where a group without any commit begins; default `"earliest"`, so that nothing is passed over.
   * `"latest"`: where the log ended just before this process first joined, pinned by a commit before
   * any record is handled. Once the broker holds the first commit of the group in a topic, nothing
   * that is stored in that topic later is passed over.
   */
  readonly beginOffset?: "earliest" | "latest";
  /** Where a partition goes on whose position the log no longer has; default `"reset_to_earliest"`. */
  readonly offsetResetPolicy?: "reset_to_earliest" | "reset_to_latest";
  /** `"auto"` (default): returning acks. `"manual"`: only `ack()` does. */
  readonly ackMode?: "auto" | "manual";
  /** A partition stops fetching ahead when both bounds are exceeded; default 10 records. */
  readonly prefetchCount?: number;
  /** Default 102,400 bytes; also the most a fetch brings of one partition, but for one record batch. */
  readonly prefetchBytes?: number;
  /** The longest time between an ack and its commit; default 200. */
  readonly autoCommitInterval?: number;
  /** Default 30,000. */
  readonly sessionTimeout?: number;
  /** Default 3,000; at most a third of `sessionTimeout`. */
  readonly heartbeatInterval?: number;
  /**
   * Default 60,000; above `drainTimeoutMs`, and not below `sessionTimeout`: the broker drops a member
   * that is silent in a rebalance after this time, and it must know by then that it may be dropped.
   */
  readonly rebalanceTimeout?: number;
  /** How long a stop or a rebalance waits for handlers under way; default 25,000. */
  readonly drainTimeoutMs?: number;
  /** How long a new incarnation waits for a handler of an earlier one; default 30,000. */
  readonly settleGraceMs?: number;
  /** Restarts of a worker without progress, before the group gives up; default 5. */
  readonly maxRestarts?: number;
}

/** The options with every default filled in. */
export type GroupOptions = Required<Omit<ConsumerGroupOptions, "eachMessage" | "eachBatch">> &
  Pick<ConsumerGroupOptions, "eachMessage" | "eachBatch">;

const DEFAULTS = {
  beginOffset: "earliest",
  offsetResetPolicy: "reset_to_earliest",
  ackMode: "auto",
  prefetchCount: 10,
  prefetchBytes: 102_400,
  autoCommitInterval: 200,
  sessionTimeout: 30_000,
  heartbeatInterval: 3_000,
  rebalanceTimeout: 60_000,
  drainTimeoutMs: 25_000,
  settleGraceMs: 30_000,
  maxRestarts: 5,
} as const;

/** Every option there is: for a command that must name an unknown one. */
export const GROUP_OPTION_NAMES: readonly string[] = [
  ...["groupId", "topics", "source", "eachMessage", "eachBatch", "name"],
  ...Object.keys(DEFAULTS),
];
const NAMES = Object.fromEntries(GROUP_OPTION_NAMES.map((name) => [name, true] as const));

/** Throws an `OptionError` naming the first option that cannot be meant. */
export function groupOptions(given: ConsumerGroupOptions): GroupOptions {
  needFields(given, NAMES);
  const set = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  const options = { ...DEFAULTS, name: given.groupId, ...set } as GroupOptions;
  checkWhat(options);
  checkChoices(options);
  checkNumbers(options);
  return options;
}

function checkWhat(options: GroupOptions): void {
  const { groupId, topics, source, eachMessage, eachBatch, name } = options;
  need(isText(groupId), "groupId", groupId, "a name");
  need(isText(name), "name", name, "a name");
  const named = Array.isArray(topics) && topics.length > 0 && topics.every(isText);
  need(named, "topics", topics, "an array of one or more topic names");
  need(new Set(topics).size === topics.length, "topics", topics, "each topic once");
  need(
    typeof source?.join === "function",
    "source",
    source,
    "a driver such as kafkajs({ brokers })",
  );
  for (const [key, handler] of Object.entries({ eachMessage, eachBatch })) {
    need(handler === undefined || typeof handler === "function", key, handler, "a function");
  }
  const both = eachMessage !== undefined && eachBatch !== undefined;
  need(!both, "eachBatch", eachBatch, "nothing beside eachMessage: one handler of the two");
  const one = eachMessage !== undefined || eachBatch !== undefined;
  need(one, "eachMessage", eachMessage, "a function, or eachBatch instead of it");
}

function checkChoices(options: GroupOptions): void {
  const { beginOffset, offsetResetPolicy, ackMode } = options;
  choose("beginOffset", beginOffset, ["earliest", "latest"]);
  choose("offsetResetPolicy", offsetResetPolicy, ["reset_to_earliest", "reset_to_latest"]);
  choose("ackMode", ackMode, ["auto", "manual"]);
}

function checkNumbers(options: GroupOptions): void {
  const { sessionTimeout, rebalanceTimeout } = options;
  range(options, "prefetchCount", 1, 1_000_000);
  range(options, "prefetchBytes", 1, 1_073_741_824);
  range(options, "autoCommitInterval", 1, 60_000);
  range(options, "sessionTimeout", 1_000, 1_800_000);
  range(options, "heartbeatInterval", 1, Math.floor(sessionTimeout / 3));
  range(options, "rebalanceTimeout", sessionTimeout, 3_600_000);
  range(options, "drainTimeoutMs", 0, rebalanceTimeout - 1);
  range(options, "settleGraceMs", 0, 3_600_000);
  range(options, "maxRestarts", 0, 1_000_000);
}

function range(options: GroupOptions, name: keyof GroupOptions, low: number, high: number): void {
  const value = options[name] as number;
  const good = Number.isInteger(value) && value >= low && value <= high;
  need(good, name, value, `a whole number from ${low} to ${high}`);
}

function choose(name: string, value: unknown, allowed: readonly string[]): void {
  const good = allowed.includes(value as string);
  need(good, name, value, allowed.map((word) => JSON.stringify(word)).join(" or "));
}

const isText = (value: unknown): boolean => typeof value === "string" && value.trim() !== "";
