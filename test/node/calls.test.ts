/**
 * Proves: on Node's host, where the call that wakes an idle system takes the wake-up's promise for
 * its own, it ends as any other call does, and in its turn.
 */
import { expect, it } from "vitest";
import { actor, type Deferred } from "../../src/kernel/actor.ts";
import { CallError } from "../../src/kernel/errors.ts";
import { createSystem } from "../../supervisors/system.ts";

const later = <T>(value: T): Promise<T> => new Promise((resolve) => setTimeout(resolve, 1, value));

const callee = actor({
  name: "callee",
  init: () => ({ seen: [] as string[] }),
  casts: { note: ({ state }, what: string) => void state.seen.push(what) },
  calls: {
    echo: ({ state }, what: unknown) => {
      state.seen.push(String(what));
      return what;
    },
    seen: ({ state }) => state.seen.slice(),
    wait: (_self, what: string) => later(what),
    crash: () => {
      throw new Error("boom");
    },
    stop: (self) => self.stop("normal"),
    later: (self, what: string) => {
      const reply = self.defer<string>();
      self.after(1, "reply", () => reply.resolve(what));
      return reply;
    },
    early: (self, what: string) => {
      const reply = self.defer<string>();
      reply.resolve(what);
      return reply;
    },
    refused: (self) => {
      const reply = self.defer<string>();
      reply.reject(new Error("no"));
      return reply;
    },
    never: (self) => self.defer<string>(),
    /** A second call, in the drain that the first one has brought about. */
    through: async (_self, ask: () => Promise<unknown>) => `${String(await ask())}!`,
  },
});

const codeOf = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    (value) => ({ value }),
    (error: unknown) => (error instanceof CallError ? error.code : error),
  );

/** Nothing is due: the next call wakes. */
const quiet = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 2));

it.each([
  ["echo", 7, { value: 7 }],
  ["echo", undefined, { value: undefined }],
  ["echo", later("in time"), { value: "in time" }],
  ["wait", "late", { value: "late" }],
  ["later", "deferred", { value: "deferred" }],
  ["early", "at once", { value: "at once" }],
  ["refused", undefined, "refused"],
  ["never", undefined, "timeout"],
  ["crash", undefined, "exit"],
  ["stop", undefined, { value: undefined }],
  ["nonsense", undefined, "unknown_message"],
] as const)("the first call of a turn ends as any other: %s", async (name, given, expected) => {
  await using system = createSystem({ logger: false });
  const ref = await system.start(callee);
  await quiet();
  const first = ref.callWithin(50, name as "echo", given);
  expect(await codeOf(first)).toEqual(expected);
});

it("a handler may itself ask, in the turn that a call has brought about", async () => {
  await using system = createSystem({ logger: false });
  const [one, other] = [await system.start(callee), await system.start(callee)];
  await quiet();
  expect(await one.call("through", () => other.call("echo", "two"))).toBe("two!");
});

it("a call has its answer though several systems wake each other in its turn", async () => {
  await using one = createSystem({ logger: false });
  await using other = createSystem({ logger: false });
  const sink = actor({ init: () => ({}), casts: { note: () => {} } });
  const echo = await one.start(callee);
  const beside = await one.start(sink);
  const answers: unknown[] = [];
  const asker = actor({
    init: () => ({}),
    casts: { ask: async () => void answers.push(await echo.call("echo", 7)) },
  });
  const far = await other.start(asker);
  // Wakes the other system, and its own again.
  const both = actor({
    init: () => ({}),
    calls: {
      go: () => {
        far.cast("ask");
        beside.cast("note");
      },
    },
  });
  const near = await one.start(both);
  for (let i = 0; i < 20; i++) {
    await quiet();
    await near.call("go");
  }
  await quiet();
  expect(answers).toEqual(Array.from({ length: 20 }, () => 7));
});

it("a call to one that ends before its turn is told so", async () => {
  await using system = createSystem({ logger: false });
  const ref = await system.start(callee);
  await quiet();
  const first = codeOf(ref.call("echo", 1));
  system.exit(ref, "kill");
  const second = codeOf(ref.call("echo", 2));
  expect(await Promise.all([first, second])).toEqual(["exit", "noproc"]);
});

it("answers of one turn come in the order in which they were asked for, and each once", async () => {
  await using system = createSystem({ logger: false });
  const refs = [await system.start(callee), await system.start(callee)] as const;
  for (const order of ["0", "00", "01", "0001", "0110", "000111", "1".repeat(300)]) {
    await quiet();
    const answers: number[] = [];
    const calls = [...order].map(async (which, index) => {
      await (refs[Number(which)] ?? refs[0]).call("echo", index);
      answers.push(index);
    });
    await Promise.all(calls);
    // Two actors take turns; what each answers is in order.
    for (const which of "01") {
      const its = answers.filter((index) => order[index] === which);
      expect(its).toEqual(its.toSorted((one, other) => one - other));
    }
    expect(answers.toSorted((one, other) => one - other)).toEqual([...order].map((_, at) => at));
  }
});

/** Answers or refuses all that was asked before, in order, when it is told to. */
const barrier = actor({
  name: "barrier",
  init: () => [] as Deferred<number>[],
  calls: {
    join: (self) => {
      const reply = self.defer<number>();
      self.state.push(reply);
      return reply;
    },
    open: ({ state }) => {
      for (const [index, reply] of state.splice(0).entries()) reply.resolve(index);
    },
    shut: ({ state }) => {
      for (const reply of state.splice(0)) reply.reject("shut");
    },
  },
});

it.each(["open", "shut"] as const)(
  "deferred replies are heard in the order in which they come: %s",
  async (how) => {
    await using system = createSystem({ logger: false });
    const ref = await system.start(barrier);
    for (const turns of [0, 1, 2]) {
      await quiet();
      const heard: number[] = [];
      const joined = [0, 1, 2].map((index) => {
        const hear = (): void => void heard.push(index);
        return ref.call("join").then(hear, hear);
      });
      for (let i = 0; i < turns; i++) await null;
      await Promise.all([...joined, ref.call(how)]);
      expect(heard).toEqual([0, 1, 2]);
    }
  },
);

it("what was sent to somebody before a call is handled before it, whoever wakes the system", async () => {
  await using system = createSystem({ logger: false });
  const ref = await system.start(callee);
  await quiet();
  ref.cast("note", "a");
  const first = ref.call("echo", "b");
  ref.cast("note", "c");
  const second = ref.call("seen");
  expect([await first, await second]).toEqual(["b", ["a", "b", "c"]]);
  await quiet();
  const third = ref.call("echo", "d");
  ref.cast("note", "e");
  expect([await third, await ref.call("seen")]).toEqual(["d", ["a", "b", "c", "d", "e"]]);
});

it("a call that nobody waits for, and that fails, is an unhandled rejection as ever", async () => {
  await using system = createSystem({ logger: false });
  const ref = await system.start(callee);
  await quiet();
  const unhandled: unknown[] = [];
  const before = process.listeners("unhandledRejection");
  process.removeAllListeners("unhandledRejection");
  process.on("unhandledRejection", (error) => unhandled.push(error));
  try {
    void ref.call("nonsense" as "seen");
    void ref.call("nonsense" as "seen");
    await quiet();
    await quiet();
  } finally {
    process.removeAllListeners("unhandledRejection");
    for (const listener of before) process.on("unhandledRejection", listener);
  }
  expect(unhandled).toHaveLength(2);
  expect(unhandled.every((error) => error instanceof CallError)).toBe(true);
});
