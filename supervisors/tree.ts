/** Why this exists: the living system as plain data, and as lines that a person can read. */
import type { Description, Plain } from "../src/kernel/actor.ts";
import { isRecord, needOption } from "../src/kernel/errors.ts";
import { formatCause } from "../src/kernel/exit.ts";
import type { Kernel } from "../src/kernel/kernel.ts";
import type { Process } from "../src/kernel/process.ts";
import { isThenable } from "../src/kernel/thenable.ts";
import { supervises } from "./stopping.ts";

/** Plain data: what `JSON.stringify` makes of it is all there is. `String(node)` draws it. */
export interface TreeNode {
  readonly label: string;
  /** Null: not running just now. */
  readonly pid: number | null;
  readonly type: "worker" | "supervisor";
  readonly status: string;
  /** Messages that wait. */
  readonly mailbox: number;
  /** How often its supervisor started it again. */
  readonly restarts: number;
  /** What the actor says of itself. */
  readonly detail: Description;
  readonly children: readonly TreeNode[];
}

export function treeOf(kernel: Kernel, root: Process): TreeNode {
  const byParent = new Map<Process, Process[]>();
  for (const process of kernel.processes()) {
    const { parent } = process;
    if (parent === null) continue;
    const siblings = byParent.get(parent);
    if (siblings === undefined) byParent.set(parent, [process]);
    else siblings.push(process);
  }
  return nodeOf(root, 0, byParent);
}

function nodeOf(process: Process, restarts: number, byParent: Map<Process, Process[]>): TreeNode {
  const own = detailOf(process);
  const children: TreeNode[] = [];
  const isSupervisor = supervises(process.definition);
  // What a supervisor says of its children stands with them; in a worker's words it is a word.
  const { children: specs = [], ...rest } = isSupervisor ? own : {};
  const detail = isSupervisor ? rest : own;
  const details = specs as unknown as readonly ChildDetail[];
  const others = new Map((byParent.get(process) ?? []).map((child) => [child.id, child]));
  // In its own order, which for some is the order in which they fall.
  for (const spec of details) {
    const child = spec.pid === null ? undefined : others.get(spec.pid);
    if (child !== undefined) others.delete(child.id);
    children.push(child === undefined ? absent(spec) : nodeOf(child, spec.restarts, byParent));
  }
  for (const child of others.values()) children.push(nodeOf(child, 0, byParent));
  return new Node({
    label: process.label,
    pid: process.id,
    type: isSupervisor ? "supervisor" : "worker",
    status: process.status,
    mailbox: process.waiting,
    restarts,
    detail,
    children,
  });
}

interface ChildDetail {
  readonly id: string;
  readonly type: TreeNode["type"];
  readonly pid: number | null;
  readonly status: string;
  readonly restarts: number;
  readonly lastExit: string | null;
}

function absent({ id, type, status, restarts, lastExit }: ChildDetail): TreeNode {
  const detail = { lastExit };
  const none = { pid: null, mailbox: 0, children: [] };
  return new Node({ label: id, type, status, restarts, detail, ...none });
}

/** Its `init` may not be over, and a description is never worth a failure. */
function detailOf(process: Process): Description {
  const { describe } = process.definition.handlers;
  if (describe === null || process.status === "starting" || !process.alive) return {};
  try {
    const detail = describe(process);
    // An async one, whose failure is nobody's.
    if (isThenable(detail)) detail.then(undefined, () => {});
    needOption(isRecord(detail), "describe", detail, "an object", process.label);
    return detail;
  } catch (error) {
    return { describe: formatCause(error) };
  }
}

class Node implements TreeNode {
  declare readonly label: string;
  declare readonly pid: number | null;
  declare readonly type: "worker" | "supervisor";
  declare readonly status: string;
  declare readonly mailbox: number;
  declare readonly restarts: number;
  declare readonly detail: Description;
  declare readonly children: readonly TreeNode[];

  constructor(node: TreeNode) {
    Object.assign(this, node);
  }

  toString(): string {
    return [...lines(this, "", "")].join("\n");
  }

  /** What `console.log` shows. */
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.toString();
  }
}

function* lines(node: TreeNode, first: string, rest: string): Generator<string> {
  yield `${(first + node.label).padEnd(28)} ${summary(node)}`.trimEnd();
  for (const [i, child] of node.children.entries()) {
    const last = i === node.children.length - 1;
    yield* lines(child, rest + (last ? "└─ " : "├─ "), rest + (last ? "   " : "│  "));
  }
}

function summary(node: TreeNode): string {
  const { type, status, mailbox, restarts, detail } = node;
  const parts: string[] = [type === "supervisor" ? "supervisor" : status];
  if (mailbox > 0) parts.push(`mailbox ${mailbox}`);
  if (restarts > 0) parts.push(`restarts ${restarts}`);
  if (type === "supervisor") parts.push(...budget(detail));
  else for (const [key, value] of Object.entries(detail)) parts.push(...cell(key, value));
  return parts.join("  ");
}

function budget({ strategy, intensity, periodMs, recentRestarts }: Description): string[] {
  if (strategy === undefined) return [];
  const spent = `${recentRestarts} of ${intensity} restarts in ${Number(periodMs) / 1_000} s`;
  return [String(strategy), spent];
}

/** What is short enough for the line; the rest is in the data. */
function cell(key: string, value: Plain): string[] {
  if (value === null || typeof value === "object") return [];
  return [typeof value === "string" ? value : `${key} ${String(value)}`];
}
