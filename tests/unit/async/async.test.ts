import { afterEach, describe, expect, jest, test } from "@jest/globals";
import { getEventListeners, getMaxListeners, setMaxListeners } from "node:events";
import { onAbort } from "../../../lib/async/abort.js";
import { Deferred, ignoreRejection } from "../../../lib/async/deferred.js";
import { Fifo } from "../../../lib/async/fifo.js";
import { settleWithin } from "../../../lib/async/timers.js";
import { rejection, settled } from "../../support/collect.js";

afterEach(() => {
  jest.restoreAllMocks();
});

describe("Fifo", () => {
  test("gives back what was put in, in order, however the two alternate", () => {
    const fifo = new Fifo<number>();
    let put = 0;
    let got = 0;
    for (const [pushes, shifts] of [
      [3, 1],
      [5_000, 4_000],
      [10, 1_012],
      [2, 1],
      [0, 1],
      [1, 1],
    ] as const) {
      for (let count = 0; count < pushes; count += 1) fifo.push((put += 1));
      for (let count = 0; count < shifts; count += 1) expect(fifo.shift()).toBe((got += 1));
      expect(fifo.size).toBe(put - got);
    }
    expect(fifo.size).toBe(0);
    expect(fifo.shift()).toBeUndefined();
  });

  test("may hold undefined", () => {
    const fifo = new Fifo<undefined>();
    fifo.push(undefined);
    expect(fifo.size).toBe(1);
    fifo.shift();
    expect(fifo.size).toBe(0);
  });

  test("is empty after clear(), and of use", () => {
    const fifo = new Fifo<string>();
    for (const item of ["a", "b"]) fifo.push(item);
    fifo.shift();
    fifo.clear();
    expect(fifo.size).toBe(0);
    fifo.push("c");
    expect(fifo.shift()).toBe("c");
  });
});

describe("onAbort", () => {
  test("calls the listener with the reason, once", () => {
    const abort = new AbortController();
    const heard: unknown[] = [];
    onAbort(abort.signal, (reason) => heard.push(reason));
    abort.abort("stop");
    abort.abort("again");
    expect(heard).toEqual(["stop"]);
    expect(getEventListeners(abort.signal, "abort")).toHaveLength(0);
  });

  test("calls it soon, but never before it has returned, when the signal has aborted", async () => {
    const heard: unknown[] = [];
    const unlink = onAbort(AbortSignal.abort(null), (reason) => {
      unlink();
      heard.push(reason);
    });
    expect(heard).toEqual([]);
    await Promise.resolve();
    expect(heard).toEqual([null]);
  });

  test("does not call it any more once it is unlinked, also when the signal has aborted", async () => {
    const heard: unknown[] = [];
    onAbort(AbortSignal.abort(null), (reason) => heard.push(reason))();
    await settled();
    expect(heard).toEqual([]);
  });

  test("unlinks at the end of a block that uses it", () => {
    const abort = new AbortController();
    {
      using _link = onAbort(abort.signal, () => undefined);
      expect(getEventListeners(abort.signal, "abort")).toHaveLength(1);
    }
    expect(getEventListeners(abort.signal, "abort")).toHaveLength(0);
  });

  test("unlinks, however often it is told to", () => {
    const abort = new AbortController();
    const heard: unknown[] = [];
    const unlink = onAbort(abort.signal, (reason) => heard.push(reason));
    expect(getEventListeners(abort.signal, "abort")).toHaveLength(1);
    unlink();
    unlink();
    expect(getEventListeners(abort.signal, "abort")).toHaveLength(0);
    abort.abort();
    expect(heard).toEqual([]);
  });

  test("takes no signal for one that never aborts", () => {
    const heard: unknown[] = [];
    onAbort(undefined, (reason) => heard.push(reason))();
    expect(heard).toEqual([]);
  });

  test("many calls may share a signal before Node suspects a leak", () => {
    const { signal } = new AbortController();
    onAbort(signal, () => undefined)();
    // From Node 22 on, a signal has no limit from the start, which is said as 0.
    const hasNoLimit = getMaxListeners(new AbortController().signal) === 0;
    expect(getMaxListeners(signal)).toBe(hasNoLimit ? 0 : 1_500);
  });

  test("a limit that the caller has set is left alone", () => {
    const { signal } = new AbortController();
    setMaxListeners(3, signal);
    onAbort(signal, () => undefined)();
    expect(getMaxListeners(signal)).toBe(3);
  });
});

describe("settleWithin", () => {
  test("gives what the promise gives, and clears its timer", async () => {
    const cleared = jest.spyOn(globalThis, "clearTimeout");
    expect(await settleWithin(Promise.resolve("done"), 60_000)).toBe("done");
    const failing = settleWithin(Promise.reject(new Error("no")), 60_000);
    expect(await rejection(failing)).toMatchObject({ message: "no" });
    expect(cleared).toHaveBeenCalledTimes(2);
  });

  test("gives up after the time", async () => {
    expect(await settleWithin(new Promise(() => undefined), 1)).toBe("timeout");
  });
});

describe("Deferred", () => {
  test("is settled from outside", async () => {
    const [good, bad] = [new Deferred<string>(), new Deferred<string>()];
    good.resolve("done");
    bad.reject("no");
    expect(await good.promise).toBe("done");
    expect(await rejection(bad.promise)).toBe("no");
  });

  // jest fails a test on an unhandled rejection.
  test("may be rejected unheard when that is said, and still rejects whoever waits", async () => {
    const deferred = new Deferred<string>();
    expect(ignoreRejection(deferred.promise)).toBe(deferred.promise);
    deferred.reject("no");
    await settled();
    expect(await rejection(deferred.promise)).toBe("no");
  });
});
