/** Proves: trees and handlers that do nothing wrong, though nothing usual, pass. Each was a false alarm once. */
import { AsyncLocalStorage } from "node:async_hooks";
import { promisify } from "node:util";
import { actor, child, supervisor } from "holdfast";
import { type CheckOptions, check, type TreeWorld } from "holdfast/sim";
import { expect, it } from "vitest";
import { billing } from "./trees.ts";

const topics = { orders: { partitions: 2 } };
const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** The group, and what stands beside it. */
const beside =
  (start: ReturnType<typeof actor>, restart: "permanent" | "temporary" = "temporary") =>
  (world: TreeWorld) =>
    child({
      id: "root",
      start: supervisor,
      args: [
        {
          intensity: 10,
          children: [
            child({ id: "beside", start, args: [], restart }),
            billing({ eachMessage: () => pause(300) })(world),
          ],
        },
      ],
      type: "supervisor",
    });

const fragile = actor({
  name: "fragile",
  init: (self) => {
    self.after(100, "crash", () => {
      throw new Error("again");
    });
    return {};
  },
});
const idle = actor({ name: "idle", init: () => ({}) });
const storage = new AsyncLocalStorage<string>();

const content: [string, Partial<CheckOptions>][] = [
  [
    "a handler that returns the least that can be awaited",
    {
      tree: billing({
        // biome-ignore lint/suspicious/noThenProperty: that is what it is about
        eachMessage: () => ({ then: (resolve: () => void) => void setTimeout(resolve, 5) }),
      }),
    },
  ],
  [
    "a job that ends by itself while its supervisor stops",
    {
      faults: ["stop"],
      tree: beside(
        actor({
          name: "job",
          init: (self) => {
            self.after(2_000, "done", () => self.stop("shutdown"));
            return {};
          },
        }),
        "permanent",
      ),
    },
  ],
  [
    "a budget whose progress only it can tell",
    {
      faults: ["slowConsumer"],
      tree: beside(
        actor({
          name: "parent",
          init: (self) => {
            let answers = 0;
            const budget = { restarts: 1, progress: async () => ++answers };
            const children = [child({ id: "fragile", start: fragile, args: [], budget })];
            self.spawnLink(supervisor, [{ children }]);
            return {};
          },
        }),
      ),
    },
  ],
  [
    "a process whose parent has ended as it should",
    {
      faults: ["slowConsumer"],
      tree: beside(
        actor({
          name: "parent",
          init: (self) => {
            self.spawnLink(idle, [], { label: "kid" });
            self.after(10, "done", () => self.stop("normal"));
            return {};
          },
        }),
      ),
    },
  ],
  [
    "a process that its parent has let go",
    {
      faults: ["slowConsumer"],
      tree: beside(
        actor({
          name: "parent",
          init: (self) => {
            self.unlink(self.spawnLink(idle, [], { label: "kid" }));
            self.after(10, "done", () => self.stop("shutdown"));
            return {};
          },
        }),
      ),
    },
  ],
  [
    "a group that reads what it produces, up to the moment it is stopped",
    {
      topics: { ...topics, retry: { partitions: 1, records: [] } },
      tree: billing({
        topics: ["orders", "retry"],
        eachMessage: async ({ topic, message, produce }) => {
          if (topic === "retry") return;
          const sent = await produce("retry", { value: message.value });
          if (!sent.ok) throw sent.error;
        },
      }),
    },
  ],
  [
    "bytes that are produced",
    {
      topics: { ...topics, out: { partitions: 1, records: [] } },
      tree: billing({
        eachMessage: async ({ produce }) => {
          const sent = await produce("out", { value: new Uint8Array([104, 105]) as Buffer });
          if (!sent.ok) throw sent.error;
        },
      }),
    },
  ],
  [
    "a store that goes with a timer",
    {
      tree: billing({
        eachMessage: ({ message }) =>
          storage.run(message.offset, async () => {
            await new Promise<void>((resolve) => {
              setTimeout(() => storage.getStore() === message.offset && resolve(), 5);
            });
          }),
      }),
    },
  ],
  [
    "Node's own ways with timers, stacks and dates",
    {
      tree: billing({
        eachMessage: async () => {
          const place = new Error("where am I").stack?.split("\n")[1];
          const value = await promisify(setImmediate)("v");
          const origin = Math.abs(performance.timeOrigin + performance.now() - Date.now());
          const whole = place !== undefined && value === "v" && origin < 120_000;
          if (!whole || new Date().constructor !== Date) throw new Error("not as in Node");
          expect(() => setTimeout("code" as never, 5)).toThrow(TypeError);
        },
      }),
      faults: [],
    },
  ],
];

it.each(content)("is content with %s", async (_what, options) => {
  const whole = { topics, seed: 1, runs: 80, reportDir: false, ...options } as CheckOptions;
  expect((await check(whole)).runs).toBe(80);
});

it("refuses a group that an actor starts later: no law would watch its handlers", async () => {
  const tree = ({ kafka }: TreeWorld) => {
    const starter = actor({
      name: "starter",
      init: (self) => {
        const { start, args } = billing()({ kafka } as TreeWorld);
        self.continue(() => self.spawnLink(start, args as never));
        return {};
      },
    });
    return child({ id: "starter", start: starter, args: [] });
  };
  const failing = check({ topics, tree, seed: 1, runs: 5, reportDir: false });
  await expect(failing).rejects.toThrow(/^tree: "billing" is not allowed; .* stands in what/);
});
