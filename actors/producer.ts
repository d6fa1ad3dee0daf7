/** Why this exists: one connection for writing; every caller hears what became of its own record. */
import { actor, type Description } from "../src/kernel/actor.ts";
import { DriverError } from "../src/ports/driver-error.ts";
import type { LogDriver, Sink } from "../src/ports/log-driver.ts";
import type { OutgoingMessage, Stored } from "../src/ports/record.ts";
import { failed, ok, type Result } from "../src/ports/result.ts";

interface State {
  readonly sink: Sink;
  inFlight: number;
  stored: number;
}

export const producer = actor({
  name: "producer",
  init: (self, driver: LogDriver): State => ({
    sink: driver.sink({ signal: self.signal }),
    inFlight: 0,
    stored: 0,
  }),
  calls: {
    /** Answers when the broker has the record, or with the error why it has not. */
    produce: (self, topic: string, message: OutgoingMessage) => {
      const { state } = self;
      const reply = self.defer<Result<Stored, DriverError>>();
      state.inFlight++;
      self.task(
        "send",
        () => state.sink.send(topic, [message]),
        (outcome) => {
          state.inFlight--;
          const result = outcome.ok ? first(outcome.value) : failed(unexpected(outcome.error));
          if (result.ok) state.stored++;
          reply.resolve(result);
        },
      );
      return reply;
    },
  },
  terminate: ({ state }) => state.sink.close(),
  describe: ({ state }): Description => ({ stored: state.stored, inFlight: state.inFlight }),
});

function first(sent: Result<Stored[], DriverError>): Result<Stored, DriverError> {
  if (!sent.ok) return sent;
  const stored = sent.value[0];
  return stored === undefined ? failed(unexpected("no answer for the record")) : ok(stored);
}

const unexpected = (cause: unknown): DriverError =>
  new DriverError("failed", `the driver failed: ${String(cause)}`, { retriable: false, cause });
