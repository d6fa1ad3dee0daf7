/**
 * Why this exists: kafkajs's admin gives up at once where a broker says "not yet": while a group's
 * coordinator is loading, as after every start of a broker, and while a partition's leader has
 * just been elected, as after every creation of a topic.
 */
import { notYet } from "./kafkajs-errors.ts";

const TRIES = 10;
const PAUSE_MS = 250;

/** Rejects with the error that is no "not yet", or with the tenth that is. */
export async function patiently<T>(ask: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await ask();
    } catch (error) {
      if (tries === TRIES || !notYet(error)) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}
