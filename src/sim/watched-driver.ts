/**
 * Why this exists: what the actors ask of the broker, seen from outside of them: the port between
 * is the one place where neither side can tell a story of its own.
 */
import type { LogDriver, Session } from "../ports/log-driver.ts";
import type { NewSimEvent } from "./facts.ts";

/** The same driver, telling who joins, where its members attach and what they commit. */
export function watchedDriver(
  driver: LogDriver,
  tell: (fact: NewSimEvent) => void,
  joining: (groupId: string) => void,
): LogDriver {
  return {
    ...driver,
    join: (options, events) => {
      joining(options.groupId);
      return watchedSession(driver.join(options, events), tell);
    },
  };
}

function watchedSession(session: Session, tell: (fact: NewSimEvent) => void): Session {
  return {
    ...session,
    attach(route) {
      const { topic, partition, epoch, offset } = route;
      const attached = session.attach({
        ...route,
        deliver(batch) {
          const records = batch.messages.map((message) => ({
            offset: Number(message.offset),
            bytes: (message.key?.length ?? 0) + (message.value?.length ?? 0),
          }));
          tell({ type: "delivered", topic, partition, epoch, records });
          route.deliver(batch);
        },
      });
      if (attached) tell({ type: "attached", topic, partition, epoch, offset });
      return attached;
    },
    commit(commits) {
      tell({ type: "commit_requested", commits });
      return session.commit(commits);
    },
  };
}
