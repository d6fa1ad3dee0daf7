import { describe, expect, it } from "vitest";
import { type ExitReason, formatReason, isOrderly } from "../../src/kernel/exit.ts";
import { exits, gate, log, probe, scene, state, watched } from "./scene.ts";

const trapping = (self: { trapExit: boolean }) => {
  self.trapExit = true;
};

describe("an exit signal to a process that does not trap", () => {
  it("overtakes the mailbox", async () => {
    const { spawn, settle, exit, exited, within } = scene();
    const victim = spawn(probe);
    const killer = spawn(probe);
    await settle();
    const handled: number[] = [];
    for (let i = 0; i < 1_000; i++) victim.cast("do", () => handled.push(i));
    const ended = exited(victim);
    exit(victim, "bad");
    expect(await ended).toBe("bad");
    await within(killer, () => {});
    expect(handled).toEqual([]);
  });

  it("ends it between two messages of its own, when one of them brings it", async () => {
    const { spawn, within, settle } = scene();
    const victim = spawn(probe);
    const other = spawn(probe);
    await within(victim, (self) => self.link(other));
    const handled: string[] = [];
    victim.cast("do", (self) => {
      self.exit(other, "bad");
      handled.push("to the end");
    });
    victim.cast("do", () => handled.push("never"));
    await settle();
    expect(handled).toEqual(["to the end"]);
    expect(victim.alive).toBe(false);
  });

  it("discards a pending async result, and an error just the same", async () => {
    const { spawn, settle, exit, exited, record } = scene();
    for (const fails of [false, true]) {
      const ref = spawn(probe);
      const door = gate<string>();
      const asked = watched(ref.call("do", () => door.promise));
      await settle();
      const ended = exited(ref);
      const events = record();
      exit(ref, "bad");
      expect(await ended).toBe("bad");
      if (fails) door.fail(new Error("late"));
      else door.open("late");
      await settle();
      expect(asked).toMatchObject({ code: "exit", reason: "bad" });
      const others = events.filter(({ type }) => type !== "settled");
      expect(others.map(({ type }) => type)).toEqual(["signalled", "exited"]);
      expect(ref.alive).toBe(false);
      expect(state(ref)).toBeUndefined();
    }
  });

  it("is nothing when it says normal", async () => {
    const { spawn, settle, exit } = scene();
    const ref = spawn(probe);
    await settle();
    exit(ref, "normal");
    await settle();
    expect(ref.alive).toBe(true);
  });
});

it("a process that tells itself to end normally does", async () => {
  const { spawn, settle, exited, within } = scene();
  const ref = spawn(probe);
  await settle();
  const ended = exited(ref);
  await within(ref, (self) => self.exit(self.ref, "normal"));
  expect(await ended).toBe("normal");
});

it("a stop from some callback, in no handler, does not wait for a message", async () => {
  const { spawn, settle, within } = scene();
  const ref = spawn(probe);
  await settle();
  let end: () => void = () => {};
  await within(ref, (self) => {
    end = () => self.stop("normal");
  });
  end();
  await settle();
  expect(ref.alive).toBe(false);
});

it("the callers of one that dies of a lost process hear an exit: it was there", async () => {
  const { spawn, settle, exit } = scene();
  const gone = spawn(probe);
  const ref = spawn(probe);
  exit(gone, "kill");
  await settle();
  const asked = watched(ref.call("do", (self) => self.link(gone)));
  await settle();
  expect(asked).toMatchObject({ code: "exit", reason: "noproc" });
});

it("who falls with what it watches is told nothing, and no message of that is lost", async () => {
  const { spawn, settle, exit, within, deadLetters } = scene();
  const [a, b, c] = [spawn(probe), spawn(probe), spawn(probe)];
  await settle();
  await within(a, (self) => {
    self.link(b);
    self.monitor(b);
  });
  await within(b, (self) => self.link(c));
  exit(c, "bad");
  await settle();
  expect([a.alive, b.alive, deadLetters.count]).toEqual([false, false, 0]);
});

describe("an exit signal to a process that traps", () => {
  it("waits its turn behind the messages before it", async () => {
    const { spawn, settle, within } = scene();
    const ref = spawn(probe, trapping);
    const sender = spawn(probe);
    await settle();
    await within(sender, (self) => {
      ref.send("before");
      self.exit(ref, "bad");
      ref.send("after");
    });
    expect(log(ref)).toEqual(["before", { type: "EXIT", ref: sender, reason: "bad" }, "after"]);
  });

  it("says normal too", async () => {
    const { spawn, settle, within } = scene();
    const ref = spawn(probe, trapping);
    const sender = spawn(probe);
    await settle();
    await within(sender, (self) => self.exit(ref, "normal"));
    expect(exits(ref).map(({ reason }) => reason)).toEqual(["normal"]);
  });

  it("lets a suspended handler finish first", async () => {
    const { spawn, settle, within } = scene();
    const ref = spawn(probe, trapping);
    const sender = spawn(probe);
    const door = gate<string>();
    const asked = watched(ref.call("do", () => door.promise));
    await within(sender, (self) => self.exit(ref, "bad"));
    expect(asked.state).toBe("pending");
    door.open("in peace");
    await settle();
    expect(asked.value).toBe("in peace");
    expect(exits(ref)).toHaveLength(1);
  });

  it("ends it when it comes from its parent", async () => {
    const { spawn, exit, exited, within } = scene();
    const parent = spawn(probe);
    let child = parent;
    await within(parent, (self) => {
      child = self.spawnLink(probe, [trapping]);
    });
    const ended = exited(child);
    exit(parent, "bad");
    expect(await ended).toBe("bad");
  });

  it("may stop being trapped", async () => {
    const { spawn, within } = scene();
    const ref = spawn(probe, trapping);
    const sender = spawn(probe);
    await within(ref, (self) => {
      self.trapExit = false;
    });
    await within(sender, (self) => self.exit(ref, "bad"));
    expect(ref.alive).toBe(false);
  });
});

describe("kill", () => {
  it("cannot be trapped, and is reported as killed", async () => {
    const { spawn, settle, within, exited } = scene();
    const ref = spawn(probe, trapping);
    const sender = spawn(probe);
    await settle();
    const ended = exited(ref);
    await within(sender, (self) => self.exit(ref, "kill"));
    expect(await ended).toBe("killed");
  });

  it("ends a suspended process at once", async () => {
    const { spawn, settle, exit, exited } = scene();
    const ref = spawn(probe, trapping);
    ref.cast("do", () => new Promise(() => {}));
    await settle();
    const ended = exited(ref);
    exit(ref, "kill");
    expect(await ended).toBe("killed");
  });

  it("goes to links as killed: the untrapping die of it, the trapping hear of it", async () => {
    const { spawn, settle, exit, exited, within } = scene();
    const ref = spawn(probe);
    const dies = spawn(probe);
    const hears = spawn(probe, trapping);
    await within(ref, (self) => {
      self.link(dies);
      self.link(hears);
    });
    const ended = exited(dies);
    exit(ref, "kill");
    expect(await ended).toBe("killed");
    await settle();
    expect(exits(hears).map(({ reason }) => reason)).toEqual(["killed"]);
  });

  it("as a mere reason of one's own end can be trapped by the linked", async () => {
    const { spawn, within } = scene();
    const ref = spawn(probe);
    const hears = spawn(probe, trapping);
    await within(ref, (self) => self.link(hears));
    await within(ref, (self) => self.stop("kill"));
    expect(hears.alive).toBe(true);
    expect(exits(hears)).toHaveLength(1);
  });
});

describe("a reason", () => {
  const circular: { self?: unknown } = {};
  circular.self = circular;

  it.each<[ExitReason, boolean, string]>([
    ["normal", true, "normal"],
    ["shutdown", true, "shutdown"],
    [{ shutdown: "acker_lost" }, true, "shutdown: acker_lost"],
    [{ shutdown: { at: 3 } }, true, 'shutdown: {"at":3}'],
    ["killed", false, "killed"],
    ["kill", false, "kill"],
    ["noproc", false, "noproc"],
    ["mine", false, "mine"],
    [{ error: new TypeError("x is null") }, false, "TypeError: x is null"],
    [{ error: undefined }, false, "undefined"],
  ])("%o is orderly or not, and is one line", (reason, orderly, line) => {
    expect(isOrderly(reason)).toBe(orderly);
    expect(formatReason(reason)).toBe(line);
  });

  it.each([[circular], [10n], [Object.create(null)], [Symbol("s")], [() => {}]])(
    "can hold anything and still be shown: %#",
    (error) => {
      expect(typeof formatReason({ error })).toBe("string");
      expect(typeof formatReason({ shutdown: error })).toBe("string");
    },
  );
});
