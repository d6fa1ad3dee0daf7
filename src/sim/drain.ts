/**
 * Why this exists: one step of a simulated world is over when every promise that can settle has
 * settled. A `nextTick` that is asked for in a microtask comes after all microtasks, however many
 * they become, and costs a tenth of `setImmediate`.
 */
const { nextTick } = process;
const immediate = setImmediate;

/** To be awaited where nothing but promises was started: resolves when none of them can go on. */
export const drain = (): Promise<void> => new Promise((resolve) => nextTick(resolve));

/** Lets real timers and I/O have a turn. */
export const breathe = (): Promise<void> => new Promise((resolve) => immediate(resolve));
