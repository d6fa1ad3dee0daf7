/** Entry `holdfast`: processes and supervisors. Importing it loads nothing else. */

export {
  type PartitionSupervisorOptions,
  partitionFor,
  partitionSupervisor,
} from "../supervisors/partition-supervisor.ts";
export {
  dynamicSupervisor,
  type SupervisorOptions,
  supervisor,
} from "../supervisors/supervisor.ts";
export { createSystem, type System, type SystemOptions } from "../supervisors/system.ts";
export { runTask, startTask, type TaskOptions, type TaskWork } from "../supervisors/task.ts";
export type { TreeNode } from "../supervisors/tree.ts";
export {
  type Actor,
  type AnyActor,
  actor,
  type Deferred,
  type Description,
  ignore,
  type MailboxBound,
  type Plain,
  type StartArgs,
} from "./kernel/actor.ts";
export {
  type Backoff,
  type Budget,
  type ChildCounts,
  type ChildInfo,
  type ChildSpec,
  child,
  type RestartChildResult,
  type StartChildResult,
  type SupervisorCalls,
} from "./kernel/child-spec.ts";
export type { DeadLetter, DeadReason } from "./kernel/dead-letters.ts";
export { CallError, type CallErrorCode, OptionError, StartError } from "./kernel/errors.ts";
export type { Events, EventType, LogLevel, Observer, SystemEvent } from "./kernel/events.ts";
export { type ExitReason, formatReason, isOrderly } from "./kernel/exit.ts";
export type { Cancel, Host } from "./kernel/host.ts";
export type { Logger } from "./kernel/logger.ts";
export type { Ref, RefOf } from "./kernel/ref.ts";
export {
  createRegistry,
  type RegisterResult,
  type Registry,
  type RegistryOptions,
} from "./kernel/registry.ts";
export type { Down, Exit, Monitor, Outcome, Self, SpawnOptions } from "./kernel/self.ts";
export type { Statistics } from "./kernel/sys.ts";
export * as sys from "./kernel/sys.ts";
