import { afterEach, describe, expect, test } from "@jest/globals";
import { runningFile } from "../../../lib/runtime/own-directory.js";

const own = /[\\/]own-directory\.[jt]s$/;
const { stackTraceLimit } = Error;
const before = Object.getOwnPropertyDescriptor(Error, "prepareStackTrace");

const define = (name: string, descriptor: PropertyDescriptor): void => {
  Object.defineProperty(Error, name, { configurable: true, ...descriptor });
};

afterEach(() => {
  if (before) Object.defineProperty(Error, "prepareStackTrace", before);
  else Reflect.deleteProperty(Error, "prepareStackTrace");
  define("stackTraceLimit", { value: stackTraceLimit, writable: true, enumerable: true });
});

describe("the file that this code runs from", () => {
  test("is found, also where a host shows no stacks, or keeps their length", () => {
    expect(runningFile()).toMatch(own);
    Error.stackTraceLimit = 0;
    expect(runningFile()).toMatch(own);
    expect(Error.stackTraceLimit).toBe(0);
    define("stackTraceLimit", { value: 10, writable: false });
    expect(runningFile()).toMatch(own);
  });

  test("is found without a word to a host that follows how stacks are prepared", () => {
    const calls: unknown[] = [];
    const descriptor = {
      configurable: true,
      enumerable: false,
      get: () => undefined,
      set: (value: unknown) => void calls.push(value),
    };
    define("prepareStackTrace", descriptor);
    expect(runningFile()).toMatch(own);
    expect(calls).toEqual([]);
    expect(Object.getOwnPropertyDescriptor(Error, "prepareStackTrace")).toEqual(descriptor);
  });

  test("leaves a way to prepare stacks that the host has", () => {
    const how = (error: Error): string => `prepared: ${error.message}`;
    define("prepareStackTrace", { value: how, writable: true });
    expect(runningFile()).toMatch(own);
    expect(Object.getOwnPropertyDescriptor(Error, "prepareStackTrace")?.value).toBe(how);
  });
});
