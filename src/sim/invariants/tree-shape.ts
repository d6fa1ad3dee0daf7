/** Why this exists: a process that outlives its supervisor is nobody's, and works on unseen. */
import { forget, type Invariant } from "./invariant.ts";

interface Node {
  readonly member: string;
  readonly pid: number;
  readonly label: string;
  readonly supervises: boolean;
  /** Whether it may take its time to end. Read when its parent has ended. */
  traps: boolean;
  readonly children: Node[];
  alive: boolean;
  /** Ends of itself, asked by nobody. */
  gaveUp: boolean;
  orphanedAt: number | null;
}

/** The longest that a process may take to end after its parent has. */
const ORPHAN_MS = 120_000;

export const treeShape: Invariant = {
  name: "treeShape",
  states:
    "children stop in reverse order of their start, and before the supervisor that stops them",
  watch({ world, fail }) {
    const nodes = new Map<string, Node>();
    const orphans = new Set<Node>();
    const processOf = (member: string, pid: number) => world.member(member)?.process(pid);
    const orphan = (node: Node): void => {
      node.orphanedAt = world.nowMs;
      node.traps = processOf(node.member, node.pid)?.trapExit === true;
      orphans.add(node);
    };
    const dropOrphans = (member: string): void => {
      for (const node of orphans) if (node.member === member) orphans.delete(node);
    };
    /** In a member that stops, a child of its root goes after those that started later. */
    const checkOrder = (node: Node, member: string): void => {
      const { root, state } = world.member(member) ?? {};
      const siblings = root ? (nodes.get(`${member} ${root.id}`)?.children ?? []) : [];
      if (state !== "stopping" || !siblings.includes(node)) return;
      const later = siblings.find(({ alive, label }) => {
        return alive && place(siblings, label) > place(siblings, node.label);
      });
      if (later === undefined) return;
      fail(`${member}: ${node.label} stopped before ${later.label}, which starts after it`);
    };
    return {
      on: {
        spawned: ({ pid, label, parent }, member) => {
          const supervises = processOf(member, pid)?.definition.name === "supervisor";
          const life = { children: [], alive: true, gaveUp: false, orphanedAt: null, traps: false };
          const node = { member, pid, label, supervises, ...life };
          nodes.set(`${member} ${pid}`, node);
          const above = parent === null ? undefined : nodes.get(`${member} ${parent}`);
          above?.children.push(node);
          if (above?.alive === false) orphan(node);
        },
        escalated: ({ pid }, member) => {
          const node = nodes.get(`${member} ${pid}`);
          if (node !== undefined) node.gaveUp = true;
        },
        exited: ({ pid, reason }, member) => {
          const node = nodes.get(`${member} ${pid}`);
          if (node === undefined) return;
          node.alive = false;
          orphans.delete(node);
          for (const child of node.children) {
            if (!child.alive) continue;
            if (node.supervises && reason === "shutdown") {
              fail(`${member}: ${node.label} has stopped, and its ${child.label} goes on`);
            }
            orphan(child);
          }
          if (reason === "shutdown" && !node.gaveUp) checkOrder(node, member);
        },
        member_started: (_fact, member) => {
          forget(nodes, member);
          dropOrphans(member);
        },
        member_ended: ({ how }, member) => {
          if (how === "stopped") {
            for (const node of orphans) {
              if (node.member !== member || node.traps) continue;
              fail(`${member} has stopped, and ${node.label} goes on, whose parent ended long ago`);
            }
          }
          dropOrphans(member);
        },
      },
      eachStep: () => {
        for (const { member, label, orphanedAt } of orphans) {
          if (orphanedAt === null || world.nowMs - orphanedAt < ORPHAN_MS) continue;
          fail(`${member}: ${label} goes on ${ORPHAN_MS / 1_000} s after its parent ended`);
        }
      },
    };
  },
};

/** By the first start of each: a restart does not change a child's place. */
const place = (siblings: readonly Node[], label: string): number =>
  siblings.findIndex((node) => node.label === label);
