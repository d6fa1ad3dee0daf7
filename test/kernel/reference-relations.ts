/**
 * Why this exists: the half of the reference model that is about others: what is put into a mailbox,
 * who hears of an end, and how calls, links and monitors come to theirs.
 */
import { type Action, type Birth, type Body, NAMES } from "./program.ts";

export type Letter =
  | { kind: "init" | "continue" }
  | { kind: "run"; script: Action[] }
  | { kind: "note"; from: number; tag: number }
  | { kind: "call"; call: Call }
  | { kind: "down"; monitor: Monitor; reason: string }
  | { kind: "exit"; from: number; reason: string }
  | { kind: "task"; tag: number; ok: boolean }
  | { kind: "timer"; timer: Timer };

export interface Member {
  readonly id: number;
  readonly parent: number;
  readonly birth: Birth;
  name: string | null;
  status: "idle" | "ready" | "running" | "awaiting" | "terminating" | "dead";
  /** Its `init` has run, or is running; that it is over. */
  begun: boolean;
  started: boolean;
  told: boolean;
  trap: boolean;
  box: Letter[];
  next: number[];
  links: Member[];
  stopping: string | null;
  reason: string;
}
export interface Call {
  readonly id: number;
  readonly callee: Member;
  readonly body: Body;
  readonly at: number;
  owed: boolean;
  settled: boolean;
}
export interface Monitor {
  readonly id: number;
  /** Null: the application. */
  readonly watcher: Member | null;
  readonly of: Member;
  /** Its DOWN is still to be sent. */
  open: boolean;
  ended: boolean;
}
export interface Timer {
  readonly id: number;
  readonly owner: Member;
  readonly at: number;
  state: "set" | "due" | "gone";
}
export interface Door {
  readonly member: Member;
  readonly letter: Letter;
  readonly rest: Action[];
  /** It is what `terminate` waits for. */
  readonly end: boolean;
}

export class ReferenceRelations {
  readonly members: Member[] = [];
  protected readonly calls: Call[] = [];
  protected readonly monitors: Monitor[] = [];
  protected readonly timers: Timer[] = [];
  /** Those whose end is still to be told, the first in telling. */
  readonly #deaths: Member[] = [];
  protected queue: Member[] = [];
  protected deadLetters = 0;
  /** What was seen in this step, by anybody. */
  facts: string[] = [];

  /** All that can be seen from outside, between two steps. */
  look(): string {
    const lines = this.members.map((each) => {
      const { id, status, started, box, links } = each;
      const shown = started || status === "dead" ? status : "starting";
      const watchers = this.monitors.filter(({ of, open }) => of === each && open).length;
      const watching = this.monitors.filter(({ watcher, open }) => watcher === each && open);
      const owed = this.calls.filter((call) => call.callee === each && call.owed && !call.settled);
      const timers = this.timers.filter(({ owner, state }) => owner === each && state !== "gone");
      const ids = links.map((other) => other.id).sort();
      const counts = `${watchers} ${watching.length} ${owed.length} ${timers.length}`;
      return `${id} ${shown}: ${box.length} wait, links ${ids}, holds ${counts}`;
    });
    const named = NAMES.map((name) => `${name} ${this.named(name)?.id}`);
    const living = this.members.filter(({ status }) => status !== "dead").map(({ id }) => id);
    return `${lines.join("\n")}\n${named}\nliving ${living}, dead letters ${this.deadLetters}`;
  }

  /** Who has the name: as long as it lives. */
  protected named(name: string): Member | undefined {
    return this.members.find((each) => each.name === name && each.status !== "dead");
  }

  protected see(member: Member, what: string): void {
    this.facts.push(`${member.id} ${what}`);
  }

  /** How its start went, to whoever started it: once. */
  protected tell(member: Member, how: string): void {
    if (!member.told) this.see(member, `start ${how}`);
    member.told = true;
  }

  protected put(to: Member, letter: Letter): void {
    if (to.status === "dead") {
      this.deadLetters++;
      return;
    }
    to.box.push(letter);
    if (to.status === "idle") this.enqueue(to);
  }

  protected enqueue(member: Member): void {
    member.status = "ready";
    this.queue.push(member);
  }

  protected exit(to: Member, from: number, reason: string): void {
    if (reason === "kill") this.die(to, "killed");
    else this.signal(to, from, reason);
  }

  protected signal(to: Member, from: number, reason: string): void {
    if (to.status === "dead" || to.status === "terminating") return;
    if (to.trap) this.put(to, { kind: "exit", from, reason });
    else if (reason !== "normal" || from === to.id) this.die(to, reason);
  }

  protected die(member: Member, reason: string): void {
    if (member.status === "dead") return;
    member.status = "dead";
    member.reason = reason;
    member.box = [];
    this.see(member, `exited ${reason}`);
    this.tell(member, `failed ${reason}`);
    for (const timer of this.timers) if (timer.owner === member) timer.state = "gone";
    for (const monitor of this.monitors) if (monitor.watcher === member) monitor.open = false;
    for (const call of this.calls) if (call.callee === member) this.settle(call, `exit ${reason}`);
    this.#deaths.push(member);
    // One after the other, in the order of their deaths.
    if (this.#deaths.length > 1) return;
    for (const each of this.#deaths) this.#mourn(each);
    this.#deaths.length = 0;
  }

  #mourn(dead: Member): void {
    for (const other of dead.links.splice(0)) {
      other.links = other.links.filter((each) => each !== dead);
      this.signal(other, dead.id, dead.reason);
    }
    for (const monitor of this.monitors)
      if (monitor.of === dead && monitor.open) this.#down(monitor, dead.reason);
  }

  protected link(one: Member, other: Member): unknown {
    if (one === other || one.status === "dead") return;
    if (other.status === "dead") return this.signal(one, other.id, "noproc");
    if (one.links.includes(other)) return;
    one.links.push(other);
    other.links.push(one);
  }

  protected unlink(one: Member, other: Member): void {
    one.links = one.links.filter((each) => each !== other);
    other.links = other.links.filter((each) => each !== one);
  }

  protected monitor(watcher: Member | null, of: Member): void {
    const id = this.monitors.length;
    const monitor: Monitor = { id, watcher, of, open: true, ended: false };
    this.monitors.push(monitor);
    if (watcher?.status === "dead") monitor.open = false;
    else if (of.status === "dead") this.#down(monitor, "noproc");
  }

  #down(monitor: Monitor, reason: string): void {
    const { watcher, of } = monitor;
    monitor.open = false;
    if (watcher === null) this.see(of, `was watched: ${reason}`);
    else this.put(watcher, { kind: "down", monitor, reason });
  }

  /** The first answer counts. */
  protected settle(call: Call, how: string): void {
    if (!call.settled) this.facts.push(`call ${call.id} ${how}`);
    call.settled = true;
  }
}
