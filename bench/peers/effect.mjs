/**
 * Why this exists: the workloads on Effect 4. It has no actors: an actor is a fiber that takes from
 * an unbounded queue for ever, and a call is a deferred that travels in the message.
 */
import { Deferred, Effect, Exit, Queue } from "effect";
import { latch, many, measure, mustBe, RING, SENDERS } from "./work.mjs";

/**
 * `forever` yields after every message by default: whoever takes turns with others is faster so, and
 * whoever works off a backlog without. Each workload has the faster one.
 */
function make(react, disableYield = false) {
  const queue = Effect.runSync(Queue.unbounded());
  const one = Effect.map(Queue.take(queue), react);
  Effect.runFork(Effect.forever(one, { disableYield }));
  return queue;
}
const cast = (queue, message) => Queue.offerUnsafe(queue, message);

function makeCounter() {
  let count = 0;
  return make(({ kind, reply }) => {
    if (kind !== "read") count++;
    if (reply !== undefined) Deferred.doneUnsafe(reply, Exit.succeed(count));
  }, true);
}
const ADD = { kind: "add" };
const ask = (queue, kind) =>
  Effect.runPromise(
    Effect.flatMap(Deferred.make(), (reply) => {
      cast(queue, { kind, reply });
      return Deferred.await(reply);
    }),
  );

/** As its users would: a fiber for each node, and a queue for what its children tell it. */
const node = (number, size, tell) =>
  Effect.gen(function* () {
    if (size === 1) return tell(number);
    const sums = yield* Queue.unbounded();
    for (let i = 0; i < 10; i++) {
      const up = (value) => cast(sums, value);
      yield* Effect.forkDetach(node(number + (i * size) / 10, size / 10, up));
    }
    let sum = 0;
    for (let i = 0; i < 10; i++) sum += yield* Queue.take(sums);
    return tell(sum);
  });

await measure("effect", {
  cast: (count) => {
    const ref = makeCounter();
    return async () => {
      for (let i = 0; i < count; i++) cast(ref, ADD);
      mustBe(await ask(ref, "read"), count);
    };
  },
  call: (count) => {
    const ref = makeCounter();
    return async () => {
      for (let i = 0; i < count; i++) await ask(ref, "next");
    };
  },
  ask: (count) => {
    const { open, opened } = latch();
    const server = make(({ from, n }) => cast(from, n));
    let left = count;
    const client = make((n) => {
      if (left-- === 0) open();
      else cast(server, { from: client, n: n + 1 });
    });
    return async () => {
      cast(client, 0);
      await opened;
    };
  },
  pingpong: (count) => {
    const { open, opened } = latch();
    const player = () => {
      const self = make(({ left, from }) => {
        if (left === 0) open();
        else cast(from, { left: left - 1, from: self });
      });
      return self;
    };
    const [a, b] = [player(), player()];
    return async () => {
      cast(a, { left: count, from: b });
      await opened;
    };
  },
  ring: (count) => {
    const { open, opened } = latch();
    const links = Array.from({ length: RING }, (_, i) =>
      make((left) => {
        if (left === 0) open();
        else cast(links[(i + 1) % RING], left - 1);
      }),
    );
    return async () => {
      cast(links[0], count);
      await opened;
    };
  },
  fanin: (count) => {
    const to = makeCounter();
    const senders = Array.from({ length: SENDERS }, () =>
      make(() => {
        for (let i = 0; i < count / SENDERS; i++) cast(to, ADD);
      }),
    );
    return async () => {
      for (const each of senders) cast(each, null);
      while ((await ask(to, "read")) !== count);
    };
  },
  skynet: (count, warm) => {
    const leaves = warm ? 10_000 : count;
    const { open, opened } = latch();
    return async () => {
      Effect.runFork(node(0, leaves, open));
      mustBe(await opened, (leaves * (leaves - 1)) / 2);
    };
  },
  spawn: (count) => many(count, makeCounter),
  end: (queues) => {
    for (const queue of queues) Effect.runSync(Queue.shutdown(queue));
  },
  restart: (count) => {
    const { open, opened } = latch();
    const boom = new Error("boom");
    const queue = Effect.runSync(Queue.unbounded());
    let lives = 0;
    const life = Effect.gen(function* () {
      if (lives++ === count) open();
      else cast(queue, null);
      yield* Queue.take(queue);
      return yield* Effect.fail(boom);
    });
    return async () => {
      Effect.runFork(Effect.retry(life, { times: Number.POSITIVE_INFINITY }));
      await opened;
    };
  },
  beside: () => {
    const ref = makeCounter();
    let turns = 0;
    let until = 0;
    const worker = make(() => {
      if ((++turns & 1_023) !== 0 || Date.now() < until) cast(worker, null);
    });
    const busy = (end) => {
      until = end;
      cast(worker, null);
    };
    return { busy, call: () => ask(ref, "next") };
  },
});
