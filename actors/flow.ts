/**
 * Why this exists: how much a partition may fetch ahead. It counts the records delivered to one
 * incarnation of a worker and not acked by it. Fetching pauses when both bounds are exceeded, the
 * count and the bytes (Elsa's and brod's rule: small records may be many, large ones few), and
 * goes on when either has fallen to half.
 */
import type { AssignedPartition, Session } from "../src/ports/log-driver.ts";
import type { Message } from "../src/ports/record.ts";

export interface FlowOptions {
  readonly prefetchCount: number;
  readonly prefetchBytes: number;
}

export interface Flow {
  add(messages: readonly Message[]): void;
  remove(messages: readonly Message[]): void;
  /** The route begins to fetch; until now there was nothing to pause. */
  attached(): void;
  /** Somebody else's reason to pause, on top of the bounds. */
  throttle(on: boolean): void;
}

export function createFlow(options: FlowOptions, session: Session, where: AssignedPartition): Flow {
  const { prefetchCount, prefetchBytes } = options;
  let count = 0;
  let bytes = 0;
  let routed = false;
  let paused = false;
  let throttled = false;

  const update = (): void => {
    const part = paused ? 0.5 : 1;
    const full = count >= prefetchCount * part && bytes >= prefetchBytes * part;
    const pause = count > 0 && full ? true : throttled;
    if (!routed || pause === paused) return;
    paused = pause;
    if (pause) session.pause(where);
    else session.resume(where);
  };

  return {
    add(messages) {
      count += messages.length;
      for (const message of messages) bytes += sizeOf(message);
      update();
    },
    remove(messages) {
      count -= messages.length;
      for (const message of messages) bytes -= sizeOf(message);
      update();
    },
    attached() {
      routed = true;
      update();
    },
    throttle(on) {
      throttled = on;
      update();
    },
  };
}

const sizeOf = ({ key, value }: Message): number => (key?.length ?? 0) + (value?.length ?? 0);
