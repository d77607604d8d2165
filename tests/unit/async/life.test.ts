import { getEventListeners } from "node:events";
import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import { Life } from "../../../lib/async/life.js";
import { settled } from "../../support/collect.js";

beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ["nextTick", "setImmediate", "queueMicrotask"] });
});

afterEach(() => {
  jest.useRealTimers();
});

function begun() {
  const done: string[] = [];
  const life = new Life();
  void life.ended.then(() => done.push("told"));
  life.onOver(() => {
    done.push("one");
  });
  life.onOver(() => {
    done.push("two");
  });
  return { life, done };
}

const expired = (timeoutMs: number): Error => new Error(`${timeoutMs} ms`);
const reason = new Error("enough");

describe("a life", () => {
  test("gives everything back once, and tells once, whatever ends it first", async () => {
    const { life, done } = begun();
    life.reach("sent");
    expect(life.phase).toBe("sent");
    expect(life.end(() => reason)).toBe(true);
    expect([life.end(), life.tell()]).toEqual([false, false]);
    await settled();
    expect(done).toEqual(["one", "two", "told"]);
    expect(life.failure?.()).toBe(reason);
    life.reach("running");
    expect(life.phase).toBe("over");
    await Promise.all([life.ended, life.over]);
    life.onOver(() => {
      done.push("late");
    });
    expect(done.at(-1)).toBe("late");
  });

  test("may tell before it is over, and is ending until then", async () => {
    const { life, done } = begun();
    expect(life.tell(() => reason)).toBe(true);
    expect([life.phase, life.hasEnded(), life.isOver()]).toEqual(["ending", true, false]);
    await settled();
    expect(life.end()).toBe(false);
    expect(done).toEqual(["told", "one", "two"]);
    expect(life.failure?.()).toBe(reason);
  });

  test.each(["signal", "time limit"])("that a %s cuts short ends with that", async (what) => {
    const { life } = begun();
    const abort = new AbortController();
    const stop = jest.fn();
    life.limit({ signal: abort.signal, timeoutMs: 50 }, stop, expired);
    if (what === "signal") abort.abort(reason);
    jest.advanceTimersByTime(50);
    await settled();
    expect(stop).toHaveBeenCalledTimes(1);
    life.end(() => new Error("how it really ended"));
    expect(life.failure?.()).toEqual(what === "signal" ? reason : new Error("50 ms"));
  });

  test("stops at once for a signal that is aborted already", () => {
    const { life } = begun();
    const stop = jest.fn();
    life.limit({ signal: AbortSignal.abort(reason) }, stop, expired);
    expect(stop).toHaveBeenCalledTimes(1);
  });

  test.each(["told", "over"])("leaves no listener and no timer when it is %s", (end) => {
    const { life } = begun();
    const { signal } = new AbortController();
    life.limit({ signal, timeoutMs: 50 }, () => undefined, expired);
    expect(getEventListeners(signal, "abort")).toHaveLength(1);
    if (end === "told") life.tell();
    else life.end();
    expect(getEventListeners(signal, "abort")).toEqual([]);
    expect(jest.getTimerCount()).toBe(0);
  });
});
