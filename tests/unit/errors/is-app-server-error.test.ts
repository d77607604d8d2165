import { expect, jest, test } from "@jest/globals";
import { isAppServerError } from "../../../lib/errors/base.js";
import { ProtocolError } from "../../../lib/errors/connection-errors.js";
import { InvalidArgumentError } from "../../../lib/errors/invalid-argument-error.js";

test("errors of this library are recognised, others are not", () => {
  expect(isAppServerError(new ProtocolError("message"))).toBe(true);
  expect(isAppServerError(new InvalidArgumentError("cwd", "must exist"))).toBe(true);
  expect(isAppServerError(new Error("message"))).toBe(false);
  expect(isAppServerError({ code: "INVALID_ARGUMENT", message: "cwd must exist" })).toBe(false);
  for (const value of [null, undefined, "INVALID_ARGUMENT", 7]) {
    expect(isAppServerError(value)).toBe(false);
  }
});

test("so are errors of another copy of the package", async () => {
  jest.resetModules();
  const copy = await import("../../../lib/errors/invalid-argument-error.js");
  const error = new copy.InvalidArgumentError("cwd", "must exist");
  expect(error).not.toBeInstanceOf(InvalidArgumentError);
  expect(isAppServerError(error)).toBe(true);
});

test("the mark does not show when an error is printed or copied", () => {
  const error = new ProtocolError("message");
  expect(Object.keys(error).sort()).toEqual(["code", "name", "sent"]);
  expect(Object.getOwnPropertySymbols(Object.assign({}, error))).toEqual([]);
});

test("the cause is kept", () => {
  const cause = new Error("deeper");
  expect(new ProtocolError("message", { cause }).cause).toBe(cause);
});
