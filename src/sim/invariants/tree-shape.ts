/** Why this exists: a process that outlives its supervisor is nobody's, and works on unseen. */
import { linksOf } from "../../kernel/relations.ts";
import { forget } from "../tables.ts";
import type { World } from "../world.ts";
import type { Invariant } from "./invariant.ts";

interface Node {
  readonly member: string;
  readonly pid: number;
  readonly label: string;
  readonly supervises: boolean;
  readonly parent: Node | null;
  readonly children: Set<Node>;
  /** The labels of its children by their first start: a restart does not change a child's place. */
  readonly order: string[];
  /** Those that came when its `init` was over, and have no order among themselves. */
  readonly unordered: Set<string>;
  up: boolean;
}

/** The longest that a process may take to end after its parent has. */
const ORPHAN_MS = 120_000;

export const treeShape: Invariant = {
  name: "treeShape",
  states:
    "children are stopped in reverse order of their start, and no linked process outlives an end",
  watch({ world, fail }) {
    const nodes = new Map<string, Node>();
    const orphans = new Orphans(world);
    const drop = (member: string): void => {
      forget(nodes, member);
      orphans.drop(member);
    };
    return {
      on: {
        spawned: ({ pid, label, parent }, member) => {
          // Those that have ended are forgotten.
          const above = parent === null ? null : (nodes.get(`${member} ${parent}`) ?? null);
          const supervises = isSupervisor(world, member, pid);
          const node = newNode(member, pid, label, supervises, above);
          nodes.set(`${member} ${pid}`, node);
          if (above !== null) adopt(above, node);
          else if (parent !== null) orphans.add(node);
        },
        started: ({ pid }, member) => {
          const node = nodes.get(`${member} ${pid}`);
          if (node !== undefined) node.up = true;
        },
        signalled: ({ pid, from, reason }, member) => {
          const node = nodes.get(`${member} ${pid}`);
          if (node === undefined || reason !== "shutdown" || node.parent?.pid !== from) return;
          const later = laterThan(node, world);
          if (later === undefined) return;
          fail(`${member}: ${node.label} is stopped before ${later}, which starts after it`);
        },
        exited: ({ pid, reason }, member) => {
          const node = nodes.get(`${member} ${pid}`);
          if (node === undefined) return;
          nodes.delete(`${member} ${pid}`);
          orphans.delete(node);
          for (const child of node.children) {
            if (node.supervises && reason === "shutdown") {
              fail(`${member}: ${node.label} has stopped, and its ${child.label} goes on`);
            }
            // As in OTP: a normal end ends nobody else's, and an unlinked child goes its own way.
            if (reason !== "normal" && isLinked(world, child, pid)) orphans.add(child);
          }
          node.parent?.children.delete(node);
        },
        member_started: (_fact, member) => drop(member),
        member_ended: ({ how }, member) => {
          const left = how === "stopped" ? orphans.leftBy(member) : undefined;
          drop(member);
          if (left === undefined) return;
          fail(
            `${member}: ${left} goes on, whose parent ended long ago, and the member has stopped`,
          );
        },
      },
      eachStep: () => {
        const late = orphans.late();
        if (late === undefined) return;
        const { member, label } = late;
        fail(`${member}: ${label} goes on ${ORPHAN_MS / 1_000} s after its parent ended`);
      },
    };
  },
};

const processOf = (world: World, member: string, pid: number) => world.member(member)?.process(pid);

/** Whoever answers for children, and not whoever is called so. */
const isSupervisor = (world: World, member: string, pid: number): boolean =>
  processOf(world, member, pid)?.definition.handlers.calls.has("whichChildren") === true;

const newNode = (
  member: string,
  pid: number,
  label: string,
  supervises: boolean,
  parent: Node | null,
): Node => ({
  member,
  pid,
  label,
  supervises,
  parent,
  children: new Set(),
  order: [],
  unordered: new Set(),
  up: false,
});

function adopt(above: Node, node: Node): void {
  above.children.add(node);
  if (above.order.includes(node.label)) return;
  above.order.push(node.label);
  if (above.up) above.unordered.add(node.label);
}

function isLinked(world: World, child: Node, pid: number): boolean {
  const process = processOf(world, child.member, child.pid);
  return process !== undefined && [...linksOf(process)].some(({ id }) => id === pid);
}

/** Below a supervisor that stops a child goes after those that started later: one that goes on. */
function laterThan({ label, member, parent }: Node, world: World): string | undefined {
  if (parent === null || !parent.supervises || parent.unordered.has(label)) return undefined;
  if (processOf(world, member, parent.pid)?.status !== "terminating") return undefined;
  const place = parent.order.indexOf(label);
  for (const other of parent.children) {
    if (parent.order.indexOf(other.label) > place) return other.label;
  }
  return undefined;
}

/** Processes whose parent has ended. */
class Orphans {
  readonly #world: World;
  readonly #since = new Map<Node, { readonly at: number; readonly traps: boolean }>();

  constructor(world: World) {
    this.#world = world;
  }

  add(node: Node): void {
    // One that traps exits may take its time to end. Asked now, since nobody is there later.
    const traps = processOf(this.#world, node.member, node.pid)?.trapExit === true;
    this.#since.set(node, { at: this.#world.nowMs, traps });
  }

  delete(node: Node): void {
    this.#since.delete(node);
  }

  drop(member: string): void {
    for (const node of this.#since.keys()) if (node.member === member) this.#since.delete(node);
  }

  leftBy(member: string): string | undefined {
    for (const [node, { traps }] of this.#since) {
      if (node.member === member && !traps) return node.label;
    }
    return undefined;
  }

  /** One that goes on for too long. The oldest comes first. */
  late(): Node | undefined {
    for (const [node, { at }] of this.#since) {
      return this.#world.nowMs - at < ORPHAN_MS ? undefined : node;
    }
    return undefined;
  }
}
