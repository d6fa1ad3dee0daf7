/** Why this exists: the bookkeeping that every driver shares decides what is lost in silence. */
import { describe, expect, it } from "vitest";
import { createRoutes, type Owned, type Routes } from "../../src/drivers/routes.ts";
import type { OutOfRange, Route } from "../../src/ports/log-driver.ts";
import type { Batch, Message } from "../../src/ports/record.ts";

const at = (partition: number) => ({ topic: "t", partition });

const message = (offset: number): Message => ({
  key: null,
  value: Buffer.from(`${offset}`),
  timestamp: "0",
  offset: String(offset),
});

function setUp(): { routes: Routes; attach(owned: Owned, offset: number): Batch[] } {
  let epochs = 0;
  const routes = createRoutes(() => ++epochs);
  return {
    routes,
    attach({ topic, partition, epoch }, offset) {
      const batches: Batch[] = [];
      const outOfRange = (_: OutOfRange): void => {};
      const deliver = (batch: Batch): void => void batches.push(batch);
      const route: Route = { topic, partition, epoch, offset, deliver, outOfRange };
      expect(routes.attach(route)).toBeDefined();
      return batches;
    },
  };
}

const fetched = (fetchedOffset: number, offsets: number[], nextOffset: number) => ({
  ...at(0),
  fetchedOffset,
  messages: offsets.map(message),
  nextOffset,
  highWatermark: 100,
});

function one(): ReturnType<typeof setUp> & { owned: Owned } {
  const world = setUp();
  const [owned] = world.routes.assign([at(0)], false);
  if (owned === undefined) throw new Error("nothing owned");
  return { ...world, owned };
}

describe("epochs", () => {
  it("keeps the epoch, route and position of what is kept without a break", () => {
    const { routes, attach, owned } = one();
    const batches = attach(owned, 5);
    const [kept, gained] = routes.assign([at(0), at(1)], true);
    expect(kept).toBe(owned);
    expect(gained?.epoch).not.toBe(owned.epoch);
    expect(gained).toMatchObject({ route: null, paused: true });
    routes.deliver(fetched(5, [5], 6));
    expect(batches.length).toBe(1);
  });

  it("gives everything a new epoch and no route after a break", () => {
    const { routes, attach, owned } = one();
    attach(owned, 5);
    const [again] = routes.assign([at(0)], false);
    expect(again?.epoch).not.toBe(owned.epoch);
    expect(again?.route).toBeNull();
    expect(routes.current(owned)).toBeUndefined();
  });

  it("gives a partition that was lost in between a new epoch", () => {
    const { routes, owned } = one();
    routes.assign([], true);
    expect(routes.current(owned)).toBeUndefined();
    const [again] = routes.assign([at(0)], true);
    expect(again?.epoch).not.toBe(owned.epoch);
  });

  it("divides commits by the live epoch", () => {
    const { routes, owned } = one();
    const commit = (partition: number, epoch: number) => ({
      ...at(partition),
      epoch,
      offset: 3,
      metadata: "",
    });
    const { live, fenced } = routes.fence([
      commit(0, owned.epoch),
      commit(0, owned.epoch + 1),
      commit(9, owned.epoch),
    ]);
    expect(live).toEqual([commit(0, owned.epoch)]);
    expect(fenced).toEqual([commit(0, owned.epoch + 1), commit(9, owned.epoch)]);
  });

  it("attaches and detaches nothing under a stale epoch", () => {
    const { routes, attach, owned } = one();
    attach(owned, 0);
    const stale = { ...at(0), epoch: owned.epoch + 1 };
    expect(routes.detach(stale)).toBeUndefined();
    expect(owned.route).not.toBeNull();
    const route = { ...stale, offset: 0, deliver: () => {}, outOfRange: () => {} };
    expect(routes.attach(route)).toBeUndefined();
  });

  it("owns nothing after clear", () => {
    const { routes, owned } = one();
    routes.clear();
    expect([...routes.owned()]).toEqual([]);
    expect(routes.current(owned)).toBeUndefined();
    expect(routes.deliver(fetched(0, [0], 1))).toBe(false);
  });
});

describe("deliveries", () => {
  it("are refused without a route, after detach, and wholly below the position", () => {
    const { routes, attach, owned } = one();
    expect(routes.deliver(fetched(0, [0], 1))).toBe(false);
    const batches = attach(owned, 5);
    expect(routes.deliver(fetched(3, [3, 4], 5))).toBe(false);
    routes.detach(owned);
    expect(routes.deliver(fetched(5, [5], 6))).toBe(false);
    expect(batches).toEqual([]);
  });

  it("are trimmed to the position: a record batch may begin below it", () => {
    const { routes, attach, owned } = one();
    const batches = attach(owned, 5);
    routes.deliver(fetched(3, [3, 4, 5, 6], 7));
    expect(batches[0]).toMatchObject({ firstOffset: 5, nextOffset: 7 });
    expect(batches[0]?.messages.map((each) => each.offset)).toEqual(["5", "6"]);
    expect(batches[0]?.resetFrom).toBeUndefined();
    expect(owned.position).toBe(7);
  });

  it("tell where the client jumped ahead by itself", () => {
    const { routes, attach, owned } = one();
    const batches = attach(owned, 5);
    routes.deliver(fetched(40, [41], 42));
    expect(batches[0]).toMatchObject({ firstOffset: 40, nextOffset: 42, resetFrom: 5 });
  });

  it("pass gaps at either end, and batches without any record", () => {
    const { routes, attach, owned } = one();
    const batches = attach(owned, 5);
    routes.deliver(fetched(5, [8], 12));
    routes.deliver(fetched(12, [], 15));
    expect(batches.map((batch) => [batch.firstOffset, batch.nextOffset])).toEqual([
      [5, 12],
      [12, 15],
    ]);
    expect(batches.every((batch) => batch.resetFrom === undefined)).toBe(true);
  });

  it("have moved the position before the route hears, so that it may attach anew", () => {
    const { routes, owned } = one();
    const deliver = (): void => {
      routes.attach({ ...at(0), epoch: owned.epoch, offset: 2, deliver, outOfRange: () => {} });
    };
    routes.attach({ ...at(0), epoch: owned.epoch, offset: 5, deliver, outOfRange: () => {} });
    routes.deliver(fetched(5, [5, 6], 7));
    expect(owned.position).toBe(2);
  });
});
