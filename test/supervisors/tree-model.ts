/**
 * Why this exists: what a supervisor does, said as plainly as possible: one thing after the other
 * on a clock of its own. It is told what befalls whom, and says who starts, who ends, when, why
 * and in which order. It knows nothing of the supervisor's code.
 */
import {
  type Act,
  isSupervisor,
  PERIOD_MS,
  type Plan,
  type SupervisorPlan,
} from "./random-tree.ts";

/** `fallen`: it has ended, and its supervisor has not heard of it yet. */
interface Kid {
  readonly plan: Plan;
  status: "running" | "stopped" | "fallen";
  /** Its own children, when it is a supervisor that runs. */
  sup: Sup | null;
  /** Never up so far. */
  fresh: boolean;
}

export interface Sup {
  readonly plan: SupervisorPlan;
  readonly parent: { sup: Sup; kid: Kid } | null;
  kids: Kid[];
  alive: boolean;
  /** Killed: its children end each by itself, in no order. */
  killed: boolean;
  /** When its children came up and went down. */
  readonly diary: string[];
  /** Of its restarts. */
  times: number[];
}

export class TreeModel {
  /** Every supervisor there ever was, in the order of their starts. */
  readonly sups: Sup[] = [];
  now = 0;
  /** When the last of those that end by themselves is down. */
  until = 0;
  /** How often a supervisor gave up, and how often it stopped for a significant child. */
  escalations = 0;
  autoShutdowns = 0;
  readonly #starts = new Map<string, number>();

  get root(): Sup {
    return this.sups[0] as Sup;
  }

  /** Of those that live: the root first, the others in its order. */
  living(): Sup[] {
    if (!this.root.alive) return [];
    return [this.root, ...this.root.kids.flatMap(({ sup }) => (sup === null ? [] : [sup]))];
  }

  begin(plan: SupervisorPlan): void {
    this.#startSup(plan, null);
  }

  // What befalls it

  kill(sup: Sup, kids: readonly Kid[]): void {
    for (const kid of kids) {
      if (kid.status !== "running") continue;
      this.#down(sup, kid, "killed");
      if (kid.sup !== null) this.#fall(kid.sup);
      kid.sup = null;
      kid.status = "fallen";
    }
    const again: Kid[] = [];
    for (const kid of kids) {
      if (!sup.alive || kid.status !== "fallen") continue;
      // With one_for_one it hears of all of them before the first is up again.
      if (this.#hear(sup, kid, "killed")) again.push(kid);
    }
    this.#again(sup, again);
  }

  /** It ends by itself, or is told to by the application. */
  end(sup: Sup, kid: Kid, act: string): void {
    if (kid.status !== "running") return;
    const { plan } = kid;
    const reason = act === "crash" ? "error" : act;
    if (kid.sup !== null) this.#stopAll(kid.sup);
    else if (!isSupervisor(plan) && plan.trap) this.now += plan.stopMs;
    this.#ended(sup, kid, reason);
  }

  terminateChild(sup: Sup, kid: Kid): string {
    this.#stop(sup, kid);
    this.#forget(sup, kid);
    return "ok";
  }

  restartChild(sup: Sup, kid: Kid): string {
    if (kid.status !== "stopped") return "already_started";
    return this.#start(sup, kid) === null ? "started" : "failed";
  }

  deleteChild(sup: Sup, kid: Kid): string {
    if (kid.status !== "stopped") return "running";
    sup.kids = sup.kids.filter((each) => each !== kid);
    return "ok";
  }

  startChild(sup: Sup, plan: Plan): string {
    const old = sup.kids.find((kid) => kid.plan.id === plan.id);
    if (old !== undefined) return old.status === "stopped" ? "already_present" : "already_started";
    const kid = newKid(plan);
    sup.kids.push(kid);
    if (this.#start(sup, kid) === null) return "started";
    this.#forget(sup, kid);
    return "failed";
  }

  /** The whole of it, in order. */
  stop(): void {
    if (this.root.alive) this.#stopAll(this.root);
  }

  killRoot(): void {
    if (this.root.alive) this.#fall(this.root);
  }

  // Starting

  /** The reason it did not start, or null. */
  #start(sup: Sup, kid: Kid): string | null {
    const { plan } = kid;
    let reason: string | null = null;
    if (isSupervisor(plan)) reason = this.#startSup(plan, { sup, kid });
    else {
      const count = (this.#starts.get(plan.id) ?? 0) + 1;
      this.#starts.set(plan.id, count);
      if (count === plan.fails) reason = "error";
    }
    if (reason !== null) this.#down(sup, kid, reason);
    else {
      sup.diary.push(`${this.now} ${plan.id} up`);
      kid.fresh = false;
    }
    kid.status = reason === null ? "running" : "stopped";
    return reason;
  }

  /** In order; if one fails, those before it are stopped. */
  #startSup(plan: SupervisorPlan, parent: Sup["parent"]): string | null {
    const kids = plan.children.map(newKid);
    const sup: Sup = { plan, parent, kids, alive: true, killed: false, diary: [], times: [] };
    this.sups.push(sup);
    for (const kid of kids) {
      if (this.#start(sup, kid) === null) continue;
      this.#stopAll(sup);
      return "error";
    }
    if (parent !== null) parent.kid.sup = sup;
    return null;
  }

  // Stopping

  #down(sup: Sup, kid: Kid, reason: string, at = this.now): void {
    sup.diary.push(`${at} ${kid.plan.id} down ${reason}`);
  }

  #stopAll(sup: Sup): void {
    for (const kid of [...sup.kids].reverse()) this.#stop(sup, kid);
    sup.alive = false;
  }

  #stop(sup: Sup, kid: Kid): void {
    const { plan, status } = kid;
    kid.status = "stopped";
    if (status !== "running") return;
    const brutal = plan.shutdownMs === "brutal_kill";
    let reason = brutal ? "killed" : "shutdown";
    if (kid.sup !== null) {
      if (brutal) this.#fall(kid.sup);
      else this.#stopAll(kid.sup);
      kid.sup = null;
    } else if (!isSupervisor(plan) && plan.trap && !brutal) {
      const late = typeof plan.shutdownMs === "number" && plan.stopMs > plan.shutdownMs;
      this.now += late ? (plan.shutdownMs as number) : plan.stopMs;
      if (late) reason = "killed";
    }
    this.#down(sup, kid, reason);
  }

  /** It is killed. Its children hear of it, and end by themselves: nobody is left behind. */
  #fall(sup: Sup): void {
    sup.alive = false;
    sup.killed = true;
    const { now } = this;
    for (const kid of sup.kids) {
      if (kid.status !== "running") continue;
      const { plan } = kid;
      if (kid.sup !== null) this.#stopAll(kid.sup);
      else if (!isSupervisor(plan) && plan.trap) this.now += plan.stopMs;
      this.#down(sup, kid, "killed");
      this.until = Math.max(this.until, this.now);
      this.now = now;
    }
  }

  // Starting again

  #ended(sup: Sup, kid: Kid, reason: string): void {
    this.#down(sup, kid, reason);
    kid.sup = null;
    if (this.#hear(sup, kid, reason)) this.#again(sup, [kid]);
  }

  /** Whether it is to be started again, and nothing else with it. */
  #hear(sup: Sup, kid: Kid, reason: string): boolean {
    const { restart, significant } = kid.plan;
    const orderly = reason === "normal" || reason === "shutdown";
    kid.status = "stopped";
    if (restart === "permanent" || (restart === "transient" && !orderly)) {
      if (!this.#admit(sup)) return false;
      if (sup.plan.strategy === "one_for_one") return true;
      this.#together(sup, kid);
      return false;
    }
    this.#forget(sup, kid);
    if (!significant || !this.#isDue(sup, kid)) return false;
    this.autoShutdowns++;
    this.#giveUp(sup);
    return false;
  }

  #isDue({ plan, kids }: Sup, ended: Kid): boolean {
    const others = kids.filter((kid) => kid !== ended && kid.plan.significant);
    if (plan.autoShutdown === "any_significant") return true;
    return others.every(({ status }) => status === "stopped");
  }

  /** A restart, if one more is allowed; otherwise the supervisor's end. */
  #admit(sup: Sup): boolean {
    sup.times = sup.times.filter((time) => this.now - time < PERIOD_MS);
    sup.times.push(this.now);
    if (sup.times.length <= sup.plan.intensity) return true;
    this.escalations++;
    this.#giveUp(sup);
    return false;
  }

  #giveUp(sup: Sup): void {
    this.#stopAll(sup);
    if (sup.parent !== null) this.#ended(sup.parent.sup, sup.parent.kid, "shutdown");
  }

  /** Each alone, in turn. What fails to start has ended once more. */
  #again(sup: Sup, kids: Kid[]): void {
    for (const kid of kids) {
      const reason = sup.alive ? this.#start(sup, kid) : null;
      if (reason !== null && this.#hear(sup, kid, reason)) kids.push(kid);
    }
  }

  /** With all others, or with those after it. */
  #together(sup: Sup, kid: Kid): void {
    const from = sup.plan.strategy === "one_for_all" ? 0 : sup.kids.indexOf(kid);
    const theirs = sup.kids.slice(from);
    for (const other of [...theirs].reverse()) {
      this.#stop(sup, other);
      if (other.plan.restart === "temporary") this.#forget(sup, other);
    }
    for (const each of theirs) {
      if (each.plan.restart === "temporary" || this.#start(sup, each) === null) continue;
      if (this.#admit(sup)) this.#together(sup, each);
      return;
    }
  }

  /** Nothing is kept of a temporary child, nor of one that never was up. */
  #forget(sup: Sup, kid: Kid): void {
    if (kid.plan.restart === "temporary" || kid.fresh)
      sup.kids = sup.kids.filter((each) => each !== kid);
  }
}

const newKid = (plan: Plan): Kid => ({ plan, status: "stopped", sup: null, fresh: true });

/** How many may be killed at once so that the order of what follows is certain. */
export function certain(sup: Sup, { whom }: Extract<Act, { do: "kill" }>): number[] {
  const { strategy, autoShutdown, intensity, children } = sup.plan;
  const sure = children.every((plan) => !isSupervisor(plan)) && autoShutdown === "never";
  if (sure && (strategy !== "one_for_one" || sup.times.length + 2 * whom.length < intensity))
    return whom;
  return whom.slice(0, 1);
}
