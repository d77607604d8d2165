import { describe, expect, test } from "@jest/globals";
import { createContext, runInContext } from "node:vm";
import { allowListeners, onAbort, reasonOf, throwIfAborted } from "../../../lib/async/abort.js";
import {
  isAbortSignal,
  isBytes,
  isCollection,
  isDate,
  isError,
  unref,
} from "../../../lib/async/realms.js";

const realm = createContext({});

function foreign(code: string): unknown {
  return runInContext(code, realm);
}

/** A signal as older libraries have it: it tells no reason, and Node knows nothing of it. */
class OldSignal {
  aborted = false;
  readonly listeners = new Set<() => void>();
  addEventListener(_: string, listener: () => void): void {
    this.listeners.add(listener);
  }
  removeEventListener(_: string, listener: () => void): void {
    this.listeners.delete(listener);
  }
  abort(): void {
    this.aborted = true;
    for (const listener of this.listeners) listener();
  }
}

describe("objects of another realm are known for what they are", () => {
  test.each<[string, (value: unknown) => boolean, string, unknown]>([
    ["bytes", isBytes, "new Uint8Array([1])", Buffer.from("x")],
    ["a date", isDate, "new Date(0)", new Date()],
    ["an error", isError, "new TypeError('x')", new Error("x")],
    ["a map", isCollection, "new Map()", new Map()],
    ["a set", isCollection, "new Set()", new Set()],
    ["a buffer", isCollection, "new ArrayBuffer(1)", new ArrayBuffer(1)],
    ["a view", isCollection, "new DataView(new ArrayBuffer(1))", new Float32Array(1)],
  ])("%s", (_, isOne, code, own) => {
    expect(isOne(foreign(code))).toBe(true);
    expect(isOne(own)).toBe(true);
    for (const other of [undefined, null, "x", {}, foreign("({})"), foreign("[]")]) {
      expect(isOne(other)).toBe(false);
    }
  });

  test("what only looks like bytes or a date is none", () => {
    expect(isBytes({ length: 1, 0: 1, buffer: new ArrayBuffer(1) })).toBe(false);
    expect(isBytes(new Uint16Array(1))).toBe(false);
    expect(isDate({ getTime: () => 0 })).toBe(false);
  });

  test("an error of the web's", () => {
    expect(isError(new DOMException("x", "AbortError"))).toBe(true);
  });
});

describe("a signal of another library", () => {
  test("is one when it behaves like one", () => {
    expect(isAbortSignal(new OldSignal())).toBe(true);
    expect(isAbortSignal(new AbortController().signal)).toBe(true);
    for (const other of [undefined, null, "x", {}, { aborted: true }, new EventTarget()]) {
      expect(isAbortSignal(other)).toBe(false);
    }
  });

  test("is listened to, and tells a reason even if it has none", () => {
    const signal = new OldSignal();
    const own = signal as unknown as AbortSignal;
    const reasons: unknown[] = [];
    const unlink = onAbort(own, (reason) => reasons.push(reason));
    allowListeners(own, 0);
    throwIfAborted(own);
    signal.abort();
    unlink();
    expect(reasons).toEqual([expect.objectContaining({ name: "AbortError" })]);
    expect(() => {
      throwIfAborted(own);
    }).toThrow(expect.objectContaining({ name: "AbortError" }));
    expect(signal.listeners.size).toBe(0);
  });

  test("keeps the reason that it has", () => {
    expect(reasonOf(AbortSignal.abort(null))).toBe(null);
    expect(reasonOf(AbortSignal.abort("why"))).toBe("why");
  });
});

test("a timer that is a number, as in a browser's window, is let be", () => {
  expect(() => {
    unref(5 as unknown as NodeJS.Timeout);
  }).not.toThrow();
});
