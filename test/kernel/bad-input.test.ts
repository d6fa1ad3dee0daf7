/**
 * Why this exists: whoever writes JavaScript is told by no compiler. Bad input gets one typed error,
 * on one line, that names the actor, the field and what is allowed; and nothing else is disturbed.
 */
import { describe, expect, it } from "vitest";
import * as sys from "../../src/inspect/sys.ts";
import { actor } from "../../src/kernel/actor.ts";
import { type CallError, OptionError } from "../../src/kernel/errors.ts";
import type { Self } from "../../src/kernel/self.ts";
import { createRegistry } from "../../supervisors/registry.ts";
import { log, type Probe, probe, type Scene, scene, watched } from "./scene.ts";

/** As JavaScript sees it. */
// biome-ignore lint/suspicious/noExplicitAny: that nothing is checked is what is tried here
type Any = any;
const any = (value: unknown): Any => value;
const init = (): number => 1;
class Handlers {
  add(): number {
    return 1;
  }
}

const NAMES = "one of name, init, calls, casts, info, terminate, describe, mailbox";
const forgotten = Promise.resolve();

/** Throws nothing but an `OptionError`, of this one line. */
function refuses(attempt: () => unknown, line: string): void {
  let error: unknown;
  try {
    attempt();
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toBeInstanceOf(OptionError);
  expect((error as Error).message).toBe(line);
}

describe("a definition", () => {
  it.each<[unknown, string]>([
    [undefined, "options: undefined is not allowed; allowed: an object"],
    [null, "options: null is not allowed; allowed: an object"],
    [[], "options: [] is not allowed; allowed: an object"],
    [forgotten, "options: a promise is not allowed; allowed: an object"],
    [{ name: "", init }, 'name: "" is not allowed; allowed: a name'],
    [{ name: 5, init }, "name: 5 is not allowed; allowed: a name"],
    [{ init, clals: {} }, `actor: clals: an object is not allowed; allowed: ${NAMES}`],
    [{ name: "n" }, "n: init: undefined is not allowed; allowed: a function"],
    [{ init: 5 }, "actor: init: 5 is not allowed; allowed: a function"],
    [{ init, calls: null }, "actor: calls: null is not allowed; allowed: an object of functions"],
    [{ init, calls: [] }, "actor: calls: [] is not allowed; allowed: an object of functions"],
    [
      { init, calls: new Map() },
      "actor: calls: an object is not allowed; allowed: an object of functions",
    ],
    [
      { init, casts: new Handlers() },
      "actor: casts: an object is not allowed; allowed: an object of functions",
    ],
    [{ name: "n", init, calls: { add: 5 } }, "n: calls.add: 5 is not allowed; allowed: a function"],
    [
      { name: "n", init, casts: { add: forgotten } },
      "n: casts.add: a promise is not allowed; allowed: a function",
    ],
    [{ init, info: null }, "actor: info: null is not allowed; allowed: a function"],
    [{ init, terminate: {} }, "actor: terminate: an object is not allowed; allowed: a function"],
    [{ init, describe: "n" }, 'actor: describe: "n" is not allowed; allowed: a function'],
    [{ init, mailbox: null }, "actor: mailbox: null is not allowed; allowed: an object"],
    [{ init, mailbox: 5 }, "actor: mailbox: 5 is not allowed; allowed: an object"],
    [
      { init, mailbox: { max: 5 } },
      "actor: mailbox.max: 5 is not allowed; allowed: one of limit, overflow",
    ],
    [
      { init, mailbox: { limit: Number.NaN, overflow: "reject" } },
      "actor: mailbox.limit: NaN is not allowed; allowed: a whole number from 1",
    ],
    [
      { init, mailbox: { limit: 5 } },
      "actor: mailbox.overflow: undefined is not allowed; allowed: reject, drop_newest, drop_oldest",
    ],
  ])("%j", (options, line) => refuses(() => actor(any(options)), line));

  it("may be frozen, and without a prototype", () => {
    const calls = Object.assign(Object.create(null), { add: init });
    expect(() => actor(Object.freeze({ init, calls: Object.freeze(calls) }))).not.toThrow();
  });
});

describe("a message", () => {
  const names: [unknown, string][] = [
    ["subtract", '"subtract"'],
    [undefined, "undefined"],
    [Symbol("s"), "Symbol(s)"],
    [Object.create(null), "an object"],
  ];
  it.each(names)("of an unknown name %# is answered, and harms nobody", async (name, shown) => {
    const world = scene();
    const ref = world.spawn(probe);
    const asked = watched(ref.call(name as "log"));
    any(ref).cast(name);
    await world.settle();
    expect(asked.value).toMatchObject({ code: "unknown_message" });
    expect((asked.value as CallError).message).toBe(`probe has no call ${shown}; allowed: do, log`);
    await undisturbed(world, ref);
    world.exit(ref, "kill");
    expect(world.deadLetters.count).toBe(2);
    const late = watched(ref.call(name as "log"));
    await world.settle();
    expect((late.value as CallError).message).toBe(`call ${shown} to probe got no reply: noproc`);
  });

  it("for an actor without `info` is a dead letter", async () => {
    const world = scene();
    const ref = world.spawn(actor({ name: "deaf", init }));
    ref.send("hello?");
    await world.settle();
    const letter = { label: "deaf", kind: "info", name: "info", why: "unknown" };
    expect(world.deadLetters.last()).toMatchObject([letter]);
  });

  it("whose handler returns another call's deferred reply is refused; that other is not lost", async () => {
    const world = scene();
    const ref = world.spawn(probe);
    let reply: ReturnType<Self<unknown>["defer"]> | null = null;
    const step = (self: Self<unknown>) => {
      reply ??= self.defer();
      return reply;
    };
    const [first, second] = [watched(ref.call("do", step)), watched(ref.call("do", step))];
    await world.settle();
    expect(second.code).toBe("refused");
    expect((second.value as CallError).message).toBe(
      'call "do" to probe was refused: OptionError: probe: calls.do: "another call\'s deferred ' +
        'reply" is not allowed; allowed: a reply, or a deferred one of its own',
    );
    any(reply).resolve("late");
    await world.settle();
    expect(first.value).toBe("late");
  });
});

describe("from outside", () => {
  const ref = "an object is not allowed; allowed: a ref";
  const registry = createRegistry({ keys: "unique" });
  const { spawn, settle } = scene();
  const living = spawn(probe);
  it.each<[string, () => unknown, string]>([
    [
      "createRegistry()",
      () => any(createRegistry)(),
      "options: undefined is not allowed; allowed: an object",
    ],
    [
      "createRegistry, a typo",
      () => any(createRegistry)({ key: "unique" }),
      'key: "unique" is not allowed; allowed: one of keys',
    ],
    ["register", () => registry.register("k", any({}), undefined), `register.ref: ${ref}`],
    [
      "dispatch",
      () => registry.dispatch("k", any("tell")),
      'dispatch.tell: "tell" is not allowed; allowed: a function',
    ],
    ["suspend", () => sys.suspend(any({})), `ref: ${ref}`],
    ["resume", () => sys.resume(any({})), `ref: ${ref}`],
    ["statistics", () => sys.statistics(any({})), `ref: ${ref}`],
    ["trace", () => sys.trace(any({}), () => {}), `ref: ${ref}`],
    [
      "trace, no listener",
      () => any(sys).trace(living),
      "probe: listener: undefined is not allowed; allowed: a function",
    ],
    [
      "trace, a typo",
      () => sys.trace(living, () => {}, any({ subTree: true })),
      "probe: subTree: true is not allowed; allowed: one of subtree",
    ],
  ])("%s", (_what, attempt, line) => refuses(attempt, line));

  it("a state is not replaced by what is not yet there", async () => {
    await settle();
    const line = "probe: change: a promise is not allowed; allowed: a new state";
    await expect(sys.replaceState(living, async () => [1])).rejects.toThrow(line);
    await expect(sys.replaceState(living, any(5))).rejects.toThrow(OptionError);
    await expect(sys.getState(any(undefined))).rejects.toThrow(
      "ref: undefined is not allowed; allowed: a ref",
    );
    expect(log(living)).toEqual([]);
  });

  it("of the dead, all is answered", async () => {
    const world = scene();
    const dead = world.spawn(probe);
    world.exit(dead, "kill");
    sys.suspend(dead);
    sys.resume(dead);
    expect(sys.statistics(dead).status).toBe("dead");
    await expect(sys.getState(dead)).rejects.toMatchObject({ code: "noproc" });
  });
});

/** Everybody else goes on, and hears what is sent. */
async function undisturbed(world: Scene, ref: Probe): Promise<void> {
  ref.send("still here");
  expect(await ref.call("log")).toEqual(["still here"]);
  expect(world.faults).toEqual([]);
}
