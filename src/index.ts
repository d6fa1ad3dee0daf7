/** Entry `holdfast`: processes and supervisors. Importing it loads nothing else. */

export {
  type PartitionSupervisorOptions,
  partitionFor,
  partitionSupervisor,
} from "../supervisors/partition-supervisor.ts";
export {
  createRegistry,
  type RegisterResult,
  type Registry,
  type RegistryOptions,
} from "../supervisors/registry.ts";
export { StartError } from "../supervisors/start-error.ts";
export {
  dynamicSupervisor,
  type SupervisorOptions,
  supervisor,
} from "../supervisors/supervisor.ts";
export { createSystem, type System, type SystemOptions } from "../supervisors/system.ts";
export { runTask, startTask, type TaskOptions, type TaskWork } from "../supervisors/task.ts";
export type { TreeNode } from "../supervisors/tree.ts";
export type { DeadLetter } from "./inspect/dead-letters.ts";
export type { Statistics } from "./inspect/sys.ts";
export * as sys from "./inspect/sys.ts";
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
export { CallError, type CallErrorCode, OptionError } from "./kernel/errors.ts";
export type {
  DeadReason,
  Events,
  EventType,
  LogLevel,
  NewEvent,
  Observer,
  SystemEvent,
} from "./kernel/events.ts";
export { type ExitReason, formatReason, isOrderly } from "./kernel/exit.ts";
export type { Cancel, Host } from "./kernel/host.ts";
export type { Ref, RefOf } from "./kernel/ref.ts";
export type {
  Down,
  Exit,
  Monitor,
  Outcome,
  Self,
  SpawnOptions,
  StartOutcome,
} from "./kernel/self.ts";
export {
  type Backoff,
  type Budget,
  type ChildCounts,
  type ChildInfo,
  type ChildSpec,
  type ChildStatus,
  child,
  type RestartChildResult,
  type StartChildResult,
  type SupervisorCalls,
} from "./ports/child-spec.ts";
export type { Logger } from "./ports/logger.ts";
