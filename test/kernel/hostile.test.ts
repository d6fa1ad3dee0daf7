/** Proves: what is made to throw where it is only looked at harms its own actor at most. */
import { describe, expect, it } from "vitest";
import { actor, type Deferred } from "../../src/kernel/actor.ts";
import { gate, probe, scene, watched } from "./scene.ts";

const boom = (): never => {
  throw new Error("boom");
};

/** By another name than its own the linter would not have it. */
const THEN = "then";

describe("a reply", () => {
  it.each<[string, unknown]>([
    ["a proxy that throws", new Proxy({}, { getPrototypeOf: boom })],
    ["an object that throws when its then is read", Object.defineProperty({}, THEN, { get: boom })],
  ])("that is %s disturbs nobody else", async (_what, reply) => {
    const { spawn, settle } = scene();
    const [bad, good] = [spawn(probe), spawn(probe)];
    const asked = watched(bad.call("do", () => reply));
    await settle();
    expect(asked.state).not.toBe("pending");
    expect(await good.call("do", () => 1)).toBe(1);
  });

  it("whose then throws when it is read once more settles its call all the same", async () => {
    const { spawn, settle } = scene();
    let reads = 0;
    const reply = Object.defineProperty({}, THEN, {
      get: () => (++reads > 1 ? boom() : undefined),
    });
    const ref = spawn(probe);
    const asked = watched(ref.callWithin(Number.POSITIVE_INFINITY, "do", () => reply));
    await settle();
    expect(asked.code).toBe("exit");
  });

  it("that is deferred and a promise is what that brings, within the call's time", async () => {
    const { spawn, settle, advance } = scene();
    const ref = spawn(probe);
    const later = (value: unknown) =>
      ref.callWithin(100, "do", (self) => {
        const reply: Deferred<unknown> = self.defer();
        reply.resolve(value);
        return reply;
      });
    const never = watched(later(new Promise(() => {})));
    const failing = watched(later(Promise.reject(new Error("no"))));
    const good = watched(later(Promise.resolve(7)));
    await settle();
    expect(good).toMatchObject({ state: "resolved", value: 7 });
    expect(failing).toMatchObject({ code: "refused" });
    await advance(100);
    expect(never).toMatchObject({ code: "timeout" });
  });
});

it("an exit reason that throws when it is shown is told all the same", async () => {
  const { spawn, settle, exited } = scene();
  const [ref, other] = [spawn(probe), spawn(probe)];
  const asked = watched(ref.call("do", (self) => self.defer()));
  await settle();
  const reason = Object.defineProperty({}, "shutdown", { get: boom, enumerable: true });
  ref.cast("do", (self) => self.stop(reason as never));
  await settle();
  expect(asked).toMatchObject({ code: "exit" });
  const ended = exited(other);
  other.cast("do", (self) => self.stop("normal"));
  expect(await ended).toBe("normal");
});

it("a thenable that calls back twice ends its handler once", async () => {
  const { spawn, settle } = scene();
  const doors = [gate(), gate()];
  const order: string[] = [];
  const twice = actor({
    init: () => ({}),
    casts: {
      // biome-ignore lint/suspicious/noThenProperty: that is what is proved
      bad: () => ({ then: (back: () => void) => doors.map((door) => door.promise.then(back)) }),
      slow: async (_self, until: Promise<void>) => {
        order.push("slow begins");
        await until;
        order.push("slow ends");
      },
      next: () => void order.push("next"),
    },
  });
  const ref = spawn(twice);
  const last = gate();
  ref.cast("bad");
  ref.cast("slow", last.promise);
  ref.cast("next");
  for (const door of doors) {
    door.open();
    await settle();
  }
  expect(order).toEqual(["slow begins"]);
  last.open();
  await settle();
  expect(order).toEqual(["slow begins", "slow ends", "next"]);
});

it("a process whose messages are held still obeys its parent", async () => {
  const { spawn, settle, exit, exited, kernel } = scene();
  const ref = spawn(probe, (self) => {
    self.trapExit = true;
  });
  await settle();
  kernel.processes().at(-1)?.hold(true);
  ref.send("waits");
  const ended = exited(ref);
  exit(ref, "shutdown");
  expect(await ended).toBe("shutdown");
});
