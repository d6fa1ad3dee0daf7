import { expect, it } from "vitest";
import { HandlerError } from "../../actors/handler.ts";

const unreadable: [string, unknown][] = [
  ["an object without a prototype", Object.create(null)],
  [
    "a proxy that throws",
    new Proxy(
      {},
      {
        get() {
          throw 1;
        },
      },
    ),
  ],
  [
    "an error whose message throws",
    Object.defineProperty(new Error("x"), "message", {
      get() {
        throw 2;
      },
    }),
  ],
  ["undefined", undefined],
  ["a symbol", Symbol("s")],
];

it.each(unreadable)("a handler error names its record whatever was thrown: %s", (_what, thrown) => {
  const error = new HandlerError("orders", 1, "7", thrown);
  expect(error.message).toMatch(/^handler of orders\/1 failed at offset 7: ./);
  expect(error.cause).toBe(thrown);
});
