/**
 * Why this exists: who is started again when it fails, how soon, how often, and in which order
 * everything stops: OTP's supervisor. With `one_for_one` nothing waits: a child that takes its time
 * to start or to stop keeps no sibling from being restarted.
 */
import { actor, type Description, type Plain } from "../src/kernel/actor.ts";
import { formatReason } from "../src/kernel/exit.ts";
import type { Exit, Self } from "../src/kernel/self.ts";
import type {
  ChildCounts,
  ChildInfo,
  ChildSpec,
  RestartChildResult,
  StartChildResult,
} from "../src/ports/child-spec.ts";
import "./events.ts";
import { begin, ended, startDown, startFirst } from "./restarting.ts";
import { StartError } from "./start-error.ts";
import { end, isSupervisor, stopAll, supervising } from "./stopping.ts";
import {
  type Child,
  checkChild,
  childOf,
  newChild,
  newState,
  type SupervisorOptions,
  type SupervisorState,
} from "./supervisor-state.ts";

export type { SupervisorOptions } from "./supervisor-state.ts";

type S = Self<SupervisorState>;

const calls = {
  startChild: (self: S, spec: ChildSpec) => {
    const { state } = self;
    const reply = self.defer<StartChildResult>();
    let child: Child;
    try {
      checkChild(spec, state.autoShutdown, "spec", self.label);
      child = newChild(spec);
    } catch (error) {
      // The mistake of whoever asks: no reason for the other children to fall.
      reply.reject(error);
      return reply;
    }
    const { id } = child.spec;
    const old = state.children.get(id);
    if (old !== undefined) {
      reply.resolve({ status: old.status === "stopped" ? "already_present" : "already_started" });
      return reply;
    }
    child.starter = reply;
    state.children.set(id, child);
    begin(self, child);
    return reply;
  },
  terminateChild: (self: S, id: string) => {
    const reply = self.defer<"ok" | "not_found">();
    const { children, strategy } = self.state;
    const child = children.get(id);
    if (child === undefined) reply.resolve("not_found");
    else {
      const wasDown = child.status === "restarting";
      child.stoppers.push(reply);
      end(self, child);
      // Those that fell with it waited for it.
      if (wasDown && strategy !== "one_for_one") {
        self.continue(() => startDown(self, [...children.values()]));
      }
    }
    return reply;
  },
  restartChild: (self: S, id: string) => {
    const reply = self.defer<RestartChildResult>();
    const child = self.state.children.get(id);
    if (child === undefined) reply.resolve({ status: "not_found" });
    else if (child.status !== "stopped") reply.resolve({ status: "already_started" });
    else {
      child.starter = reply;
      begin(self, child);
    }
    return reply;
  },
  deleteChild: ({ state }: S, id: string): "ok" | "not_found" | "running" => {
    const child = state.children.get(id);
    if (child === undefined) return "not_found";
    if (child.status !== "stopped") return "running";
    state.children.delete(id);
    return "ok";
  },
  whichChildren: ({ state }: S): ChildInfo[] =>
    [...state.children.values()].map(({ spec, ref, status, restarts }) => ({
      id: spec.id,
      ref,
      status,
      type: isSupervisor(spec) ? "supervisor" : "worker",
      restarts,
    })),
  countChildren: ({ state }: S): ChildCounts => {
    const children = [...state.children.values()];
    const supervisors = children.filter(({ spec }) => isSupervisor(spec)).length;
    const active = children.filter(({ ref }) => ref !== null).length;
    return { specs: children.length, active, supervisors, workers: children.length - supervisors };
  },
};

function info(self: S, message: unknown): unknown {
  const exit = message as Partial<Exit> | null | undefined;
  if (exit?.type !== "EXIT" || exit.ref == null || exit.reason === undefined) return;
  const child = childOf(self.state, exit.ref);
  return child === undefined ? undefined : ended(self, child, exit.reason);
}

const terminate = (self: S): Promise<void> => stopAll(self, self.state);

export const supervisor = supervising(
  actor({
    name: "supervisor",
    init: async (self, options: SupervisorOptions): Promise<SupervisorState> => {
      const state = newState(options, false, self.label);
      self.trapExit = true;
      for (const spec of options.children ?? []) {
        const child = newChild(spec);
        state.children.set(spec.id, child);
        const reason = await startFirst(self, child);
        if (reason === null) continue;
        await stopAll(self, state);
        self.stop({ error: new StartError(spec.id, reason) });
        return state;
      }
      return state;
    },
    calls,
    info,
    terminate,
    describe,
  }),
);

/**
 * For children that come and go: none at the start, `one_for_one`, each forgotten when it ends for
 * good, all stopped together.
 */
export const dynamicSupervisor = supervising(
  actor({
    name: "dynamic-supervisor",
    init: (
      self,
      options: Pick<SupervisorOptions, "intensity" | "periodMs"> = {},
    ): SupervisorState => {
      self.trapExit = true;
      return newState(options, true, self.label);
    },
    calls,
    info,
    terminate,
    describe,
  }),
);

function describe({ state, host }: S): Description {
  const { strategy, intensity, periodMs, window, children } = state;
  return {
    strategy,
    intensity,
    periodMs,
    recentRestarts: window.recent(host.now()),
    children: [...children.values()].map(
      ({ spec, ref, status, restarts, lastExit }): Plain => ({
        id: spec.id,
        type: isSupervisor(spec) ? "supervisor" : "worker",
        pid: ref?.id ?? null,
        status,
        restarts,
        lastExit: lastExit === null ? null : formatReason(lastExit),
      }),
    ),
  };
}
