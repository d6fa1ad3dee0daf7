/** Why this exists: all laws there are, by name, and how to add one's own in a line. */
import { needOption, OptionError } from "../../kernel/errors.ts";
import { isThenable } from "../../kernel/thenable.ts";
import type { World } from "../world.ts";
import { boundedMailbox } from "./bounded-mailbox.ts";
import { callsSettle } from "./calls-settle.ts";
import { commitBelowUnacked } from "./commit-below-unacked.ts";
import { commitFenced } from "./commit-fenced.ts";
import { commitMonotonic } from "./commit-monotonic.ts";
import { intensity } from "./intensity.ts";
import type { Invariant } from "./invariant.ts";
import { noAckedLost } from "./no-acked-lost.ts";
import { oneHandlerAtATime } from "./one-handler-at-a-time.ts";
import { orderPerEpoch } from "./order-per-epoch.ts";
import { producerAck } from "./producer-ack.ts";
import { restartAtUnacked } from "./restart-at-unacked.ts";
import { singleOwner } from "./single-owner.ts";
import { treeShape } from "./tree-shape.ts";

/** What a law of one's own is given. */
export type WorldView = Pick<World, "kafka" | "state" | "healed">;

const atLeastOnce: readonly Invariant[] = [
  noAckedLost,
  commitBelowUnacked,
  commitMonotonic,
  commitFenced,
  restartAtUnacked,
  orderPerEpoch,
  singleOwner,
  oneHandlerAtATime,
];

const runtime: readonly Invariant[] = [
  intensity,
  treeShape,
  boundedMailbox,
  callsSettle,
  producerAck,
];

export const invariants = {
  /** No record is lost, no commit goes wrong, nobody meddles. */
  atLeastOnce,
  /** Processes, supervisors, calls and bounds keep what they promise. */
  runtime,
  /** The default. */
  all: [...atLeastOnce, ...runtime] as readonly Invariant[],
  /**
   * A law of one's own, asked after every step: broken when `holds` answers false, or a text that
   * says what is wrong. A text that begins with a partition (`"orders/0: …"`) has the report tell of
   * that one alone.
   */
  custom(name: string, holds: (world: WorldView) => boolean | string | undefined): Invariant {
    needOption(typeof name === "string" && name !== "", "invariants", name, "a name for each");
    needOption(typeof holds === "function", `invariants: ${name}`, holds, "a function");
    return {
      name,
      states: name,
      watch: ({ world, fail }) => ({
        eachStep: () => {
          const answer: unknown = holds(world);
          if (answer === true || answer === undefined) return;
          if (answer === false) fail("no longer true");
          if (typeof answer === "string") fail(answer);
          const given = isThenable(answer) ? holds : answer;
          const allowed = "a function, not async, that answers true, false, a text or nothing";
          throw new OptionError(`invariants: ${name}`, given, allowed);
        },
      }),
    };
  },
};
