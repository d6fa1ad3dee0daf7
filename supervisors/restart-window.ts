/**
 * Why this exists: whether one more restart is too many within a period. The question is only
 * whether the restart `intensity` places back is still within the period, so a ring of that many
 * times answers it in O(1); scanning the window at each restart makes a crash loop quadratic.
 */

export interface RestartWindow {
  /** Notes a restart at `now` (monotonic milliseconds); false when it is one too many. */
  admit(now: number): boolean;
  /** Restarts within the period before `now`, at most the intensity. For display. */
  recent(now: number): number;
}

export function createRestartWindow(intensity: number, periodMs: number): RestartWindow {
  const times: number[] = [];
  let next = 0;
  return {
    admit(now) {
      const oldest = times.length < intensity ? undefined : times[next];
      if (intensity === 0 || (oldest !== undefined && now - oldest < periodMs)) return false;
      times[next] = now;
      next = (next + 1) % intensity;
      return true;
    },
    recent: (now) => times.filter((time) => now - time < periodMs).length,
  };
}
