/**
 * Why this exists: the workloads on XState 5. It runs the receiver within `send`: there is no
 * mailbox and no reply, so that a call is a function that travels in the event. Nor is there a
 * supervisor: whoever hears of an error starts the next one.
 */
import { createRequire } from "node:module";
import { latch, many, measure, mustBe, RING, SENDERS } from "./work.mjs";

const { createActor, fromTransition } = createRequire(import.meta.url)("xstate");
const make = (react, state = null) => createActor(fromTransition(react, state)).start();

const makeCounter = () =>
  make((count, { type, reply }) => {
    const now = type === "read" ? count : count + 1;
    reply?.(now);
    return now;
  }, 0);
const ADD = { type: "add" };
const ask = (ref, type) => new Promise((reply) => ref.send({ type, reply }));

function makeNode(number, size, tell) {
  return make(
    (state, event, { self }) => {
      if (event.type === "sum") {
        const sum = state.sum + event.value;
        if (state.left === 1) tell(sum);
        return { left: state.left - 1, sum };
      }
      if (size === 1) tell(number);
      for (let i = 0; size > 1 && i < 10; i++) {
        const up = (value) => self.send({ type: "sum", value });
        makeNode(number + (i * size) / 10, size / 10, up).send({ type: "go" });
      }
      return state;
    },
    { left: 10, sum: 0 },
  );
}

await measure("xstate", {
  cast: (count) => {
    const ref = makeCounter();
    return async () => {
      for (let i = 0; i < count; i++) ref.send(ADD);
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
    const server = make((state, { from, n }) => {
      from.send({ type: "answer", n });
      return state;
    });
    let left = count;
    const client = make((state, { n }, { self }) => {
      if (left-- === 0) open();
      else server.send({ type: "ask", n: n + 1, from: self });
      return state;
    });
    return async () => {
      client.send({ type: "answer", n: 0 });
      await opened;
    };
  },
  pingpong: (count) => {
    const { open, opened } = latch();
    const play = (state, { left, from }, { self }) => {
      if (left === 0) open();
      else from.send({ type: "ball", left: left - 1, from: self });
      return state;
    };
    const [a, b] = [make(play), make(play)];
    return async () => {
      a.send({ type: "ball", left: count, from: b });
      await opened;
    };
  },
  ring: (count) => {
    const { open, opened } = latch();
    const links = Array.from({ length: RING }, (_, i) =>
      make((state, { left }) => {
        if (left === 0) open();
        else links[(i + 1) % RING].send({ type: "hop", left: left - 1 });
        return state;
      }),
    );
    return async () => {
      links[0].send({ type: "hop", left: count });
      await opened;
    };
  },
  fanin: (count) => {
    const to = makeCounter();
    const senders = Array.from({ length: SENDERS }, () =>
      make((state) => {
        for (let i = 0; i < count / SENDERS; i++) to.send(ADD);
        return state;
      }),
    );
    return async () => {
      for (const each of senders) each.send({ type: "go" });
      mustBe(await ask(to, "read"), count);
    };
  },
  skynet: (count, warm) => {
    const leaves = warm ? 10_000 : count;
    const { open, opened } = latch();
    return async () => {
      makeNode(0, leaves, open).send({ type: "go" });
      mustBe(await opened, (leaves * (leaves - 1)) / 2);
    };
  },
  spawn: (count) => many(count, makeCounter),
  end: (refs) => {
    for (const ref of refs) ref.stop();
  },
  restart: (count) => {
    const { open, opened } = latch();
    const boom = new Error("boom");
    const fragile = fromTransition(() => {
      throw boom;
    }, null);
    let lives = 0;
    const begin = () => {
      const ref = createActor(fragile);
      ref.subscribe({ error: () => queueMicrotask(begin) });
      ref.start();
      if (lives++ === count) open();
      else queueMicrotask(() => ref.send(ADD));
    };
    return async () => {
      begin();
      await opened;
    };
  },
  // No `beside`: whoever sends to itself runs within `send`, and nobody else before it has ended.
});
