/** Why this exists: a call that never ends hangs its caller, and one that ends twice lies to it. */
import type { Invariant } from "./invariant.ts";

export const callsSettle: Invariant = {
  name: "callsSettle",
  states: "a call ends once: by a reply, its time, or at once when the callee ends",
  watch({ fail }) {
    /** By member: each open call, and whom it was made to. */
    const open = new Map<string, Map<number, { pid: number; text: string }>>();
    const dead: { member: string; pid: number; label: string }[] = [];
    const of = (member: string) => {
      const known = open.get(member);
      if (known !== undefined) return known;
      const table = new Map<number, { pid: number; text: string }>();
      open.set(member, table);
      return table;
    };
    return {
      on: {
        called: ({ pid, label, name, call }, member) => {
          of(member).set(call, { pid, text: `call "${name}" to ${label}` });
        },
        settled: ({ label, name, call, how }, member) => {
          if (of(member).delete(call)) return;
          fail(`call "${name}" to ${label} ended a second time, with ${how}`);
        },
        exited: ({ pid, label }, member) => void dead.push({ member, pid, label }),
        member_started: (_fact, member) => void open.delete(member),
        member_ended: (_fact, member) => void open.delete(member),
      },
      eachStep: () => {
        for (const { member, pid, label } of dead.splice(0)) {
          for (const call of of(member).values()) {
            if (call.pid === pid) fail(`${call.text} is open, and ${label} has ended`);
          }
        }
      },
    };
  },
};
