import { describe, expect, it } from "vitest";
import { actor } from "../../src/kernel/actor.ts";
import { CALL, CAST, type Kind, type Letter } from "../../src/kernel/letter.ts";
import { Mailbox } from "../../src/kernel/mailbox.ts";
import { collectGarbage, downs, gate, log, type Probe, probe, scene } from "./scene.ts";

class Open extends Mailbox {
  put(body: unknown, kind: Kind = CAST, name = "m", extra: unknown = null): void {
    this.push(kind, name, body, extra);
  }
  received: Letter | null = null;
  protected receive(kind: Kind, name: string, body: unknown, extra: unknown): void {
    this.received = { kind, name, body, extra };
  }
  take(): Letter | null {
    return this.deliver() ? this.received : null;
  }
  takeOut(): Letter | null {
    return this.shift();
  }
  takeLeft(): Letter | null {
    return this.nextLeft();
  }
}

describe("the queue by itself", () => {
  it("at the end finds every call in order, and passes over the rest by the thousand", () => {
    const mailbox = new Open();
    const calls = [0, 1, 70, 50_000, 50_001, 199_999];
    for (let i = 0; i < 200_000; i++) mailbox.put(i, calls.includes(i) ? CALL : CAST);
    const left: Letter[] = [];
    for (let it = mailbox.takeLeft(); it !== null; it = mailbox.takeLeft()) left.push(it);
    expect(left.filter(({ kind }) => kind === CALL).map(({ body }) => body)).toEqual(calls);
    expect(left.length).toBeLessThan(40_000);
    // What it has given back forgets that there were calls.
    mailbox.put("again");
    for (let i = 0; i < 1_000; i++) mailbox.put(i);
    let taken = 0;
    while (mailbox.takeLeft() !== null) taken++;
    expect(taken).toBe(1);
  });

  it("gives back all four parts of a message, from the inline slot and from a chunk", () => {
    const box = new Open();
    const call = {};
    box.put("one", CALL, "first", call);
    box.put("two", CALL, "second", call);
    expect(box.take()).toEqual({ kind: CALL, name: "first", body: "one", extra: call });
    expect(box.take()).toEqual({ kind: CALL, name: "second", body: "two", extra: call });
    expect(box.take()).toBeNull();
  });

  it.each([1, 2, 3, 31, 32, 33, 34, 64, 65, 66, 97, 5_000])(
    "keeps the order of bursts of %i, again and again, and counts what waits",
    (burst) => {
      const box = new Open();
      for (let round = 0; round < 4; round++) {
        for (let i = 0; i < burst; i++) box.put(i);
        expect(box.waiting).toBe(burst);
        for (let i = 0; i < burst; i++) expect(box.take()?.body).toBe(i);
        expect(box.waiting).toBe(0);
        expect(box.take()).toBeNull();
      }
    },
  );

  it.each([2, 7])("keeps short and long messages apart in one chunk: every %ith is a call", (n) => {
    const box = new Open();
    const sent = Array.from({ length: 3_000 }, (_, i): Letter => {
      // A name that is none, as JavaScript may give it, is no kind.
      const name = i % 11 === 0 ? ((i % 8) as never) : `${i}`;
      const kind: Kind = i % n === 0 ? CALL : CAST;
      return { kind, name, body: i, extra: kind === CAST ? null : { i } };
    });
    for (const { kind, name, body, extra } of sent) box.put(body, kind, name, extra);
    for (const letter of sent.slice(0, 1_500)) expect(box.take()).toEqual(letter);
    for (const letter of sent.slice(1_500)) expect(box.takeOut()).toEqual(letter);
    expect(box.takeOut()).toBeNull();
  });

  it("keeps the order when reads and writes interleave across every border", () => {
    for (let ahead = 1; ahead <= 70; ahead++) {
      const box = new Open();
      let written = 0;
      let read = 0;
      while (written < ahead) box.put(written++);
      for (; read < 500; read++) {
        expect(box.take()?.body).toBe(read);
        box.put(written++);
      }
      while (box.waiting > 0) expect(box.take()?.body).toBe(read++);
      expect(read).toBe(written);
    }
  });

  it("shares pooled chunks between mailboxes without mixing their messages", () => {
    const boxes = Array.from({ length: 20 }, () => new Open());
    for (let round = 0; round < 5; round++) {
      for (let i = 0; i < 100; i++) for (const [b, box] of boxes.entries()) box.put(b * 1_000 + i);
      const taken = boxes.map((box) => Array.from({ length: 100 }, () => box.take()?.body));
      expect(taken).toEqual(
        boxes.map((_, b) => Array.from({ length: 100 }, (_, i) => b * 1_000 + i)),
      );
    }
  });

  it("holds on to nothing it has handed out", async () => {
    const box = new Open();
    for (let i = 0; i < 40; i++) {
      if (i % 2 === 0) box.put({ i }, CALL, "m", { i });
      else box.put({ i });
    }
    // The first lies in the mailbox itself, the others in a chunk; the last is the test's own.
    const kept = Array.from({ length: 20 }, () => {
      const letter = box.take();
      const parts = [letter?.body, letter?.extra].filter((it) => it !== null);
      return parts.map((it) => new WeakRef(it as object));
    }).flat();
    expect(kept).toHaveLength(30);
    await collectGarbage();
    expect(kept.slice(0, -1).filter((each) => each.deref() !== undefined)).toEqual([]);
    expect(box.waiting).toBe(20);
  });
});

const counter = actor({
  init: () => ({ seen: [] as number[], busy: 0, most: 0 }),
  casts: {
    note: ({ state }, value: number) => {
      state.seen.push(value);
    },
    slow: async ({ state }, value: number) => {
      state.busy++;
      state.most = Math.max(state.most, state.busy);
      await Promise.resolve();
      await Promise.resolve();
      state.seen.push(value);
      state.busy--;
    },
    wait: ({ state }, until: Promise<void>) => until.then(() => state.seen.push(-1)),
  },
  calls: {
    seen: ({ state }, value?: number) => {
      if (value !== undefined) state.seen.push(value);
      return state.seen;
    },
    most: ({ state }) => state.most,
  },
});

describe("arrival order", () => {
  it("is kept over thousands of messages from one sender", async () => {
    const { spawn, settle } = scene();
    const ref = spawn(counter);
    for (let i = 0; i < 10_000; i++) ref.cast("note", i);
    await settle();
    expect(await ref.call("seen")).toEqual(Array.from({ length: 10_000 }, (_, i) => i));
  });

  it("is kept per sender when many send to one at once", async () => {
    const { spawn, settle } = scene();
    const receiver = spawn(probe);
    const senders: Probe[] = Array.from({ length: 5 }, () => spawn(probe));
    for (let i = 0; i < 2_000; i++) {
      for (const [s, sender] of senders.entries()) {
        sender.cast("do", () => receiver.send([s, i]));
      }
    }
    await settle();
    const got = log(receiver) as [number, number][];
    expect(got.length).toBe(10_000);
    for (const s of senders.keys()) {
      const own = got.filter(([sender]) => sender === s).map(([, i]) => i);
      expect(own).toEqual(Array.from({ length: 2_000 }, (_, i) => i));
    }
  });

  it("is kept between casts, calls and plain messages of one sender", async () => {
    const { spawn, settle } = scene();
    const ref = spawn(probe);
    const seen: string[] = [];
    ref.cast("do", () => seen.push("cast"));
    const call = ref.call("do", () => seen.push("call"));
    ref.cast("do", ({ state }) => seen.push(`before info: ${state.length}`));
    ref.send("info");
    ref.cast("do", ({ state }) => seen.push(`after info: ${state.length}`));
    await settle();
    await call;
    expect(seen).toEqual(["cast", "call", "before info: 0", "after info: 1"]);
  });

  it("puts a DOWN behind what the dead process had sent before", async () => {
    const { spawn, within } = scene();
    const watcher = spawn(probe);
    const victim = spawn(probe);
    await within(watcher, (self) => void self.monitor(victim));
    await within(victim, (self) => {
      for (let i = 0; i < 100; i++) watcher.send(i);
      self.exit(self.ref, "kill");
    });
    expect(log(watcher).slice(0, 100)).toEqual(Array.from({ length: 100 }, (_, i) => i));
    expect(downs(watcher)).toHaveLength(1);
    expect(log(watcher)).toHaveLength(101);
  });
});

describe("one message at a time", () => {
  it("holds for async handlers: none starts before the last one's promise settled", async () => {
    const { spawn, settle } = scene();
    const ref = spawn(counter);
    for (let i = 0; i < 500; i++) ref.cast(i % 3 === 0 ? "note" : "slow", i);
    await settle();
    expect(await ref.call("most")).toBe(1);
    expect(await ref.call("seen")).toEqual(Array.from({ length: 500 }, (_, i) => i));
  });

  it("lets messages wait while a handler is suspended, and other processes run", async () => {
    const { spawn, settle } = scene();
    const slow = spawn(counter);
    const other = spawn(counter);
    const door = gate();
    slow.cast("wait", door.promise);
    for (let i = 0; i < 100; i++) {
      slow.cast("note", i);
      other.cast("note", i);
    }
    await settle();
    expect(await other.call("seen")).toHaveLength(100);
    const asked = slow.call("seen");
    await settle();
    door.open();
    expect((await asked).slice(0, 3)).toEqual([-1, 0, 1]);
  });

  it("never runs a handler within the sender's turn", async () => {
    const { spawn, within } = scene();
    const a = spawn(probe);
    const b = spawn(probe);
    const seen: string[] = [];
    await within(a, (self) => {
      b.cast("do", () => seen.push("b"));
      self.ref.send("to myself");
      seen.push(`a ends, ${self.state.length} messages`);
    });
    expect(seen).toEqual(["a ends, 0 messages", "b"]);
    expect(log(a)).toEqual(["to myself"]);
  });

  it("runs a continue right after its handler, before any message, in the order asked", async () => {
    const { spawn, within, settle } = scene();
    const ref = spawn(probe);
    const seen: string[] = [];
    ref.cast("do", (self) => {
      self.continue(async () => {
        await Promise.resolve();
        seen.push("first");
      });
      self.continue(() => seen.push("second"));
      seen.push("handler");
    });
    ref.cast("do", () => seen.push("message"));
    await settle();
    expect(seen).toEqual(["handler", "first", "second", "message"]);

    const door = gate();
    await within(ref, (self) => {
      self.continue(() => door.promise);
      self.continue(() => seen.push("of a dead process"));
    });
    const killer = spawn(probe);
    await within(killer, (self) => self.exit(ref, "kill"));
    door.open();
    await settle();
    expect(seen).not.toContain("of a dead process");
  });

  it("runs a continue asked for in init before the first message", async () => {
    const { spawn, settle } = scene();
    const seen: string[] = [];
    const ref = spawn(probe, (self) => self.continue(() => seen.push("continue")));
    ref.cast("do", () => seen.push("message"));
    await settle();
    expect(seen).toEqual(["continue", "message"]);
  });
});
