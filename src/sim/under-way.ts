/** Why this exists: which handlers are under way, in the lives that go on. */
import { partitionKey } from "../ports/record.ts";
import { forget } from "./tables.ts";
import type { World } from "./world.ts";

export class UnderWay {
  /** By member and worker. A worker has one partition. */
  readonly #workers = new Map<string, { readonly partition: string; handlers: number }>();

  constructor(world: World) {
    const workers = this.#workers;
    world.audience.watch({
      handler_started: ({ topic, partition, incarnation }, member) => {
        const worker = workers.get(`${member} ${incarnation}`);
        const place = partitionKey(topic, partition);
        if (worker !== undefined) worker.handlers++;
        else workers.set(`${member} ${incarnation}`, { partition: place, handlers: 1 });
      },
      handler_ended: ({ incarnation }, member) => {
        // Unknown: one of a life that is over, and ends in the next.
        const worker = workers.get(`${member} ${incarnation}`);
        if (worker !== undefined && --worker.handlers === 0) {
          workers.delete(`${member} ${incarnation}`);
        }
      },
      member_ended: (_fact, member) => forget(workers, member),
    });
  }

  /** Of one partition (`"orders/0"`) or all. */
  count(partition?: string): number {
    let count = 0;
    for (const worker of this.#workers.values()) {
      if (partition === undefined || worker.partition === partition) count += worker.handlers;
    }
    return count;
  }

  isBusy(member: string, pid: number): boolean {
    return this.#workers.has(`${member} ${pid}`);
  }
}
