/**
 * Why this exists: one step of a simulated world is over when every promise that can settle has
 * settled, and every tick that was asked for has come. A `nextTick` that is asked for in a microtask
 * comes after all microtasks, however many they become, and costs a tenth of `setImmediate`.
 */
const { nextTick } = process;
const immediate = setImmediate;

/** Ticks that user code asked for since the last look. */
let ticks = 0;

/** Stands in for `process.nextTick` in a run, so that what comes after it is waited for. */
export const countedTick = (run: (...args: unknown[]) => void, ...args: unknown[]): void => {
  ticks++;
  nextTick(run, ...args);
};

/** To be awaited where nothing but promises and ticks was started: resolves when none can go on. */
export const drain = (): Promise<void> => new Promise(settle);

function settle(done: () => void): void {
  ticks = 0;
  nextTick(() => (ticks > 0 ? settle(done) : done()));
}

/** Lets real timers and I/O have a turn. */
export const breathe = (): Promise<void> => new Promise((resolve) => immediate(resolve));
