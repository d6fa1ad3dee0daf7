/**
 * Why this exists: a call settles exactly once, by a reply, the callee's end or its deadline.
 * Deadlines of equal length lie in one queue in order of time, so that a call costs a link in a
 * list and not a timer; one timer per length waits for the oldest.
 */
import type { Deferred } from "./actor.ts";
import { CallError, OptionError, show } from "./errors.ts";
import { type ExitReason, formatCause, formatReason } from "./exit.ts";
import type { Cancel, Host } from "./host.ts";
import { including, type Relations } from "./relations.ts";
import type { Scheduler } from "./scheduler.ts";
import { isThenable } from "./thenable.ts";

const REPLY = "reply";

/** One unanswered call. */
export class Call {
  readonly callee: string;
  readonly name: string;
  /** By what it was settled, a reply or an error's code: from then on every other reply is dropped. */
  how = "";
  #result: unknown = undefined;
  /** Of the promise of whoever asked, once it waits for this. */
  #resolve: ((reply: unknown) => void) | null = null;
  #reject: ((error: unknown) => void) | null = null;
  /** Where it waits for its time to be over, if anywhere, once there is a promise. */
  readonly #queue: Deadlines | null;
  /** Hears how it was settled. */
  told: ((how: string) => void) | null = null;
  #owed: Set<Call> | null = null;
  /** When it expires; 0: not known yet. */
  at = 0;
  before: Call | null = null;
  after: Call | null = null;

  constructor(callee: string, name: string, queue: Deadlines | null) {
    this.callee = callee;
    this.name = name;
    this.#queue = queue;
  }

  /** The reply, if it is there; else the call itself: a thenable. */
  outcome(): unknown {
    return this.how === REPLY ? this.#result : this;
  }

  /**
   * Waits for its settlement, or for its time to be over. The promise that takes it up is settled itself;
   * that of another promise would be settled two microtasks later, after those of later calls.
   */
  // biome-ignore lint/suspicious/noThenProperty: it is to be one
  then(resolve: (reply: unknown) => void, reject: (error: unknown) => void): void {
    if (this.how === REPLY) resolve(this.#result);
    else if (this.how !== "") reject(this.#result);
    else {
      this.#resolve = resolve;
      this.#reject = reject;
      this.#queue?.add(this);
    }
  }

  /** It lies in its callee's list of debts until it is settled. */
  owe(callee: Relations): void {
    if (this.how !== "") return;
    callee.owed = including(callee.owed, this);
    this.#owed = callee.owed;
  }

  /** A promise is no reply: what it brings is, if it brings it in time. */
  reply(value: unknown): void {
    if (isThenable(value)) {
      const settle = [(it: unknown) => this.reply(it), (why: unknown) => this.refuse(why)] as const;
      Promise.resolve(value).then(...settle);
    } else this.#settle(REPLY, value, this.#resolve);
  }

  refuse(cause: unknown): void {
    const why = cause instanceof Error ? formatCause(cause) : show(cause);
    const message = `${this.#what()} was refused: ${why}`;
    this.#fail(new CallError("refused", message, undefined, cause));
  }

  /** Its callee has ended; or `noproc`: there was none. */
  exit(reason: ExitReason, code: "exit" | "noproc" = "exit"): void {
    const message = `${this.#what()} got no reply: ${formatReason(reason)}`;
    this.#fail(new CallError(code, message, reason));
  }

  /** What was returned for it is another call's reply. */
  notMine(): void {
    const [reply, own] = [`calls.${this.name}`, "a reply, or a deferred one of its own"];
    this.refuse(new OptionError(reply, "another call's deferred reply", own, this.callee));
  }

  unknown(known: Iterable<string>): void {
    const message = `${this.callee} has no call ${show(this.name)}`;
    const allowed = [...known].join(", ") || "none";
    this.#fail(new CallError("unknown_message", `${message}; allowed: ${allowed}`));
  }

  overflow(): void {
    this.#fail(new CallError("overloaded", `${this.#what()} was refused: its mailbox is full`));
  }

  expire(timeoutMs: number): void {
    this.#fail(new CallError("timeout", `${this.#what()} got no reply within ${timeoutMs} ms`));
  }

  #fail(error: CallError): void {
    this.#settle(error.code, error, this.#reject);
  }

  #settle(how: string, result: unknown, tell: ((result: unknown) => void) | null): void {
    if (this.how !== "") return;
    this.how = how;
    this.told?.(how);
    this.#owed?.delete(this);
    if (tell === null) this.#result = result;
    else {
      this.#queue?.remove(this);
      tell(result);
    }
  }

  #what(): string {
    return `call ${show(this.name)} to ${this.callee}`;
  }
}

/**
 * The calls that wait equally long: all but those that were answered before they needed a promise. A
 * look at the clock costs a seventh of a call, and most are answered in the scheduler's next drain: so
 * they are dated after that, those that still wait.
 */
export class Deadlines {
  readonly timeoutMs: number;
  readonly #host: Host;
  readonly #scheduler: Scheduler;
  #first: Call | null = null;
  #last: Call | null = null;
  #timer: Cancel | null = null;
  #rested = false;

  constructor(host: Host, scheduler: Scheduler, timeoutMs: number) {
    this.#host = host;
    this.#scheduler = scheduler;
    this.timeoutMs = timeoutMs;
  }

  add(call: Call): void {
    call.before = this.#last;
    if (this.#last === null) this.#first = call;
    else this.#last.after = call;
    this.#last = call;
    if (!this.#scheduler.dateLater(this)) this.date();
    this.#timer ??= this.#host.timer(this.timeoutMs, () => this.#expire());
  }

  /** Says when those that came since the last time will expire. */
  date(): void {
    if (this.#last === null || this.#last.at > 0) return;
    const at = this.#host.now() + this.timeoutMs;
    for (let call: Call | null = this.#last; call?.at === 0; call = call.before) call.at = at;
  }

  remove(call: Call): void {
    const { before, after } = call;
    if (before === null) this.#first = after;
    else before.after = after;
    if (after === null) this.#last = before;
    else after.before = before;
    call.before = null;
    call.after = null;
    if (this.#rested) this.rest();
  }

  /**
   * Forgets the timer when nothing waits, so that an idle system holds no process open; whether it did.
   * From then on it does so by itself: a call that is still on its way here may be the last.
   */
  rest(): boolean {
    if (this.#first !== null) return false;
    this.#rested = true;
    this.#timer?.();
    this.#timer = null;
    return true;
  }

  #expire(): void {
    this.#timer = null;
    this.date();
    const now = this.#host.now();
    while (this.#first !== null && this.#first.at <= now) this.#first.expire(this.timeoutMs);
    const first = this.#first;
    if (first !== null)
      this.#timer = this.#host.timer(Math.max(1, first.at - now), () => this.#expire());
  }
}

/** A reply that is given after the handler has returned. */
export class DeferredReply<T> implements Deferred<T> {
  readonly #call: Call;

  constructor(call: Call) {
    this.#call = call;
  }

  /** Whose reply `value` is, if it is one. Whatever else it is: a proxy is not asked. */
  static callOf(value: unknown): Call | null {
    const isOne = typeof value === "object" && value !== null && #call in value;
    return isOne ? value.#call : null;
  }

  // Bound, so that a promise may be told to settle it.
  readonly resolve = (value: T): void => this.#call.reply(value);
  readonly reject = (cause: unknown): void => this.#call.refuse(cause);
}
