/** Why this exists: what the supervisor's tests share: a system on a virtual clock, and its diary. */
import { actor, ignore } from "../../src/kernel/actor.ts";
import type { SystemEvent } from "../../src/kernel/events.ts";
import type { ExitReason } from "../../src/kernel/exit.ts";
import type { RefOf } from "../../src/kernel/ref.ts";
import type { Self } from "../../src/kernel/self.ts";
import { type ChildInfo, type ChildSpec, child } from "../../src/ports/child-spec.ts";
import {
  dynamicSupervisor,
  type SupervisorOptions,
  supervisor,
} from "../../supervisors/supervisor.ts";
import { createSystem, type System } from "../../supervisors/system.ts";
import { type ManualHost, type ManualHostOptions, manualHost } from "../kernel/manual-host.ts";

export type Supervisor = RefOf<typeof supervisor>;

export interface Harness extends ManualHost {
  readonly system: System;
  readonly events: SystemEvent[];
  supervise(options: SupervisorOptions): Promise<Supervisor>;
  dynamic(options: Pick<SupervisorOptions, "intensity" | "periodMs">): Promise<Supervisor>;
  /** The events of this type, in order. */
  of<T extends SystemEvent["type"]>(type: T): Extract<SystemEvent, { type: T }>[];
}

export function harness(options: ManualHostOptions = {}): Harness {
  const manual = manualHost(options);
  const system = createSystem({ host: manual.host, logger: false });
  const events: SystemEvent[] = [];
  system.observe((event) => events.push(event));
  return {
    ...manual,
    system,
    events,
    dynamic: (dynamicOptions) => system.start(dynamicSupervisor, dynamicOptions),
    supervise: (supervisorOptions) => system.start(supervisor, supervisorOptions),
    of: (type) => events.filter((event) => event.type === type) as never,
  };
}

/** What a child does, and where it writes down what happened to it. */
export interface Part {
  readonly diary?: string[];
  readonly name?: string;
  readonly init?: (self: Self<unknown>) => unknown;
  readonly trap?: boolean;
  readonly terminate?: (self: Self<unknown>, reason: ExitReason) => unknown;
}

export const part = actor({
  name: "part",
  init: async (self, { diary, name = "part", init, trap = false, terminate }: Part) => {
    self.trapExit = trap;
    diary?.push(`${name} starts`);
    const answer = await init?.(self);
    diary?.push(`${name} is up`);
    self.signal.addEventListener("abort", () => diary?.push(`${name} is down`));
    return { answer, terminate };
  },
  calls: { ping: () => "pong" },
  casts: {
    crash: () => {
      throw new Error("crash");
    },
    stop: (self, reason: ExitReason) => self.stop(reason),
    hang: () => new Promise<void>(() => {}),
  },
  terminate: (self, reason) => self.state.terminate?.(self, reason),
});
export type PartRef = RefOf<typeof part>;

export async function info(ref: Supervisor, id: string): Promise<ChildInfo | undefined> {
  const children = await ref.call("whichChildren");
  return children.find((child) => child.id === id);
}

export async function childRef(ref: Supervisor, id: string): Promise<PartRef> {
  const found = await info(ref, id);
  if (found?.ref === null || found === undefined) throw new Error(`${id} does not run`);
  return found.ref as PartRef;
}

export const spec = (id: string, options: Part = {}, rest: Partial<ChildSpec> = {}): ChildSpec =>
  child({ id, start: part, args: [{ name: id, ...options }], ...rest });

/** It has nothing to do. */
export const ignoring = actor({ name: "ignoring", init: () => ignore });
