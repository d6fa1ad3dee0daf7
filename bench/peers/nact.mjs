/** Why this exists: the workloads on nact 7. A query takes the place of a call. */
import { createRequire } from "node:module";
import { latch, many, measure, mustBe, RING, SENDERS } from "./work.mjs";

const { dispatch, query, spawn, start, stop } = createRequire(import.meta.url)("nact");
const LONG_MS = 90_000;

/** Names that it draws itself are random, and may collide. */
let names = 0;
const system = start();
const make = (react, parent = system, options = {}) =>
  spawn(parent, react, `actor-${names++}`, options);

const makeCounter = () =>
  make((count = 0, { kind, from }) => {
    const now = kind === "read" ? count : count + 1;
    if (from !== undefined) dispatch(from, now);
    return now;
  });
const ADD = { kind: "add" };
const read = (ref) => query(ref, (from) => ({ kind: "read", from }), LONG_MS);
const next = (ref) => query(ref, (from) => ({ kind: "next", from }), LONG_MS);

function makeNode(parent, number, size, tell) {
  return make((state = { left: 10, sum: 0 }, message, { self }) => {
    const end = (value) => {
      tell(value);
      stop(self);
      return state;
    };
    if (message.sum === undefined) {
      if (size === 1) return end(number);
      const part = size / 10;
      for (let i = 0; i < 10; i++) {
        const up = (sum) => dispatch(self, { sum });
        dispatch(makeNode(self, number + i * part, part, up), {});
      }
      return state;
    }
    state.sum += message.sum;
    return --state.left === 0 ? end(state.sum) : state;
  }, parent);
}

await measure("nact", {
  cast: (count) => {
    const ref = makeCounter();
    return async () => {
      for (let i = 0; i < count; i++) dispatch(ref, ADD);
      mustBe(await read(ref), count);
    };
  },
  call: (count) => {
    const ref = makeCounter();
    return async () => {
      for (let i = 0; i < count; i++) await next(ref);
    };
  },
  ask: (count) => {
    const { open, opened } = latch();
    const server = make((state, { from, n }) => {
      dispatch(from, { n });
      return state;
    });
    let left = count;
    const client = make((state, { n }, { self }) => {
      if (left-- === 0) open();
      else dispatch(server, { from: self, n: n + 1 });
      return state;
    });
    return async () => {
      dispatch(client, { n: 0 });
      await opened;
    };
  },
  pingpong: (count) => {
    const { open, opened } = latch();
    const play = (state, { left, from }, { self }) => {
      if (left === 0) open();
      else dispatch(from, { left: left - 1, from: self });
      return state;
    };
    const [a, b] = [make(play), make(play)];
    return async () => {
      dispatch(a, { left: count, from: b });
      await opened;
    };
  },
  ring: (count) => {
    const { open, opened } = latch();
    const links = Array.from({ length: RING }, (_, i) =>
      make((state, { left }) => {
        if (left === 0) open();
        else dispatch(links[(i + 1) % RING], { left: left - 1 });
        return state;
      }),
    );
    return async () => {
      dispatch(links[0], { left: count });
      await opened;
    };
  },
  fanin: (count) => {
    const to = makeCounter();
    const senders = Array.from({ length: SENDERS }, () =>
      make((state) => {
        for (let i = 0; i < count / SENDERS; i++) dispatch(to, ADD);
        return state;
      }),
    );
    return async () => {
      for (const each of senders) dispatch(each, {});
      while ((await read(to)) !== count);
    };
  },
  skynet: (count, warm) => {
    const leaves = warm ? 10_000 : count;
    const { open, opened } = latch();
    return async () => {
      dispatch(makeNode(system, 0, leaves, open), {});
      mustBe(await opened, (leaves * (leaves - 1)) / 2);
    };
  },
  spawn: (count) => many(count, makeCounter),
  end: async (refs) => {
    for (const ref of refs) stop(ref);
    // It stops them in turns of their own: the next time must not find them dying.
    for (let i = 0; i < 100; i++) await new Promise(setImmediate);
  },
  restart: (count) => {
    const { open, opened } = latch();
    const boom = new Error("boom");
    let lives = 0;
    let ref;
    const isUp = () => {
      if (lives++ === count) open();
      else dispatch(ref, {});
    };
    const crash = () => {
      throw boom;
    };
    ref = make(crash, system, {
      // Asked once for every life; the first comes before there is a name for it.
      initialStateFunc: () => {
        queueMicrotask(isUp);
        return 0;
      },
      onCrash: (_message, _error, { reset }) => reset,
    });
    return () => opened;
  },
  beside: () => {
    const ref = makeCounter();
    let until = 0;
    const worker = make((turns = 0, _message, { self }) => {
      if ((turns & 1_023) !== 1_023 || Date.now() < until) dispatch(self, {});
      return turns + 1;
    });
    const busy = (end) => {
      until = end;
      dispatch(worker, {});
    };
    return { busy, call: () => next(ref) };
  },
});
