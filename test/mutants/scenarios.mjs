/**
 * Why this exists: the worlds in which mutants are hunted: options for `check`, made from the very
 * build under test. Each is kind to the sources as they are, and hard on some way of being wrong.
 */
import fc from "fast-check";

/** How long a handler takes, by the record's offset: now and then no time at all. */
const WORK_MS = [0, 5, 0, 20, 3];
/** How long after its handler a record is acked: so that acks come in another order. */
const ACK_MS = [400, 0, 150, 50];

/** The simulated timer, since it is looked up when it is set. */
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const of = (list, { offset }) => list[Number(offset) % list.length];
/** Two of them are a fetch, and four are as many as may be held. */
const LARGE = { value: "x".repeat(100) };
const ASKED = ["now", "later", "never"];
const orders = (partitions = 2) => ({ orders: { partitions } });

/** Sync and async handlers by turns. */
const work = ({ message }) => {
  const ms = of(WORK_MS, message);
  return ms === 0 ? undefined : pause(ms);
};

/** Four lists of records after each other: seldom few, and yet they shrink to none. */
const many = (arbitraries, most) => {
  const some = fc.array(arbitraries.record(fc.nat(9)), { maxLength: most, size: "max" });
  return fc.tuple(some, some, some, some).map((lists) => lists.flat());
};

export const SCENARIOS = {
  auto: ({ consumerGroup }) => ({
    topics: orders(),
    tree: ({ kafka }) => group(consumerGroup, kafka, { eachMessage: work }),
  }),

  manual: ({ consumerGroup }) => ({
    topics: orders(),
    tree: ({ kafka }) =>
      group(consumerGroup, kafka, {
        ackMode: "manual",
        autoCommitInterval: 20,
        eachMessage: ({ message, ack }) => void setTimeout(ack, of(ACK_MS, message)),
      }),
  }),

  batch: ({ consumerGroup }) => ({
    topics: orders(),
    tree: ({ kafka }) =>
      group(consumerGroup, kafka, { eachBatch: ({ messages }) => pause(4 * messages.length) }),
  }),

  /** Records come while members come and go, commits are lost, and topics grow. */
  latest: ({ consumerGroup, arbitraries }) => ({
    topics: {
      orders: {
        partitions: 1,
        records: many(arbitraries, 30),
      },
    },
    members: 1,
    faults: ["staleCommit", "kill", "addPartitions"],
    maxFaults: 10,
    tree: ({ kafka }) => group(consumerGroup, kafka, { beginOffset: "latest", eachMessage: work }),
  }),

  /** Members join at the same time, and some are gone before the broker has their places. */
  together: ({ consumerGroup, arbitraries }) => ({
    topics: { orders: { partitions: 2, records: many(arbitraries, 10) } },
    faults: ["staleCommit", "kill", "stop", "brokerRestart"],
    maxFaults: 10,
    tree: ({ kafka }) =>
      group(consumerGroup, kafka, {
        beginOffset: "latest",
        sessionTimeout: 6_000,
        heartbeatInterval: 1_000,
        eachMessage: work,
      }),
  }),

  /** So little may be fetched ahead that every record is a matter of flow control. */
  tight: ({ consumerGroup }) => ({
    topics: orders(),
    tree: ({ kafka }) =>
      group(consumerGroup, kafka, {
        prefetchCount: 2,
        prefetchBytes: 3,
        eachMessage: async () => pause(10),
      }),
  }),

  producing: ({ consumerGroup }) => ({
    topics: { ...orders(), receipts: { partitions: 1, records: [] } },
    tree: ({ kafka }) =>
      group(consumerGroup, kafka, {
        eachMessage: async ({ message, produce }) => {
          const stored = await produce("receipts", { value: `paid ${message.offset}` });
          if (!stored.ok) throw stored.error;
        },
      }),
  }),

  /** Logs with holes in them, and logs that begin later while somebody is behind. */
  holes: ({ consumerGroup }) => ({
    topics: { orders: { partitions: 1, records: fc.array(fc.constant(LARGE), { maxLength: 12 }) } },
    faults: ["fetch", "slowConsumer", "crash", "kill"],
    maxFaults: 10,
    tree: ({ kafka }) =>
      group(consumerGroup, kafka, {
        autoCommitInterval: 20,
        prefetchCount: 2,
        prefetchBytes: 400,
        eachMessage: async () => pause(10),
      }),
  }),

  /** More members than is quiet: partitions change hands while everybody is at work. */
  crowded: ({ consumerGroup }) => ({
    topics: orders(3),
    members: 3,
    faults: ["rebalance", "networkCut", "brokerRestart", "pause", "stop", "staleCommit", "crash"],
    maxFaults: 10,
    tree: ({ kafka }) =>
      group(consumerGroup, kafka, {
        heartbeatInterval: 100,
        sessionTimeout: 6_000,
        rebalanceTimeout: 6_000,
        drainTimeoutMs: 1_000,
        eachMessage: async () => pause(100),
      }),
  }),

  /** Partitions go to a new member and come back, in no time. */
  shuttle: (lib) => shuttle(lib, ["rebalance"]),

  /** And while the answer where to begin is on its way. */
  overtaken: (lib) => shuttle(lib, ["rebalance", "staleOffsets"]),

  /** Partitions are opened again and again, and every request takes a time of its own. */
  reopened: ({ consumerGroup, arbitraries }) => ({
    topics: {
      orders: {
        partitions: 1,
        records: many(arbitraries, 12),
      },
    },
    members: 1,
    faults: ["crash"],
    strategy: "random",
    maxFaults: 10,
    tree: ({ kafka }) =>
      group(consumerGroup, kafka, { autoCommitInterval: 40, eachMessage: async () => pause(5) }),
  }),

  /** Handlers that outlive their workers are waited for. */
  alone: ({ consumerGroup }) => ({
    topics: orders(),
    tree: ({ kafka }) =>
      group(consumerGroup, kafka, { settleGraceMs: 3_600_000, eachMessage: () => pause(200) }),
  }),

  orderly,
  supervised,
};

const group = (consumerGroup, source, options) =>
  consumerGroup({ groupId: "billing", topics: ["orders"], source, ...options });

function shuttle({ consumerGroup, arbitraries }, faults) {
  const records = many(arbitraries, 25);
  return {
    topics: { orders: { partitions: 4, records } },
    faults,
    maxFaults: 10,
    // An answer may be late by many heartbeats.
    maxSteps: 300_000,
    tree: ({ kafka }) =>
      group(consumerGroup, kafka, {
        autoCommitInterval: 5,
        heartbeatInterval: 5,
        eachMessage: async () => pause(2),
      }),
  };
}

/**
 * Members come and go, and nothing fails: then what was done is committed before anybody else goes
 * on, and nothing is done twice.
 */
function orderly({ consumerGroup, invariants }) {
  return {
    topics: orders(3),
    members: 3,
    faults: ["stop", "clockJump"],
    invariants: [
      ...invariants.all,
      invariants.custom("handledOnce", ({ state }) => state.get("twice")),
    ],
    tree: ({ kafka, state }) =>
      group(consumerGroup, kafka, {
        heartbeatInterval: 300,
        autoCommitInterval: 2_000,
        eachMessage: async ({ partition, message }) => {
          await pause(300);
          const record = `orders/${partition}: ${message.offset}`;
          if (state.has(record)) state.set("twice", `${record} is handled twice`);
          state.set(record, "done");
        },
      }),
  };
}

/** Beside a group: actors that call, watch, link and refuse to end. */
function supervised(lib) {
  const { consumerGroup, supervisor, child, invariants } = lib;
  const { teller, asker, nurse, stubborn, fragile } = bystanders(lib);
  const under = (id, everyMs) =>
    child({
      id,
      start: supervisor,
      args: [
        {
          ...{ intensity: 2, periodMs: 2_000 },
          children: [child({ id: "fragile", start: fragile, args: [everyMs] })],
        },
      ],
      type: "supervisor",
      restart: "temporary",
    });
  return {
    topics: orders(1),
    faults: ["crash", "handlerError", "kill", "stop", "pause", "mailboxFull", "clockJump"],
    maxFaults: 10,
    invariants: [
      ...invariants.all,
      invariants.custom("ownReply", ({ state }) => !state.has("wrong reply")),
      invariants.custom("monitorOnce", ({ state }) => !state.has("told twice")),
    ],
    tree: ({ kafka, state }) => {
      const children = [
        child({ id: "teller", name: "teller", start: teller, args: [] }),
        child({ id: "asker", start: asker, args: [state] }),
        child({ id: "nurse", start: nurse, args: [] }),
        under("seldom", 1_100),
        under("often", 500),
        child({ id: "stubborn", start: stubborn, args: [], shutdownMs: 50 }),
        group(consumerGroup, kafka, { maxRestarts: 1, eachMessage: work }),
      ];
      return child({
        id: "root",
        start: supervisor,
        args: [{ intensity: 2, periodMs: 2_000, children }],
        type: "supervisor",
      });
    },
  };
}

function bystanders({ actor }) {
  const helper = actor({ name: "helper", init: () => ({}) });
  const teller = actor({
    name: "teller",
    init: (self) => {
      self.spawnLink(helper, []);
      return {};
    },
    calls: {
      never: (self) => self.defer(),
      now: (_self, id) => id,
      /** Often later than its caller waits. */
      later: (self, id) => {
        const reply = self.defer();
        self.after((id * 7) % 40, "reply", () => reply.resolve(id));
        return reply;
      },
    },
  });
  /** Takes its time before it has a child: by then it may be dead. */
  const nurse = actor({
    name: "nurse",
    init: (self) => {
      self.continue(async () => {
        await pause(400);
        self.spawnLink(helper, []);
      });
      return {};
    },
  });
  const asker = actor({
    name: "asker",
    init: (self, world) => {
      const state = { world, count: 0, watched: null, told: new Set() };
      self.continue(() => ask(self));
      return state;
    },
    info: (self, message) => {
      if (message.type !== "DOWN") return;
      const { told, world } = self.state;
      if (told.has(message.monitor)) world.set("told twice", true);
      told.add(message.monitor);
      self.state.watched = null;
    },
  });
  const ask = (self) => {
    const { state } = self;
    const to = self.whereis("teller", teller);
    if (to !== undefined && state.watched === null) state.watched = self.monitor(to);
    const id = ++state.count;
    if (to !== undefined) {
      self.task(
        "ask",
        () => to.callWithin(20, ASKED[id % ASKED.length], id),
        (answer) => {
          if (answer.ok && answer.value !== id) state.world.set("wrong reply", id);
        },
      );
    }
    self.after(300, "ask", () => ask(self));
  };
  /** Traps exits and never comes to its end: only a kill ends it. */
  const stubborn = actor({
    name: "stubborn",
    init: (self) => {
      self.trapExit = true;
      return {};
    },
    terminate: () => new Promise(() => {}),
  });
  /** Throws again and again. */
  const fragile = actor({
    name: "fragile",
    init: (self, everyMs) => {
      self.continue(() => {
        self.after(everyMs, "break", () => {
          throw new Error("broken by itself");
        });
      });
      return {};
    },
  });
  return { teller, asker, nurse, stubborn, fragile };
}

/** The parts of one build that worlds are made of. */
export async function libraryOf(dist) {
  const [sim, kafka, core] = await Promise.all(
    ["sim", "kafka", "index"].map((entry) => import(`${dist}/src/${entry}.js`)),
  );
  return { ...core, ...kafka, ...sim, fc };
}
