/**
 * Why this exists: programs nobody thought of, for the property tests beside it. A few processes do
 * random things to each other while chance chooses who runs next, and every fact about the run is
 * written down outside the kernel.
 */
import fc from "fast-check";
import { actor, type Deferred } from "../../src/kernel/actor.ts";
import type { ExitReason } from "../../src/kernel/exit.ts";
import type { Host } from "../../src/kernel/host.ts";
import { Kernel } from "../../src/kernel/kernel.ts";
import type { Ref, RefOf } from "../../src/kernel/ref.ts";
import type { Down, Monitor, Self } from "../../src/kernel/self.ts";
import { chance as chanceOf } from "../../src/sim/chance.ts";

/** What one process is told to do, to one of the others. `who` and `to` count the living and the dead. */
export type Step =
  | { do: "spawn"; who: number; link: boolean; trap: boolean }
  | { do: "link" | "unlink" | "monitor" | "demonitor" | "note"; who: number; to: number }
  | { do: "call"; who: number; to: number; how: Reply }
  | { do: "crash" | "crash_later" | "suspend"; who: number }
  | { do: "exit"; who: number; to: number; reason: "kill" | "bad" | "shutdown" | "normal" }
  | { do: "stop"; who: number; reason: "normal" | "shutdown" | "bad" };
type Reply = "now" | "async" | "deferred" | "never" | "crash" | "stop" | "die";

const at = fc.nat({ max: 5 });
export const steps = fc.array(
  fc.oneof(
    fc.record({
      do: fc.constant("spawn" as const),
      who: at,
      link: fc.boolean(),
      trap: fc.boolean(),
    }),
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constantFrom(
          ...(["link", "link", "unlink", "monitor", "monitor", "demonitor"] as const),
          ...(["note", "note", "note"] as const),
        ),
        who: at,
        to: at,
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        do: fc.constant("call" as const),
        who: at,
        to: at,
        how: fc.constantFrom<Reply>("now", "async", "deferred", "never", "crash", "stop", "die"),
      }),
    },
    fc.record({
      do: fc.constantFrom("crash" as const, "crash_later" as const, "suspend" as const),
      who: at,
    }),
    fc.record({
      do: fc.constant("exit" as const),
      who: at,
      to: at,
      reason: fc.constantFrom(
        "kill" as const,
        "bad" as const,
        "shutdown" as const,
        "normal" as const,
      ),
    }),
    fc.record({
      do: fc.constant("stop" as const),
      who: at,
      reason: fc.constantFrom("normal" as const, "shutdown" as const, "bad" as const),
    }),
  ),
  { minLength: 1, maxLength: 24 },
);

export interface Told {
  watcher: Ref;
  downs: number;
  given: boolean;
  reason: ExitReason | null;
}

/** What is known of a run, by bookkeeping outside the kernel. */
export class World {
  readonly kernel: Kernel;
  readonly refs: RefOf<typeof member>[] = [];
  readonly reasons = new Map<Ref, ExitReason>();
  readonly exits = new Map<Ref, number>();
  readonly monitors = new Map<Monitor, Told>();
  readonly calls: { callee: Ref; settled: number; how: string }[] = [];
  readonly owed: Deferred<unknown>[] = [];
  readonly doors: (() => void)[] = [];
  readonly notes = new Map<string, number[]>();
  readonly afterDeath: string[] = [];
  sent = 0;

  constructor(host: Host) {
    this.kernel = new Kernel(host);
    this.kernel.observe(
      ({ type, ...rest }) => {
        if (type !== "exited") return;
        const { pid, reason } = rest as unknown as { pid: number; reason: ExitReason };
        const ref = this.refs.find(({ id }) => id === pid);
        if (ref === undefined) return;
        this.reasons.set(ref, reason);
        this.exits.set(ref, (this.exits.get(ref) ?? 0) + 1);
      },
      ["exited"],
    );
  }

  ref(index: number): RefOf<typeof member> {
    return this.refs[index % this.refs.length]!;
  }

  /** A promise that chance settles between two steps, or the end of the run. */
  door(): Promise<void> {
    return new Promise((resolve) => this.doors.push(resolve));
  }
}

export const member = makeMember();
function makeMember() {
  return actor({
    name: "member",
    init: (self, world: World, trap: boolean) => {
      self.trapExit = trap;
      return { world };
    },
    calls: {
      ask: (self, how: Reply): unknown => answer(self, self.state.world, how),
    },
    casts: {
      run: (self, step: Step): unknown => perform(self, self.state.world, step),
      note: (self, from: number, count: number) => {
        const { world } = self.state;
        if (world.reasons.has(self.ref)) world.afterDeath.push("note");
        const key = `${from} to ${self.id}`;
        world.notes.set(key, [...(world.notes.get(key) ?? []), count]);
      },
    },
    info: ({ state, ref }, message) => {
      const down = message as Down;
      if (down.type !== "DOWN") return;
      const told = state.world.monitors.get(down.monitor);
      if (told === undefined) return;
      if (state.world.reasons.has(ref)) state.world.afterDeath.push("DOWN");
      told.downs++;
      told.reason = down.reason;
    },
  });
}

async function answer(self: Self<unknown>, world: World, how: Reply): Promise<unknown> {
  if (how === "now") return how;
  if (how === "crash") throw new Error("asked to");
  if (how === "stop") self.stop("bad");
  else if (how === "die") self.exit(self.ref, "kill");
  else if (how !== "async") {
    const reply = self.defer<unknown>();
    if (how === "deferred") world.owed.push(reply);
    return reply;
  } else await world.door();
  return how;
}

function perform(self: Self<unknown>, world: World, step: Step): unknown {
  const { refs } = world;
  switch (step.do) {
    case "spawn": {
      if (refs.length >= 12) return undefined;
      const how = step.link ? "spawnLink" : "spawn";
      refs.push(self[how](member, [world, step.trap]));
      return undefined;
    }
    case "link":
    case "unlink":
      return self[step.do](world.ref(step.to));
    case "monitor": {
      const monitor = self.monitor(world.ref(step.to));
      world.monitors.set(monitor, { watcher: self.ref, downs: 0, given: true, reason: null });
      return undefined;
    }
    case "demonitor": {
      for (const [monitor, told] of world.monitors) {
        if (told.watcher !== self.ref || !told.given || told.downs > 0) continue;
        told.given = false;
        self.demonitor(monitor);
        return undefined;
      }
      return undefined;
    }
    case "note":
      return world.ref(step.to).cast("note", self.id, world.sent++);
    case "call":
      return call(world, world.ref(step.to), step.how);
    case "crash":
      throw new Error("crash");
    case "crash_later":
      return world.door().then(() => Promise.reject(new Error("later")));
    case "suspend":
      return world.door();
    case "exit":
      return self.exit(world.ref(step.to), step.reason);
    default:
      return self.stop(step.reason);
  }
}

function call(world: World, callee: RefOf<typeof member>, how: Reply): void {
  const record = { callee: callee as Ref, settled: 0, how: "" };
  world.calls.push(record);
  const settle = (outcome: string) => {
    record.settled++;
    record.how = outcome;
  };
  callee.callWithin(100, "ask", how).then(
    () => settle("reply"),
    ({ code }: { code: string }) => settle(code),
  );
}

/** A host that runs on microtasks alone, so that thousands of programs take seconds. */
export function quickHost(pick: (ready: number) => number) {
  const wakes: (() => void)[] = [];
  const timers = new Set<{ at: number; fire: () => void }>();
  let now = 0;
  const host: Host = {
    now: () => now,
    wallNow: () => 0,
    wake: (run) => void wakes.push(run),
    timer: (ms, fire) => {
      const timer = { at: now + ms, fire };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    choose: pick,
    pick,
  };
  const later = (ms: number): void => {
    now += ms;
    for (const timer of timers) if (timer.at <= now && timers.delete(timer)) timer.fire();
  };
  return { host, wakes, later };
}

export async function run(program: readonly Step[], seed: number): Promise<World> {
  const chance = chanceOf(seed);
  const { host, wakes, later } = quickHost(chance);
  const world = new World(host);
  for (let i = 0; i < 4; i++) {
    const process = world.kernel.spawn(member as never, [world, i === 0] as never, null, {});
    world.refs.push(process as Ref as RefOf<typeof member>);
  }
  const turn = async (): Promise<void> => {
    wakes.shift()?.();
    for (let i = 0; i < 4; i++) await undefined;
  };
  const rest = async (): Promise<void> => {
    do await turn();
    while (wakes.length > 0);
  };
  for (const step of program) {
    world.ref(step.who).cast("run", step);
    for (let i = chance(4); i > 0; i--) await turn();
    if (chance(4) === 0) world.doors.splice(chance(world.doors.length + 1), 1)[0]?.();
    if (chance(4) === 0) world.owed.splice(0, 1)[0]?.resolve("late or not");
  }
  await rest();
  while (world.doors.length > 0) {
    world.doors.shift()?.();
    await rest();
  }
  for (const reply of world.owed.splice(0)) reply.resolve("at last");
  await rest();
  later(200);
  await rest();
  return world;
}
