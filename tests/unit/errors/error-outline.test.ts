import { describe, expect, test } from "@jest/globals";
import { runInNewContext } from "node:vm";
import { outlineOf } from "../../../lib/errors/error-outline.js";

class PaymentError extends Error {}

const secret = "sk-secret";

describe("the outline of an error", () => {
  test("is its class and where it was thrown, without its message", () => {
    const [first, ...frames] = outlineOf(new PaymentError(secret)).split("\n");
    expect(first).toBe("PaymentError");
    expect(frames[0]).toMatch(/^ {4}at .*error-outline\.test\.ts:\d+:\d+/);
    expect(frames.length).toBeLessThanOrEqual(10);
    expect(frames.join()).not.toContain(secret);
  });

  test.each([
    ["of several lines that look like frames", `one\n    at ${secret} (file.js:1:2)\ntwo`],
    ["that is a line like a frame", `    at ${secret} (file.js:1:2)`],
    ["of a letter that the class has too", "E"],
    ["without any text", ""],
  ])("leaves out a message %s", (_, message) => {
    const outline = outlineOf(new Error(message));
    expect(outline).toMatch(/^Error\n {4}at .*error-outline\.test\.ts/);
    expect(outline).not.toContain(secret);
  });

  test("leaves out a message that was changed since", () => {
    const error = new Error(`${secret} and\nmore of ${secret}`);
    error.message = "something else";
    expect(outlineOf(error)).toMatch(/^Error\n {4}at .*error-outline\.test\.ts/);
    expect(outlineOf(error)).not.toContain(secret);
  });

  test("does not believe the name, which may be any text", () => {
    expect(outlineOf(Object.assign(new TypeError("x"), { name: secret }))).toMatch(/^TypeError\n/);
    class Odd extends Error {}
    Object.defineProperty(Odd, "name", { value: `${secret} of somebody` });
    expect(outlineOf(new Odd("x"))).toMatch(/^an object\n/);
  });

  test("knows an error of another realm", () => {
    expect(outlineOf(runInNewContext("new RangeError('x')"))).toMatch(/^RangeError\n {4}at /);
  });

  test.each([
    ["a string", secret, "a string"],
    ["nothing", undefined, "undefined"],
    ["null", null, "null"],
    ["a plain object", { message: secret, stack: 1 }, "Object"],
    ["an object without a class", Object.create(null) as unknown, "an object"],
    ["a function", () => secret, "a function"],
    [
      "an object whose properties throw",
      {
        get stack(): string {
          throw new Error(secret);
        },
      },
      "an object",
    ],
  ])("of %s says what it is", (_, thrown, outline) => {
    expect(outlineOf(thrown)).toBe(outline);
  });
});
