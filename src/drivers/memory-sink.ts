/** Why this exists: a `Sink` on the in-memory Kafka. */
import type { Host } from "../kernel/host.ts";
import type { DriverError } from "../ports/driver-error.ts";
import type { Sink } from "../ports/log-driver.ts";
import type { Stored } from "../ports/record.ts";
import type { Result } from "../ports/result.ts";
import type { MemoryBroker } from "./memory-broker.ts";
import { Wire } from "./memory-wire.ts";

export function memorySink(broker: MemoryBroker, host: Host, signal: AbortSignal): Sink {
  const wire = new Wire(broker, host);
  const close = (): void => {
    signal.removeEventListener("abort", close);
    wire.close();
  };
  signal.addEventListener("abort", close, { once: true });
  if (signal.aborted) close();
  return {
    send: (topic, messages) =>
      new Promise((resolve) => {
        wire.request<Result<Stored[], DriverError>>(
          "produce",
          (reply) => reply(broker.produce(topic, messages)),
          (answer) => resolve(answer.ok ? answer.value : answer),
        );
      }),
    close: async () => close(),
  };
}
