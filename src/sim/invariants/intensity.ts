/** Why this exists: a supervisor that restarts for ever hides a failure; one that gives up early is one. */
import { formatReason } from "../../kernel/exit.ts";
import { forget, type Invariant } from "./invariant.ts";

export const intensity: Invariant = {
  name: "intensity",
  states: "a supervisor restarts as often as it is allowed to, and then ends with shutdown",
  watch({ fail }) {
    /** By supervisor: when it restarted a child, as far back as its period. */
    const restarts = new Map<string, number[]>();
    const gaveUp = new Set<string>();
    /** By member and child with a budget: restarts since anything was done. */
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
          let count = 1 + (streaks.get(`${member} ${child}`) ?? 0);
          if (periodMs === null) streaks.set(`${member} ${child}`, count);
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
