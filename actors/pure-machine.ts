/**
 * Why this exists: a machine without context has few states, and each of its transitions has one
 * answer. XState works it out the first time, in 20 µs or more; after that it is looked up. So a
 * lifecycle may be asked as often as one likes, a thousand members of a simulation included.
 */
import { type AnyStateMachine, initialTransition, type SnapshotFrom, transition } from "xstate";

export interface PureMachine<M extends AnyStateMachine, Event extends { type: string }, Action> {
  readonly begin: SnapshotFrom<M>;
  /** Equal states are one and the same object. */
  next(from: SnapshotFrom<M>, event: Event): readonly [SnapshotFrom<M>, readonly Action[]];
}

/** For machines whose events are no more than their types. */
export function pureMachine<M extends AnyStateMachine, Event extends { type: string }, Action>(
  machine: M,
): PureMachine<M, Event, Action> {
  type State = SnapshotFrom<M>;
  const states = new Map<string, State>();
  const known = new Map<State, Map<string, readonly [State, readonly Action[]]>>();
  const same = (state: State): State => {
    const key = JSON.stringify((state as { value?: unknown }).value);
    const found = states.get(key);
    if (found !== undefined) return found;
    states.set(key, state);
    known.set(state, new Map());
    return state;
  };
  return {
    begin: same(initialTransition(machine as AnyStateMachine)[0] as State),
    next(from, event) {
      const answers = known.get(from);
      const found = answers?.get(event.type);
      if (found !== undefined) return found;
      const [next, actions] = transition(machine, from, event as never);
      const answer = [same(next as State), actions.map(({ type }) => type as Action)] as const;
      answers?.set(event.type, answer);
      return answer;
    },
  };
}
