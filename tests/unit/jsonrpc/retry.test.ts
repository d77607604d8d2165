import { afterEach, describe, expect, jest, test } from "@jest/globals";
import { getEventListeners } from "node:events";
import { InvalidArgumentError } from "../../../lib/errors/invalid-argument-error.js";
import {
  InternalRpcError,
  RetryLimitExceededError,
  ServerBusyError,
} from "../../../lib/errors/rpc-errors.js";
import {
  isRetryableError,
  retryOnOverload,
  type RetryOptions,
} from "../../../lib/jsonrpc/retry.js";
import { rejection } from "../../support/collect.js";

const refusal = {
  method: "turn/start",
  rpcCode: -32_001,
  message: "Server overloaded; retry later.",
  data: undefined,
};
const tiny = { minTimeoutMs: 1, maxTimeoutMs: 4, jitter: false };

afterEach(() => {
  jest.restoreAllMocks();
});

/** An operation that is refused as busy so many times, and then gives its attempt's number. */
function busy(times: number) {
  return jest.fn((attempt: number) =>
    attempt <= times ? Promise.reject(new ServerBusyError(refusal)) : Promise.resolve(attempt),
  );
}

/** The waits that an always busy operation leads to, without waiting. */
async function waits(options: RetryOptions, random = 0): Promise<number[]> {
  jest.spyOn(Math, "random").mockReturnValue(random);
  const set = jest.spyOn(globalThis, "setTimeout").mockImplementation((callback) => {
    queueMicrotask(callback);
    return 0 as never;
  });
  await rejection(retryOnOverload(busy(Infinity), options));
  return set.mock.calls.map(([, ms]) => ms ?? 0);
}

test("an operation that succeeds is called once", async () => {
  const operation = busy(0);
  expect(await retryOnOverload(operation)).toBe(1);
  expect(operation.mock.calls).toEqual([[1]]);
});

test("a busy server is asked again, with the number of the attempt", async () => {
  const operation = busy(3);
  expect(await retryOnOverload(operation, tiny)).toBe(4);
  expect(operation.mock.calls).toEqual([[1], [2], [3], [4]]);
});

test("after the last attempt the error tells how many there were", async () => {
  const operation = busy(Infinity);
  const error = await rejection(retryOnOverload(operation, { ...tiny, retries: 2 }));
  expect(error).toBeInstanceOf(RetryLimitExceededError);
  expect(error).toBeInstanceOf(ServerBusyError);
  expect(error).toMatchObject({ attempts: 3, code: "RETRY_LIMIT_EXCEEDED", method: "turn/start" });
  expect(operation).toHaveBeenCalledTimes(3);
});

test("no retries means one attempt, and five is the default", async () => {
  const once = busy(Infinity);
  expect(await rejection(retryOnOverload(once, { retries: 0 }))).toMatchObject({ attempts: 1 });
  expect(once).toHaveBeenCalledTimes(1);
  const error = await rejection(retryOnOverload(busy(Infinity), tiny));
  expect(error).toMatchObject({ attempts: 6 });
});

describe("the waits", () => {
  test("double from 100 ms by default, and are stretched by up to a factor of two", async () => {
    expect(await waits({})).toEqual([100, 200, 400, 800, 1_600]);
    jest.restoreAllMocks();
    const longest = await waits({}, 0.999_999);
    expect(longest).toEqual([200, 400, 800, 1_600, 3_200]);
  });

  test("grow by the factor, up to the longest", async () => {
    const options = { retries: 4, minTimeoutMs: 10, factor: 3, maxTimeoutMs: 100 };
    expect(await waits({ ...options, jitter: false }, 0.5)).toEqual([10, 30, 90, 100]);
    jest.restoreAllMocks();
    expect(await waits({ ...options, jitter: true }, 0.5)).toEqual([15, 45, 100, 100]);
  });
});

test("onRetry is told the refusal and the attempt before each wait, not after the last", async () => {
  const onRetry = jest.fn();
  await rejection(retryOnOverload(busy(Infinity), { ...tiny, retries: 2, onRetry }));
  expect(onRetry.mock.calls).toEqual([
    [expect.any(ServerBusyError), 1],
    [expect.any(ServerBusyError), 2],
  ]);
});

test("an error of onRetry ends it, and is the caller's own", async () => {
  const own = new Error("my bug");
  const onRetry = () => {
    throw own;
  };
  const rejecting = () => Promise.reject(own) as never;
  for (const failing of [onRetry, rejecting]) {
    const operation = busy(Infinity);
    expect(await rejection(retryOnOverload(operation, { ...tiny, onRetry: failing }))).toBe(own);
    expect(operation).toHaveBeenCalledTimes(1);
  }
});

test.each<[string, unknown]>([
  ["another refusal", new InternalRpcError({ ...refusal, rpcCode: -32_603 })],
  [
    "a limit that was exceeded already",
    new RetryLimitExceededError(new ServerBusyError(refusal), 6),
  ],
  ["a TypeError", new TypeError("fetch failed")],
  ["a DOM AbortError", new DOMException("aborted", "AbortError")],
  ["a string", "no"],
  ["undefined", undefined],
  ["null", null],
])("%s is thrown at once, and as it is", async (_name, reason) => {
  const operation = jest.fn(() => {
    throw reason;
  });
  expect(await rejection(retryOnOverload(operation, tiny))).toBe(reason);
  expect(operation).toHaveBeenCalledTimes(1);
});

describe("a signal", () => {
  test.each<[unknown]>([[new Error("stop")], ["stop"], [null], [{ stop: true }]])(
    "that has aborted keeps the operation from being called: %j",
    async (reason) => {
      const operation = busy(0);
      const signal = AbortSignal.abort(reason);
      expect(await rejection(retryOnOverload(operation, { signal }))).toBe(reason);
      expect(operation).not.toHaveBeenCalled();
    },
  );

  test.each<[unknown]>([[new Error("stop")], ["stop"], [null], [{ stop: true }]])(
    "ends the wait: %j",
    async (reason) => {
      const abort = new AbortController();
      const options = { minTimeoutMs: 3_600_000, maxTimeoutMs: 3_600_000, signal: abort.signal };
      const operation = busy(Infinity);
      const onRetry = () => {
        setImmediate(() => {
          abort.abort(reason);
        });
      };
      expect(await rejection(retryOnOverload(operation, { ...options, onRetry }))).toBe(reason);
      expect(operation).toHaveBeenCalledTimes(1);
      expect(getEventListeners(abort.signal, "abort")).toHaveLength(0);
    },
  );

  test("that aborts during the operation does not take its result away", async () => {
    const abort = new AbortController();
    const operation = () => {
      abort.abort(new Error("too late"));
      return "done";
    };
    expect(await retryOnOverload(operation, { signal: abort.signal })).toBe("done");
  });

  test("leaves no listener when nothing happens to it", async () => {
    const { signal } = new AbortController();
    await retryOnOverload(busy(2), { ...tiny, signal });
    await rejection(retryOnOverload(busy(Infinity), { ...tiny, signal }));
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
  });
});

test.each<[object, string, string]>([
  [{ retries: -1 }, "retries", "must be a whole number, 0 or more"],
  [{ retries: 1.5 }, "retries", "must be a whole number, 0 or more"],
  [{ retries: Infinity }, "retries", "must be a whole number, 0 or more"],
  [{ minTimeoutMs: -1 }, "minTimeoutMs", "must be a number, 0 or more"],
  [{ minTimeoutMs: NaN }, "minTimeoutMs", "must be a number, 0 or more"],
  [{ maxTimeoutMs: Infinity }, "maxTimeoutMs", "must be a number, 0 or more"],
  [{ factor: -2 }, "factor", "must be a number, 0 or more"],
  [{ minTimeoutMs: 6_000 }, "maxTimeoutMs", "must not be less than minTimeoutMs"],
])("%j is refused by name", async (options, argument, problem) => {
  const operation = busy(0);
  const error = await rejection(retryOnOverload(operation, options));
  expect(error).toBeInstanceOf(InvalidArgumentError);
  expect(error).toMatchObject({ argument, message: `${argument} ${problem}` });
  expect(operation).not.toHaveBeenCalled();
});

test("only a refusal for overload is worth repeating", () => {
  const error = new ServerBusyError(refusal);
  expect(isRetryableError(error)).toBe(true);
  expect(isRetryableError(new RetryLimitExceededError(error, 6))).toBe(false);
  expect(isRetryableError(new InternalRpcError(refusal))).toBe(false);
  expect(isRetryableError(new Error("Server overloaded; retry later."))).toBe(false);
  expect(isRetryableError(undefined)).toBe(false);
});

test("a signal of another library, that only tells when it aborts, stops the pauses too", async () => {
  const listeners = new Set<() => void>();
  const signal = {
    aborted: false,
    addEventListener: (_: string, listener: () => void) => listeners.add(listener),
    removeEventListener: (_: string, listener: () => void) => listeners.delete(listener),
  };
  const onRetry = () => {
    signal.aborted = true;
    for (const listener of listeners) listener();
  };
  const options = { minTimeoutMs: 600_000, maxTimeoutMs: 600_000, onRetry };
  const error = await rejection(
    retryOnOverload(busy(Infinity), { ...options, signal: signal as unknown as AbortSignal }),
  );
  expect(error).toMatchObject({ name: "AbortError" });
  expect(listeners.size).toBe(0);
});
