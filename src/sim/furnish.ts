/** Why this exists: what a member runs in one life: the user's tree, with everything watched. */
import { OptionError } from "../kernel/errors.ts";
import type { ChildSpec } from "../ports/child-spec.ts";
import type { LogDriver } from "../ports/log-driver.ts";
import type { Given, NewSimEvent } from "./facts.ts";
import type { Member } from "./member.ts";
import type { Tree } from "./setup.ts";
import { SimulatedFailure } from "./simulated-failure.ts";
import { watchedDriver } from "./watched-driver.ts";
import {
  type Fate,
  type FoundGroup,
  type HandlerWorld,
  watchHandlers,
} from "./watched-handlers.ts";

/** What a tree is made of, and who hears what it does. */
export interface Furnishings {
  readonly tree: Tree;
  readonly driver: LogDriver;
  readonly state: Map<string, unknown>;
  lag(groupId?: string): number;
  tell(fact: NewSimEvent): void;
  fate(given: Given): Fate;
  /** A member joins a group. */
  joining(groupId: string): void;
  /** Nothing goes wrong any more: what was to hang for ever fails instead. */
  healed(): boolean;
}

export function furnish(
  member: Member,
  { tree, driver, state, lag, tell, fate, joining, healed }: Furnishings,
): { readonly spec: ChildSpec; readonly groups: readonly FoundGroup[] } {
  const { host, name } = member;
  const kafka = {
    ...watchedDriver(
      driver,
      (fact) => {
        // What a life that is over still does with its session is nobody's any more.
        if (member.host === host) tell(fact);
      },
      joining,
    ),
    lag,
  };
  const spec = tree({ kafka, state, member: name });
  if (typeof spec !== "object" || spec === null || !("start" in spec)) {
    throw new OptionError("tree", spec, "a function that returns a child specification");
  }
  return watchHandlers(spec, handlerWorld(member, { tell, fate, healed }));
}

function handlerWorld(
  member: Member,
  { tell, fate, healed }: Pick<Furnishings, "tell" | "fate" | "healed">,
): HandlerWorld {
  const { host, incarnation } = member;
  return {
    tell,
    fate,
    given: (offsets) => ({ ...(member.handling ?? NOBODY), offsets }),
    sleep: (ms) => new Promise((resolve) => void host.timer(ms, resolve)),
    hang: () => {
      if (healed()) return Promise.reject(new SimulatedFailure("simulated handler rejection"));
      if (member.incarnation === incarnation) member.hung++;
      return new Promise(() => {});
    },
  };
}

const NOBODY = { topic: "", partition: -1, epoch: -1, incarnation: -1 };
