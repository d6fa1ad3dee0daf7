/**
 * Why this exists: one step of a simulated world is over when every promise that can settle has
 * settled, and every tick that was asked for has come. A `nextTick` that is asked for in a microtask
 * comes after all microtasks, however many they become, and costs a tenth of `setImmediate`.
 */
const { nextTick } = process;
const immediate = setImmediate;
const RESOLVED = Promise.resolve();

/** Ticks that user code asked for since the last look: some of them may be still to come. */
let ticks = 0;

/** Stands in for `process.nextTick` in a run, so that what comes after it is waited for. */
export const countedTick = (run: (...args: unknown[]) => void, ...args: unknown[]): void => {
  ticks++;
  nextTick(run, ...args);
};

/** To be awaited where nothing but promises and ticks was started: resolves when none can go on. */
export const drain = (): Promise<void> => new Promise((done) => settle(done, false));

/**
 * Ticks come one after the other, with no microtask between them: what they have resolved goes on
 * after them, and is waited for from a microtask again. It is over when that came to nothing: some
 * of Node's own ticks are not counted, and one round more costs little.
 */
function settle(done: () => void, quiet: boolean): void {
  nextTick(() => {
    const isQuiet = ticks === 0;
    if (quiet && isQuiet) return done();
    ticks = 0;
    void RESOLVED.then(() => settle(done, isQuiet));
  });
}

/** Lets real timers and I/O have a turn. */
export const breathe = (): Promise<void> => new Promise((resolve) => immediate(resolve));
