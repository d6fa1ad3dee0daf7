/** Why this exists: a call that never ends hangs its caller, and one that ends twice lies to it. */
import { entryOf } from "../tables.ts";
import type { Invariant } from "./invariant.ts";

interface OpenCall {
  readonly pid: number;
  readonly text: string;
  readonly timeoutMs: number;
  /** The world's time, which is not the member's. */
  readonly madeAtMs: number;
}

/** A member's clock may be slow by a tenth. */
const SLOW = 1.2;
/** What was late in a pause comes when it is over, before time goes on by so much. */
const TURN_MS = 1_000;

export const callsSettle: Invariant = {
  name: "callsSettle",
  states: "a call ends once: by a reply, in its time, or at once when the callee ends",
  watch({ world, fail }) {
    /** By member: each open call. */
    const open = new Map<string, Map<number, OpenCall>>();
    /** By member and length: those that were made, the oldest first. */
    const waiting = new Map<string, { readonly member: string; readonly calls: number[] }>();
    let lookedAtMs = 0;
    const dead: { member: string; pid: number; label: string }[] = [];
    const of = (member: string) => entryOf(open, member, () => new Map());
    const forgetAll = (member: string): void => {
      open.delete(member);
      for (const [key, queue] of waiting) if (queue.member === member) waiting.delete(key);
    };
    /** The oldest of its length that is still open. */
    const oldest = (member: string, calls: number[]): OpenCall | undefined => {
      const table = of(member);
      while (calls.length > 0 && !table.has(calls[0] as number)) calls.shift();
      return calls[0] === undefined ? undefined : table.get(calls[0]);
    };
    const checkLate = (member: string, calls: number[]): void => {
      const call = oldest(member, calls);
      if (call === undefined) return;
      const { text, timeoutMs, madeAtMs } = call;
      const { nowMs } = world;
      if (nowMs < madeAtMs + SLOW * timeoutMs + TURN_MS) return;
      const { state, resumedAtMs = 0 } = world.member(member) ?? {};
      if (state === "paused" || nowMs < resumedAtMs + TURN_MS) return;
      fail(`${text} is open, and it should have ended after ${Math.round(timeoutMs)} ms`);
    };
    return {
      on: {
        called: ({ pid, label, name, call, timeoutMs }, member) => {
          const text = `${member}: call "${name}" to ${label}`;
          of(member).set(call, { pid, text, timeoutMs, madeAtMs: world.nowMs });
          if (!Number.isFinite(timeoutMs)) return;
          const key = `${member} ${timeoutMs}`;
          entryOf(waiting, key, () => ({ member, calls: [] })).calls.push(call);
        },
        settled: ({ label, name, call, how }, member) => {
          if (of(member).delete(call)) return;
          fail(`${member}: call "${name}" to ${label} ended a second time, with ${how}`);
        },
        exited: ({ pid, label }, member) => void dead.push({ member, pid, label }),
        member_started: (_fact, member) => forgetAll(member),
        member_ended: (_fact, member) => forgetAll(member),
      },
      eachStep: () => {
        for (const { member, pid, label } of dead.splice(0)) {
          for (const call of of(member).values()) {
            if (call.pid === pid) fail(`${call.text} is open, and ${label} has ended`);
          }
        }
        // Nothing is late but by time that has gone on, and most steps take none.
        if (world.nowMs === lookedAtMs) return;
        lookedAtMs = world.nowMs;
        for (const { member, calls } of waiting.values()) checkLate(member, calls);
      },
    };
  },
};
