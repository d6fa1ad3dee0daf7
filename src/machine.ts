/** Entry `holdfast/machine`: state machines written for XState, as processes. */

export {
  type MachineOptions,
  type MachineStore,
  machine,
  memoryStore,
  type PendingDelay,
  type PersistedMachine,
} from "../actors/machine.ts";
