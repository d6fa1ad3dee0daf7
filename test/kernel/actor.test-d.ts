import { assertType, describe, expectTypeOf, it } from "vitest";
import { actor, type Deferred, ignore } from "../../src/kernel/actor.ts";
import type { Ref, RefOf } from "../../src/kernel/ref.ts";
import type { Self } from "../../src/kernel/self.ts";
import { child } from "../../src/ports/child-spec.ts";
import type { System } from "../../supervisors/system.ts";

const counter = actor({
  init: (_self, start: number, label?: string) => ({ count: start, label }),
  calls: {
    read: ({ state }) => state.count,
    add: ({ state }, by: number) => {
      state.count += by;
      return state.count;
    },
    later: (self) => self.defer<string>(),
    laterStill: async (self, _key: string) => self.defer<boolean>(),
    fetch: async ({ state }, _id: number) => ({ label: state.label }),
    two: (_self, a: number, b: string) => `${a}${b}`,
    nothing: () => {},
    either: (self, now: boolean) => (now ? 1 : self.defer<number>()),
  },
  casts: {
    reset: ({ state }) => {
      state.count = 0;
    },
    rename: async ({ state }, label: string) => {
      state.label = label;
    },
  },
});
declare const ref: RefOf<typeof counter>;
declare const system: System;
declare const self: Self<unknown>;

describe("a call", () => {
  it("has the reply of its handler; deferred and async ones unwrap", () => {
    expectTypeOf(ref.call("read")).toEqualTypeOf<Promise<number>>();
    expectTypeOf(ref.call("add", 2)).toEqualTypeOf<Promise<number>>();
    expectTypeOf(ref.call("either", true)).toEqualTypeOf<Promise<number>>();
    expectTypeOf(ref.call("later")).toEqualTypeOf<Promise<string>>();
    expectTypeOf(ref.call("laterStill", "k")).toEqualTypeOf<Promise<boolean>>();
    expectTypeOf(ref.call("fetch", 1)).toEqualTypeOf<Promise<{ label: string | undefined }>>();
    expectTypeOf(ref.call("two", 1, "b")).toEqualTypeOf<Promise<string>>();
    expectTypeOf(ref.call("nothing")).toEqualTypeOf<Promise<void>>();
    expectTypeOf(ref.callWithin(5, "add", 2)).toEqualTypeOf<Promise<number>>();
  });

  it("of a wrong name does not compile", () => {
    // @ts-expect-error no such call
    ref.call("subtract", 1);
    // @ts-expect-error a cast is no call
    ref.call("reset");
    // @ts-expect-error no such call
    ref.callWithin(5, "subtract");
  });

  it("of wrong arguments does not compile", () => {
    // @ts-expect-error a string is no number
    ref.call("add", "2");
    // @ts-expect-error one is missing
    ref.call("add");
    // @ts-expect-error one too many
    ref.call("add", 1, 2);
    // @ts-expect-error the wrong order
    ref.call("two", "b", 1);
    // @ts-expect-error one too many for a call within a time
    ref.callWithin(5, "read", 1);
  });

  it("whose reply is used as something else does not compile", () => {
    // @ts-expect-error it is a number
    assertType<Promise<string>>(ref.call("read"));
    // @ts-expect-error it is a string, not what brings it
    assertType<Promise<Deferred<string>>>(ref.call("later"));
  });
});

describe("a cast", () => {
  it("has the arguments of its handler and gives nothing", () => {
    expectTypeOf(ref.cast("reset")).toEqualTypeOf<void>();
    expectTypeOf(ref.cast("rename", "x")).toEqualTypeOf<void>();
    // @ts-expect-error no such cast
    ref.cast("restart");
    // @ts-expect-error a call is no cast
    ref.cast("add", 1);
    // @ts-expect-error a number is no string
    ref.cast("rename", 1);
    // @ts-expect-error one too many
    ref.cast("reset", 1);
  });
});

describe("an actor without calls or casts", () => {
  const bare = actor({ init: () => 1 });
  it("accepts no name at all", () => {
    const bareRef = {} as RefOf<typeof bare>;
    // @ts-expect-error it has no calls
    bareRef.call("anything");
    // @ts-expect-error nor those of every object
    bareRef.call("toString");
    // @ts-expect-error it has no casts
    bareRef.cast("anything");
    bareRef.send("plain messages it does take");
  });
});

describe("the state", () => {
  it("is what init returns, async or not, without ignore", () => {
    actor({
      init: async () => (Math.random() > 2 ? ignore : { open: true }),
      calls: {
        open: ({ state }) => {
          expectTypeOf(state).toEqualTypeOf<{ open: boolean }>();
          return state.open;
        },
      },
      casts: {
        close: ({ state }) => {
          expectTypeOf(state).toEqualTypeOf<{ open: boolean }>();
        },
      },
      info: ({ state }, message) => {
        expectTypeOf(state).toEqualTypeOf<{ open: boolean }>();
        expectTypeOf(message).toEqualTypeOf<unknown>();
      },
      terminate: ({ state }) => {
        expectTypeOf(state).toEqualTypeOf<{ open: boolean }>();
      },
    });
    actor({
      init: () => ({ open: true }),
      calls: {
        // @ts-expect-error the state has no such field
        read: ({ state }) => state.closed,
      },
    });
  });
});

describe("a start", () => {
  it("takes what init takes, everywhere", () => {
    expectTypeOf(system.start(counter, 1)).toEqualTypeOf<Promise<RefOf<typeof counter>>>();
    void system.start(counter, 1, "label");
    expectTypeOf(self.spawn(counter, [1])).toEqualTypeOf<RefOf<typeof counter>>();
    expectTypeOf(self.whereis("c", counter)).toEqualTypeOf<RefOf<typeof counter> | undefined>();
    child({ id: "c", start: counter, args: [1] });
    // @ts-expect-error one is missing
    void system.start(counter);
    // @ts-expect-error a string is no number
    void system.start(counter, "1");
    // @ts-expect-error one too many
    void system.start(counter, 1, "label", 3);
    // @ts-expect-error a string is no number
    self.spawn(counter, ["1"]);
    // @ts-expect-error one is missing
    self.spawnLink(counter, []);
    // @ts-expect-error a string is no number
    child({ id: "c", start: counter, args: ["1"] });
    // @ts-expect-error no such policy
    child({ id: "c", start: counter, args: [1], restart: "always" });
  });
});

describe("a ref", () => {
  it("of any actor is a ref", () => {
    assertType<Ref>(ref);
  });
});

describe("a ref", () => {
  it("is not one of another protocol", () => {
    // @ts-expect-error: the counter has no cast "other"
    assertType<Ref<object, { other: () => void }>>(ref);
    // @ts-expect-error: its "rename" takes a string
    assertType<Ref<object, { rename: (label: number) => void }>>(ref);
    assertType<Ref>(ref);
  });
});
