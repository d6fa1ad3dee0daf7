/** Why this exists: the workloads on holdfast, with names, events, bounds and statistics built in. */
import { actor, child, createSystem, supervisor } from "../../dist/src/index.js";
import { latch, many, measure, mustBe, RING, SENDERS } from "./work.mjs";

const counter = actor({
  name: "counter",
  init: () => ({ count: 0 }),
  casts: {
    add: ({ state }) => {
      state.count++;
    },
  },
  calls: { read: ({ state }) => state.count, next: ({ state }) => ++state.count },
});

const server = actor({
  name: "server",
  init: () => ({}),
  casts: { ask: (_self, from, n) => from.cast("answer", n) },
});

const client = actor({
  name: "client",
  init: (_self, to, left, done) => ({ to, left, done }),
  casts: {
    go: (self) => self.state.to.cast("ask", self.ref, 0),
    answer: (self, n) => {
      const { state } = self;
      if (--state.left === 0) state.done();
      else state.to.cast("ask", self.ref, n + 1);
    },
  },
});

const player = actor({
  name: "player",
  init: (_self, done) => ({ done }),
  casts: {
    ball: (self, left, from) => {
      if (left === 0) self.state.done();
      else from.cast("ball", left - 1, self.ref);
    },
  },
});

const link = actor({
  name: "link",
  init: (_self, done) => ({ next: null, done }),
  casts: {
    join: ({ state }, next) => {
      state.next = next;
    },
    hop: ({ state }, left) => {
      if (left === 0) state.done();
      else state.next.cast("hop", left - 1);
    },
  },
});

const sender = actor({
  name: "sender",
  init: (_self, to, count) => ({ to, count }),
  casts: {
    go: ({ state }) => {
      for (let i = 0; i < state.count; i++) state.to.cast("add");
    },
  },
});

const node = actor({
  name: "node",
  init: (_self, parent, number, size, done) => ({ parent, number, size, done, left: 10, sum: 0 }),
  casts: {
    go: (self) => {
      const { number, size } = self.state;
      if (size === 1) return up(self, number);
      const part = size / 10;
      for (let i = 0; i < 10; i++) {
        self.spawn(node, [self.ref, number + i * part, part, null]).cast("go");
      }
    },
    sum: (self, value) => {
      self.state.sum += value;
      if (--self.state.left === 0) up(self, self.state.sum);
    },
  },
});

function up(self, value) {
  const { parent, done } = self.state;
  if (parent === null) done(value);
  else parent.cast("sum", value);
  self.stop("normal");
}

const BOOM = new Error("boom");
const fragile = actor({
  name: "fragile",
  init: (self, isUp) => {
    isUp(self.ref);
    return {};
  },
  casts: {
    crash: () => {
      throw BOOM;
    },
  },
});

const busy = actor({
  name: "busy",
  init: () => ({ turns: 0, until: 0 }),
  casts: {
    start: (self, until) => {
      self.state.until = until;
      self.ref.cast("turn");
    },
    turn: (self) => {
      const { state } = self;
      if ((++state.turns & 1_023) === 0 && Date.now() > state.until) return;
      self.ref.cast("turn");
    },
  },
});

/** A counter that says when its init has run. */
const born = actor({
  name: "born",
  init: (_self, cry) => {
    cry();
    return { count: 0 };
  },
  casts: {
    add: ({ state }) => {
      state.count++;
    },
  },
});

const spawner = actor({
  name: "spawner",
  init: () => ({}),
  calls: {
    many: (self, count, cry) => many(count, () => self.spawn(born, [cry])),
  },
});

const system = createSystem({ logger: false });
const start = (definition, ...args) => system.start(definition, ...args);

/** Eight behaviours have run, and live, before anything is timed: one alone flatters V8. */
async function crowd() {
  const { open, opened } = latch();
  const to = await start(counter);
  const from = await start(client, await start(server), 100, open);
  const players = [await start(player, () => {}), await start(player, () => {})];
  const links = [await start(link, () => {}), await start(link, () => {})];
  links.forEach((each, i) => {
    each.cast("join", links[1 - i]);
  });
  links[0].cast("hop", 100);
  players[0].cast("ball", 100, players[1]);
  (await start(sender, to, 100)).cast("go");
  (await start(node, null, 0, 100, () => {})).cast("go");
  (await start(busy)).cast("start", 0);
  from.cast("go");
  await opened;
  await to.call("next");
}

await crowd();
await measure("holdfast", {
  cast: async (count) => {
    const ref = await start(counter);
    return async () => {
      for (let i = 0; i < count; i++) ref.cast("add");
      mustBe(await ref.call("read"), count);
    };
  },
  call: async (count) => {
    const ref = await start(counter);
    return async () => {
      for (let i = 0; i < count; i++) await ref.call("next");
    };
  },
  ask: async (count) => {
    const { open, opened } = latch();
    const from = await start(client, await start(server), count, open);
    return async () => {
      from.cast("go");
      await opened;
    };
  },
  pingpong: async (count) => {
    const { open, opened } = latch();
    const [a, b] = [await start(player, open), await start(player, open)];
    return async () => {
      a.cast("ball", count, b);
      await opened;
    };
  },
  ring: async (count) => {
    const { open, opened } = latch();
    const links = [];
    for (let i = 0; i < RING; i++) links.push(await start(link, open));
    links.forEach((each, i) => {
      each.cast("join", links[(i + 1) % RING]);
    });
    return async () => {
      links[0].cast("hop", count);
      await opened;
    };
  },
  fanin: async (count) => {
    const to = await start(counter);
    const senders = [];
    for (let i = 0; i < SENDERS; i++) senders.push(await start(sender, to, count / SENDERS));
    return async () => {
      for (const each of senders) each.cast("go");
      while ((await to.call("read")) !== count);
    };
  },
  skynet: async (count, warm) => {
    const leaves = warm ? 10_000 : count;
    const { open, opened } = latch();
    return async () => {
      (await start(node, null, 0, leaves, open)).cast("go");
      mustBe(await opened, (leaves * (leaves - 1)) / 2);
    };
  },
  spawn: async (count) => {
    const { open, opened } = latch();
    let births = 0;
    const host = await start(spawner);
    const refs = await host.call("many", count, () => ++births === count && open());
    // As with the peers, a process is there when its init has run.
    await opened;
    return refs;
  },
  end: (refs) => {
    for (const ref of refs) system.exit(ref, "kill");
  },
  restart: async (count) => {
    const { open, opened } = latch();
    let lives = 0;
    const isUp = (ref) => {
      if (lives++ === count) open();
      else ref.cast("crash");
    };
    return async () => {
      const children = [child({ id: "fragile", start: fragile, args: [isUp] })];
      const ref = await start(supervisor, { intensity: 1e8, periodMs: 1_000, children });
      await opened;
      system.exit(ref, "kill");
    };
  },
  beside: async () => {
    const ref = await start(counter);
    const worker = await start(busy);
    return { busy: (until) => worker.cast("start", until), call: () => ref.call("next") };
  },
  backlog: async (count) => {
    const ref = await start(counter);
    return {
      count,
      enqueue: () => {
        for (let i = 0; i < count; i++) ref.cast("add");
      },
      done: async () => mustBe(await ref.callWithin(120_000, "read"), count),
    };
  },
  /** What an awaited call is measured by: a promise that a microtask resolves, and nothing else. */
  microtask: async (count) => async () => {
    for (let i = 0; i < count; i++) await new Promise((resolve) => queueMicrotask(resolve));
  },
});
