/**
 * Why this exists: kafkajs has no revoke hook, no word about a generation it missed and none about
 * its last heartbeat. All three follow from one public place, the assigner's `protocol()`, which
 * it calls synchronously right before every JoinGroup, and from its events. No I/O here.
 *
 * A throw of REBALANCE_IN_PROGRESS from `protocol()` makes kafkajs try the join again after its
 * retry pause: that holds the rejoin while work is drained, and the broker accepts commits of the
 * old generation meanwhile.
 */
import { type PartitionAssigner, PartitionAssigners } from "kafkajs";

/** How often a held rejoin is looked at again, in milliseconds: kafkajs's retry pause. */
export const HOLD_STEP_MS = 50;
/** What a rejoin may take after the hold, on top of the delay with which we heard of it. */
const MARGIN_MS = 1_000;

export interface MembershipOptions {
  readonly sessionTimeout: number;
  readonly heartbeatInterval: number;
  readonly rebalanceTimeout: number;
  now(): number;
  /** A rejoin begins to be held. */
  revoking(): void;
  /** Sends a heartbeat where there is a way to; kafkajs sends none during a hold. */
  heartbeat(): void;
}

interface Hold {
  readonly deadline: number;
  beatAt: number;
  released: boolean;
}

/** Requests whose acceptance proves that the broker counts us as a member. */
type Proof = "Heartbeat" | "SyncGroup" | "OffsetCommit";

export class Membership {
  readonly #options: MembershipOptions;
  readonly #sentAt = new Map<string, number>();
  #memberId: string | null = null;
  #attempts = 0;
  #joining = true;
  #hold: Hold | null = null;
  #outstanding = 0;
  #closing = false;
  #confirmedAt = Number.NEGATIVE_INFINITY;

  constructor(options: MembershipOptions) {
    this.#options = options;
  }

  /** Before the first generation, and from the moment a JoinGroup is sent until it is answered. */
  get joining(): boolean {
    return this.#joining;
  }

  /** kafkajs's round robin under its own name, so that plain kafkajs members fit in the group. */
  readonly assigner: PartitionAssigner = (config) => {
    const base = PartitionAssigners.roundRobin(config);
    return {
      ...base,
      protocol: (subscription) => {
        this.#beforeJoin();
        return base.protocol(subscription);
      },
    };
  };

  /**
   * A generation began. True: this same member took part in every generation since the last one.
   * A second attempt may mean a generation that was formed and missed.
   */
  joined(memberId: string): boolean {
    const continuous = this.#memberId === memberId && this.#attempts === 1;
    this.#memberId = memberId;
    this.#attempts = 0;
    this.#joining = false;
    this.#hold = null;
    this.confirm("SyncGroup");
    return continuous;
  }

  rejoin(): void {
    if (this.#hold !== null) this.#hold.released = true;
  }

  /** The broker has forgotten this member: nothing is left that a hold could save. */
  expelled(): void {
    this.#confirmedAt = Number.NEGATIVE_INFINITY;
    this.rejoin();
  }

  /** From now on a join fails at once instead of being held or sent. */
  close(): void {
    this.#closing = true;
  }

  /**
   * Keeps the generation from changing while `request` is under way: kafkajs would send it again
   * in the new one, where it may be stale.
   */
  async within<T>(request: () => Promise<T>): Promise<T> {
    this.#outstanding++;
    try {
      return await request();
    } finally {
      this.#outstanding--;
    }
  }

  /** A response came in. Its request counts from when it was sent: we may have slept since. */
  answered(apiName: string, durationMs: number): void {
    this.#sentAt.set(apiName, this.#options.now() - Math.max(0, durationMs));
  }

  confirm(proof: Proof): void {
    this.#confirmedAt = Math.max(this.#confirmedAt, this.#sentAt.get(proof) ?? this.#confirmedAt);
  }

  confirmed(): boolean {
    return this.#options.now() - this.#confirmedAt < this.#options.sessionTimeout;
  }

  #beforeJoin(): void {
    if (this.#closing) throw refusal("the session is closing", { retriable: false });
    // The first join is never held: kafkajs would take a failure there for a crash.
    if (this.#memberId !== null && !this.#joining) this.#holdIfNeeded();
    this.#attempts++;
    this.#joining = true;
  }

  #holdIfNeeded(): void {
    const hold = this.#hold ?? this.#beginHold();
    const late = this.#options.now() >= hold.deadline;
    if (this.#outstanding > 0 && late) {
      // Giving up the session is the only way left to keep a stale commit out of a new generation.
      throw refusal("a commit is still unanswered", { retriable: false });
    }
    if (this.#outstanding === 0 && (hold.released || late || !this.#alive())) return;
    this.#beat(hold);
    throw refusal("holding the rejoin", { type: "REBALANCE_IN_PROGRESS" });
  }

  #beginHold(): Hold {
    const { now, heartbeatInterval, rebalanceTimeout } = this.#options;
    const margin = Math.min(rebalanceTimeout / 2, heartbeatInterval + MARGIN_MS);
    const deadline = now() + rebalanceTimeout - margin;
    this.#hold = { deadline, beatAt: Number.NEGATIVE_INFINITY, released: false };
    this.#options.revoking();
    return this.#hold;
  }

  #beat(hold: Hold): void {
    const now = this.#options.now();
    if (now - hold.beatAt < this.#options.heartbeatInterval) return;
    hold.beatAt = now;
    this.#options.heartbeat();
  }

  /**
   * A hold goes on only while the broker has lately confirmed us. That ends it in time where there
   * is no way to heartbeat, and at once where we were thrown out.
   */
  #alive(): boolean {
    const { now, sessionTimeout, heartbeatInterval } = this.#options;
    return (
      now() - this.#confirmedAt < sessionTimeout - Math.min(heartbeatInterval, sessionTimeout / 3)
    );
  }
}

const refusal = (message: string, marks: { type?: string; retriable?: boolean }): Error =>
  Object.assign(new Error(message), marks);
