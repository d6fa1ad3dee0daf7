import { describe, expect, it } from "vitest";
import { actor } from "../../src/kernel/actor.ts";
import { child } from "../../src/ports/child-spec.ts";
import { supervisor } from "../../supervisors/supervisor.ts";
import type { TreeNode } from "../../supervisors/tree.ts";
import { gate } from "../kernel/scene.ts";
import { childRef, harness, part } from "./harness.ts";

const labels = (node: TreeNode): unknown[] => [
  node.label,
  ...node.children.map((inner) => labels(inner)),
];

describe("the tree", () => {
  it("is the living system: supervisors, workers, and those they spawned with a link", async () => {
    const { system, supervise, settle } = harness();
    const inner = child({
      id: "inner",
      start: supervisor,
      args: [{ children: [child({ id: "deep", start: part, args: [{}] })] }],
      type: "supervisor",
    });
    const parent = actor({ init: (self) => void self.spawnLink(part, [{}], { label: "helper" }) });
    await supervise({ children: [child({ id: "a", start: part, args: [{}] }), inner] });
    await system.start({ id: "parent", start: parent, args: [] });
    await settle();
    expect(labels(system.tree())).toEqual([
      "system",
      ["supervisor", ["a"], ["inner", ["deep"]]],
      ["parent", ["helper"]],
    ]);
  });

  it("shows what a process is about: status, mailbox, restarts and its own words", async () => {
    const { system, supervise, settle } = harness();
    const worker = actor({
      init: () => ({ offset: 42 }),
      casts: { hold: (_self, until: Promise<void>) => until },
      describe: ({ state }) => ({ offset: state.offset, children: "mine" }),
    });
    const sup = await supervise({ children: [child({ id: "w", start: worker, args: [] })] });
    const door = gate();
    const ref = (await childRef(sup, "w")) as unknown as {
      cast(name: string, ...args: unknown[]): void;
      id: number;
    };
    for (let i = 0; i < 3; i++) ref.cast("hold", door.promise);
    await settle();
    const node = system.tree().children[0]?.children[0];
    expect({ ...node }).toEqual({
      label: "w",
      pid: ref.id,
      type: "worker",
      status: "awaiting",
      mailbox: 2,
      restarts: 0,
      detail: { offset: 42, children: "mine" },
      children: [],
    });
    door.open();
  });

  it("shows a child that waits for its restart, and one that starts", async () => {
    const { system, supervise, settle } = harness();
    const backoff = { minMs: 1_000, maxMs: 1_000 };
    const sup = await supervise({
      intensity: 10,
      children: [child({ id: "a", start: part, args: [{}], backoff })],
    });
    const door = gate();
    void sup.call(
      "startChild",
      child({ id: "b", start: part, args: [{ init: () => door.promise }] }),
    );
    for (let i = 0; i < 2; i++) {
      (await childRef(sup, "a")).cast("crash");
      await settle();
    }
    const nodes = system.tree().children[0]?.children ?? [];
    const a = nodes.find(({ label }) => label === "a");
    const b = nodes.find(({ label }) => label === "b");
    expect(a).toMatchObject({
      pid: null,
      status: "restarting",
      restarts: 2,
      detail: { lastExit: "Error: crash" },
    });
    expect(b).toMatchObject({ status: "starting", pid: expect.any(Number) });
    door.open();
  });

  it("keeps a supervisor's own order, and says what is not there", async () => {
    const { system, supervise, settle } = harness();
    const inner = child({ id: "b", start: supervisor, args: [{}] });
    const workers = ["a", "c"].map((id) => child({ id, start: part, args: [{}] }));
    const [a, c] = workers as [(typeof workers)[0], (typeof workers)[0]];
    const sup = await supervise({ children: [a, inner, c] });
    (await childRef(sup, "a")).cast("crash");
    await settle();
    await sup.call("terminateChild", "b");
    const nodes = system.tree().children[0]?.children ?? [];
    expect(nodes.map(({ label, type, status }) => [label, type, status])).toEqual([
      ["a", "worker", "idle"],
      ["b", "supervisor", "stopped"],
      ["c", "worker", "idle"],
    ]);
  });

  it("is plain data, and prints as lines", async () => {
    const { system, supervise } = harness();
    await supervise({ children: [child({ id: "a", start: part, args: [{}] })], intensity: 3 });
    const tree = system.tree();
    const copy = JSON.parse(JSON.stringify(tree)) as TreeNode;
    expect(labels(copy)).toEqual(["system", ["supervisor", ["a"]]]);
    const lines = String(tree).split("\n");
    expect(lines).toHaveLength(3);
    expect(lines[0]).toMatch(/^system +supervisor/);
    expect(lines[1]).toMatch(/^└─ supervisor +supervisor .*0 of 3 restarts in 5 s$/);
    expect(lines[2]).toMatch(/^ {3}└─ a +idle$/);
  });

  it("survives a description that throws", async () => {
    const { system } = harness();
    const broken = actor({
      init: () => 1,
      describe: () => {
        throw new Error("no words");
      },
    });
    await system.start(broken);
    expect(system.tree().children[0]?.detail).toEqual({ describe: "Error: no words" });
  });
});
