/**
 * Why this exists: whether one more restart is too many within a period. Each restart enters a ring
 * once and leaves it once, so that the answer costs the same at any rate; scanning the window at each
 * restart makes a crash loop quadratic.
 */

export interface RestartWindow {
  /** Notes a restart at `now` (monotonic milliseconds); false when it is one too many. */
  admit(now: number): boolean;
  /** Restarts that were admitted within the period before `now`. */
  recent(now: number): number;
}

export function createRestartWindow(intensity: number, periodMs: number): RestartWindow {
  const times: number[] = [];
  let oldest = 0;
  let count = 0;
  const recent = (now: number): number => {
    while (count > 0 && now - (times[oldest] as number) >= periodMs) {
      oldest = (oldest + 1) % intensity;
      count--;
    }
    // The ring begins anew, and takes no more room than it must.
    if (count === 0) oldest = 0;
    return count;
  };
  return {
    admit(now) {
      if (recent(now) >= intensity) return false;
      times[(oldest + count) % intensity] = now;
      count++;
      return true;
    },
    recent,
  };
}
