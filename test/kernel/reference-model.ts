/**
 * Why this exists: what the kernel promises, once more, as plainly as it can be said: a queue per
 * process, lists of links, monitors, calls and timers. It is told the program and whose turn it
 * is, and says what happens. It knows nothing of the kernel's code.
 */
import { type Action, type Birth, type Body, chosen, MEMBERS_MAX, type Step } from "./program.ts";
import {
  type Call,
  type Door,
  type Letter,
  type Member,
  ReferenceRelations,
  type Timer,
} from "./reference-relations.ts";

export class ReferenceModel extends ReferenceRelations {
  readonly #doors: Door[] = [];
  readonly #deferred: Call[] = [];
  #now = 0;
  #tags = 0;

  /** Who may run, the one that waits longest first. */
  ready(): number[] {
    return this.queue.filter(({ status }) => status === "ready").map(({ id }) => id);
  }

  doors(): number {
    return this.#doors.length;
  }

  deferred(): number {
    return this.#deferred.length;
  }

  spawn(birth: Birth, parent: Member | null): Member {
    const child: Member = {
      ...{ id: this.members.length + 1, parent: parent?.id ?? 0, birth, status: "idle" },
      ...{ begun: false, started: false, told: false, trap: false, box: [], next: [], links: [] },
      ...{ stopping: null, reason: "", name: null },
    };
    this.members.push(child);
    // Code that outlives its process starts nothing under it.
    if (parent?.status === "dead") child.stopping = "noproc";
    else if (birth.name !== null && this.named(birth.name) !== undefined)
      child.stopping = `already_started: ${birth.name}`;
    else child.name = birth.name;
    this.enqueue(child);
    return child;
  }

  step(step: Exclude<Step, { do: "turn" }>): unknown {
    switch (step.do) {
      case "run":
        return this.put(this.#at(step.who), { kind: "run", script: step.script });
      case "signal":
        return this.exit(this.#at(step.who), 0, step.reason);
      case "watch":
        return this.monitor(null, this.#at(step.who));
      case "spawn":
        return this.members.length < MEMBERS_MAX && this.spawn(step.birth, null);
      case "open":
        return this.#open(step.nth, step.ok);
      case "settle": {
        const call = this.#deferred[step.nth % this.#deferred.length];
        if (call !== undefined) this.settle(call, step.ok ? `reply ${call.id}` : "refused");
        return;
      }
      default:
        this.#pass(this.#now + step.ms);
    }
  }

  turn(id: number): void {
    const member = this.members[id - 1] as Member;
    this.queue = this.queue.filter((each) => each !== member);
    if (member.status === "dead") return;
    member.status = "running";
    if (!member.begun) {
      member.begun = true;
      this.#init(member, { kind: "init" });
    } else if (member.next.length > 0) {
      this.see(member, `continue ${member.next.shift()}`);
      this.#finish(member, { kind: "continue" });
    } else this.#handle(member, member.box.shift() as Letter);
    this.#rest(member);
  }

  // A message's way

  #rest(member: Member): void {
    if (member.status !== "running") return;
    member.status = "idle";
    if (member.box.length > 0 || member.next.length > 0) this.enqueue(member);
  }

  #handle(member: Member, letter: Letter): unknown {
    switch (letter.kind) {
      case "run":
      case "call": {
        const { script } = letter.kind === "run" ? letter : letter.call.body;
        this.see(member, letter.kind === "run" ? "run" : `call ${letter.call.id}`);
        return this.#perform(member, script, letter);
      }
      case "note":
        this.see(member, `note ${letter.tag} from ${letter.from}`);
        break;
      case "down": {
        const { id, of, ended } = letter.monitor;
        if (!ended) this.see(member, `DOWN ${id} of ${of.id} ${letter.reason}`);
        break;
      }
      case "exit":
        if (letter.from === 0 || letter.from === member.parent) member.stopping ??= letter.reason;
        else this.see(member, `EXIT of ${letter.from} ${letter.reason}`);
        break;
      case "task":
        this.see(member, `task ${letter.tag} ${letter.ok}`);
        break;
      case "timer":
        if (letter.timer.state !== "gone") this.see(member, `timer ${letter.timer.id}`);
        letter.timer.state = "gone";
    }
    this.#finish(member, letter);
  }

  #init(member: Member, letter: Letter): unknown {
    const { init, trap } = member.birth;
    if (member.stopping === null) {
      this.see(member, "init");
      member.trap = trap;
      if (init === "throw") return this.#crash(member, "init");
      if (init === "slow") return this.#suspend(member, letter, [], false);
      if (init === "stop") member.stopping = "bad";
    }
    this.#finish(member, letter);
  }

  #perform(member: Member, script: Action[], letter: Letter): unknown {
    for (const [i, action] of script.entries()) {
      if (action.do === "crash") return this.#crash(member, "crash");
      if (action.do === "await") return this.#suspend(member, letter, script.slice(i + 1), false);
      this.#act(member, action);
    }
    if (letter.kind === "call" && letter.call.body.answer === "defer")
      this.#deferred.push(letter.call);
    this.#finish(member, letter);
  }

  #suspend(member: Member, letter: Letter, rest: Action[], end: boolean): void {
    this.#doors.push({ member, letter, rest, end });
    if (member.status === "running") member.status = "awaiting";
  }

  #open(nth: number, ok: boolean): unknown {
    const door = this.#doors.splice(nth % this.#doors.length, 1)[0];
    if (door === undefined) return;
    const { member, letter, rest, end } = door;
    if (letter.kind === "task") {
      if (member.status !== "dead") this.put(member, { ...letter, ok });
      return;
    }
    if (end) return this.die(member, ok ? member.reason : "error: door");
    if (member.status === "awaiting") member.status = "running";
    if (ok) this.#perform(member, rest, letter);
    else this.#crash(member, "door");
    this.#rest(member);
  }

  /** After a handler. What a dead process's code still does counts for nothing. */
  #finish(member: Member, letter: Letter): unknown {
    if (member.status === "dead") return;
    if (letter.kind === "call") {
      const { call } = letter;
      if (call.body.answer === "defer") call.owed = true;
      else this.settle(call, `reply ${call.id}`);
    }
    if (letter.kind === "init") {
      if (member.stopping !== null) return this.die(member, member.stopping);
      member.started = true;
      if (member.birth.init === "ignore") {
        this.tell(member, "ignored");
        return this.die(member, "normal");
      }
      this.tell(member, "started");
    }
    if (member.stopping !== null) this.#terminate(member, member.stopping);
  }

  // Ends

  #crash(member: Member, what: string): void {
    if (member.status === "dead") return;
    if (member.started) this.#terminate(member, `error: ${what}`);
    else this.die(member, `error: ${what}`);
  }

  #terminate(member: Member, reason: string): void {
    const { end } = member.birth;
    member.status = "terminating";
    if (end !== "none") this.see(member, `terminate ${reason}`);
    member.reason = reason;
    if (end === "slow") this.#suspend(member, { kind: "continue" }, [], true);
    else this.die(member, end === "throw" ? "error: terminate" : reason);
  }

  // What a handler does

  #act(member: Member, action: Action): unknown {
    switch (action.do) {
      case "note": {
        const tag = ++this.#tags;
        return this.put(this.#at(action.to), { kind: "note", from: member.id, tag });
      }
      case "link":
      case "unlink":
        return this[action.do](member, this.#at(action.to));
      case "monitor":
        return this.monitor(member, this.#at(action.to));
      case "demonitor":
        return this.#demonitor(member, action.nth);
      case "call":
        return this.#call(this.#at(action.to), action.body, this.#now + action.within);
      case "spawn":
        if (this.members.length >= MEMBERS_MAX) return;
        if (action.link) this.link(member, this.spawn(action.birth, member));
        else this.spawn(action.birth, member.status === "dead" ? member : null);
        return;
      case "exit":
        return this.exit(this.#at(action.to), member.id, action.reason);
      case "stop":
        member.stopping ??= action.reason;
        return;
      case "trap":
        member.trap = action.on;
        return;
      case "continue":
        member.next.push(++this.#tags);
        return;
      case "task": {
        const letter: Letter = { kind: "task", tag: ++this.#tags, ok: true };
        if (member.status !== "dead") this.#doors.push({ member, letter, rest: [], end: false });
        return;
      }
      case "after": {
        const [id, state] = [this.timers.length, member.status === "dead" ? "gone" : "set"];
        this.timers.push({ id, owner: member, at: this.#now + action.ms, state } as Timer);
        return;
      }
      case "cancel": {
        const own = this.timers.filter(({ owner }) => owner === member);
        const timer = own[action.nth % own.length];
        if (timer !== undefined) timer.state = "gone";
      }
    }
  }

  #demonitor(member: Member, nth: number): void {
    const own = this.monitors.filter(({ watcher }) => watcher === member);
    const monitor = own[nth % own.length];
    if (monitor === undefined) return;
    monitor.open = false;
    monitor.ended = true;
  }

  #call(callee: Member, body: Body, at: number): void {
    const call = { id: this.calls.length, callee, body, at, owed: false, settled: false };
    this.calls.push(call);
    if (callee.status === "dead") this.settle(call, "noproc");
    else this.put(callee, { kind: "call", call });
  }

  /** What falls due, the soonest first; of equals the one that was set first. */
  #pass(until: number): void {
    for (;;) {
      const due = [
        ...this.timers.filter(({ state }) => state === "set"),
        ...this.calls.filter(({ settled }) => !settled),
      ].filter(({ at }) => at <= until);
      const soonest = Math.min(...due.map(({ at }) => at));
      const next = due.find(({ at }) => at === soonest);
      if (next === undefined) break;
      if ("owner" in next) {
        next.state = "due";
        this.put(next.owner, { kind: "timer", timer: next });
      } else this.settle(next, "timeout");
    }
    this.#now = until;
  }

  #at(index: number): Member {
    return chosen(index, this.members, ({ status }) => status !== "dead");
  }
}
