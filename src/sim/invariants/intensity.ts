/** Why this exists: a supervisor that restarts for ever hides a failure; one that gives up early is one. */
import { formatReason } from "../../kernel/exit.ts";
import type { ChildSpec } from "../../ports/child-spec.ts";
import { partitionKey } from "../../ports/record.ts";
import { forget } from "../tables.ts";
import type { World } from "../world.ts";
import type { Invariant } from "./invariant.ts";

export const intensity: Invariant = {
  name: "intensity",
  states: "a supervisor restarts as often as it is allowed to, and then ends with shutdown",
  watch({ world, fail }) {
    /** By supervisor: when it restarted a child, as far back as its period. */
    const restarts = new Map<string, number[]>();
    const gaveUp = new Set<string>();
    /** By supervisor and child with a budget: restarts since anything was done. */
    const streaks = new Map<string, number>();
    /** An ack is progress; so is whatever makes the place be asked for anew. */
    const progress = (_fact: unknown, member: string): void => forget(streaks, member);
    const recent = (supervisor: string, at: number, periodMs: number): number[] =>
      (restarts.get(supervisor) ?? []).filter((its) => at - its < periodMs);
    return {
      on: {
        restarting: (fact, member) => {
          const { pid, label, child, allowed, periodMs, at } = fact;
          const supervisor = `${member} ${pid}`;
          if (gaveUp.has(supervisor)) fail(`${member}: ${label} gave up, and restarts ${child}`);
          // What progress is to a user's own budget, only that budget can tell.
          if (periodMs === null && !isWorker(world, child) && asks(world, member, pid, child))
            return;
          let count = 1 + (streaks.get(`${supervisor} ${child}`) ?? 0);
          if (periodMs === null) streaks.set(`${supervisor} ${child}`, count);
          else {
            const all = [...recent(supervisor, at, periodMs), at];
            restarts.set(supervisor, all);
            count = all.length;
          }
          if (count > allowed) {
            fail(`${member}: ${label} makes restart ${count} of ${child}; allowed: ${allowed}`);
          }
        },
        escalated: (fact, member) => {
          const { pid, label, child, at, allowed, periodMs } = fact;
          const supervisor = `${member} ${pid}`;
          gaveUp.add(supervisor);
          const count =
            periodMs === null ? fact.restarts : recent(supervisor, at, periodMs).length + 1;
          if (count <= allowed) {
            fail(
              `${member}: ${label} gave up at restart ${count} of ${child}; allowed: ${allowed}`,
            );
          }
        },
        acked: progress,
        opened: progress,
        closed: progress,
        joined: progress,
        session_lost: progress,
        exited: ({ pid, label, reason }, member) => {
          if (!gaveUp.has(`${member} ${pid}`) || reason === "shutdown" || reason === "killed")
            return;
          fail(
            `${member}: ${label} gave up, and ended with ${formatReason(reason)} instead of shutdown`,
          );
        },
        member_started: (_fact, member) => {
          forget(restarts, member);
          forget(streaks, member);
          forget(gaveUp, member);
        },
      },
    };
  },
};

const isWorker = ({ progress }: World, child: string): boolean =>
  progress.consumed.some(({ topic, partition }) => partitionKey(topic, partition) === child);

/** Whether the child's budget has a `progress` of its own. */
function asks(world: World, member: string, pid: number, child: string): boolean {
  const state = world.member(member)?.process(pid)?.state as
    | { readonly children?: ReadonlyMap<string, { readonly spec: ChildSpec }> }
    | undefined;
  return state?.children?.get(child)?.spec.budget?.progress !== undefined;
}
