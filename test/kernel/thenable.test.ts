import { expect, it } from "vitest";
import { isThenable } from "../../src/kernel/thenable.ts";

const NAME = "then";
const withThen = (shape: object, value: unknown) => Object.defineProperty(shape, NAME, { value });

it("what has a then is waited for, callable or not, and nothing else is", () => {
  const then = () => {};
  for (const value of [Promise.resolve(), withThen({}, then), withThen(() => "rows", then)]) {
    expect(isThenable(value)).toBe(true);
  }
  for (const value of [undefined, null, 0, "then", {}, then, withThen({}, 1)]) {
    expect(isThenable(value)).toBe(false);
  }
});
