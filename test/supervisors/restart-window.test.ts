import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createRestartWindow } from "../../supervisors/restart-window.ts";

describe("the restart window", () => {
  it("admits as many as the intensity within a period, and not one more", () => {
    const window = createRestartWindow(3, 1_000);
    expect([0, 1, 2].map((at) => window.admit(at))).toEqual([true, true, true]);
    expect(window.admit(999)).toBe(false);
  });

  it("is exact at the border: a restart as old as the period counts no more", () => {
    const window = createRestartWindow(2, 1_000);
    window.admit(0);
    window.admit(500);
    expect(window.admit(999.999)).toBe(false);
    expect(window.admit(1_000)).toBe(true);
    expect(window.admit(1_499)).toBe(false);
    expect(window.admit(1_500)).toBe(true);
  });

  it("with an intensity of 0 admits none", () => {
    const window = createRestartWindow(0, 1_000);
    expect(window.admit(0)).toBe(false);
    expect(window.admit(1e9)).toBe(false);
  });

  it("says how many were recent", () => {
    const window = createRestartWindow(3, 1_000);
    for (const at of [0, 10, 20]) window.admit(at);
    expect([20, 999, 1_000, 1_010, 2_000].map((now) => window.recent(now))).toEqual([
      3, 3, 2, 1, 0,
    ]);
  });

  it("decides as a scan of every restart would", () => {
    const steps = fc.array(fc.nat({ max: 40 }), { maxLength: 60 });
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 6 }), steps, (intensity, waits) => {
        const window = createRestartWindow(intensity, 100);
        const admitted: number[] = [];
        let now = 0;
        for (const wait of waits) {
          now += wait;
          const recent = admitted.filter((at) => now - at < 100).length;
          const expected = recent < intensity;
          expect(window.admit(now)).toBe(expected);
          if (expected) admitted.push(now);
        }
      }),
    );
  });
});
