import { describe, expect, test } from "@jest/globals";
import { getEventListeners } from "node:events";
import { TransportClosedError } from "../../lib/errors/connection-errors.js";
import {
  InternalRpcError,
  RetryLimitExceededError,
  ServerBusyError,
} from "../../lib/errors/rpc-errors.js";
import { isRetryableError } from "../../lib/jsonrpc/retry.js";
import { type Script, startScripted, type Step } from "../support/scripted-server.js";
import { errorOf } from "./error-of.js";

const overloaded: Step = {
  refuse: { code: -32_001, message: "Server overloaded; retry later." },
};
const quick = { minTimeoutMs: 1, maxTimeoutMs: 2 };
/** Longer than any test. */
const slow = { minTimeoutMs: 600_000, maxTimeoutMs: 600_000 };

function busyTimes(times: number): Script {
  const busy = Array.from({ length: times }, () => [overloaded]);
  return { on: { "config/read": [...busy, [{ respond: { at: "last" } }]] } };
}

describe("a server that is too busy", () => {
  test("is an error at once, unless retries are asked for", async () => {
    await using running = await startScripted(busyTimes(1));
    const { client, server } = running;
    const error = await errorOf(client.request("config/read", {}));
    expect(error).toBeInstanceOf(ServerBusyError);
    expect(error).not.toBeInstanceOf(RetryLimitExceededError);
    expect(error).toMatchObject({
      code: "SERVER_BUSY",
      rpcCode: -32_001,
      method: "config/read",
      serverMessage: "Server overloaded; retry later.",
    });
    expect(isRetryableError(error)).toBe(true);
    expect(await server.received("config/read")).toHaveLength(1);
  });

  test("is asked again, as a new request with the same params", async () => {
    const retried: [string, number][] = [];
    const onRetry = (error: ServerBusyError, attempt: number) => {
      retried.push([error.code, attempt]);
    };
    await using running = await startScripted(busyTimes(3), {
      retryOnOverload: { ...quick, onRetry },
    });
    const { client, server } = running;
    expect(await client.request("config/read", { cwd: "/repo" })).toEqual({ at: "last" });

    const sent = await server.received("config/read");
    expect(sent.map(({ params }) => params)).toEqual(Array(4).fill({ cwd: "/repo" }));
    expect(new Set(sent.map(({ id }) => id)).size).toBe(4);
    expect(retried).toEqual([
      ["SERVER_BUSY", 1],
      ["SERVER_BUSY", 2],
      ["SERVER_BUSY", 3],
    ]);
  });

  test("is asked again with the defaults, too", async () => {
    await using running = await startScripted(busyTimes(1), { retryOnOverload: true });
    expect(await running.client.request("config/read", {})).toEqual({ at: "last" });
  });

  test.each([0, 2])("is given up after %d retries, with the attempts made", async (retries) => {
    await using running = await startScripted(busyTimes(10), {
      retryOnOverload: { ...quick, retries },
    });
    const { client, server } = running;
    const error = await errorOf(client.request("config/read", {}));
    expect(error).toBeInstanceOf(RetryLimitExceededError);
    expect(error).toBeInstanceOf(ServerBusyError);
    expect(error).toMatchObject({
      code: "RETRY_LIMIT_EXCEEDED",
      attempts: retries + 1,
      rpcCode: -32_001,
      method: "config/read",
    });
    expect(error.cause).toBeInstanceOf(ServerBusyError);
    expect(isRetryableError(error)).toBe(false);
    expect(await server.received("config/read")).toHaveLength(retries + 1);
  });

  test("keeps no place in flight while it is left alone", async () => {
    await using running = await startScripted(
      {
        on: {
          "config/read": [[overloaded], [{ waitFor: "account/read" }, { respond: { at: "last" } }]],
          "account/read": [{ respond: {} }],
        },
      },
      { retryOnOverload: quick, maxInFlight: 1 },
    );
    const { client } = running;
    const busy = client.request("config/read", {});
    await client.request("account/read", {});
    expect(await busy).toEqual({ at: "last" });
  });
});

describe("what is not asked again", () => {
  test.each<[string, Step[], unknown]>([
    ["any other refusal", [{ refuse: { code: -32_603, message: "no" } }], InternalRpcError],
    ["a request that gets no answer", [], Error],
    ["a request whose process ends", [{ exit: 1 }], TransportClosedError],
  ])("%s", async (_, steps, kind) => {
    await using running = await startScripted(
      { on: { "config/read": [steps, [{ respond: {} }]] } },
      { retryOnOverload: quick },
    );
    const { client, server } = running;
    const error = await errorOf(client.request("config/read", {}, { timeoutMs: 2_000 }));
    expect(error).toBeInstanceOf(kind);
    expect(isRetryableError(error)).toBe(false);
    expect(await server.received("config/read")).toHaveLength(1);
  });
});

describe("the pause before the next attempt", () => {
  test("is over when the caller aborts", async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const onRetry = () => {
      setImmediate(() => {
        controller.abort("enough");
      });
    };
    await using running = await startScripted(busyTimes(5), {
      retryOnOverload: { ...slow, onRetry },
    });
    const { client, server } = running;
    await expect(client.request("config/read", {}, { signal })).rejects.toBe("enough");
    expect(getEventListeners(signal, "abort")).toEqual([]);
    expect(await server.received("config/read")).toHaveLength(1);
  });

  test("is over when the client is closed", async () => {
    const paused: (() => void)[] = [];
    const bothPaused = new Promise<void>((resolve) => {
      paused.push(() => undefined, resolve);
    });
    await using running = await startScripted(busyTimes(5), {
      retryOnOverload: { ...slow, onRetry: () => paused.shift()?.() },
    });
    const { client } = running;
    const pending = [client.request("config/read", {}), client.request("config/read", {})];
    const errors = Promise.all(pending.map(errorOf));
    await bothPaused;
    await client.close();
    const [first, second] = await errors;
    expect(first).toBeInstanceOf(TransportClosedError);
    expect(first).toMatchObject({ method: "config/read", exitCode: 0 });
    expect(second).toBeInstanceOf(TransportClosedError);
    expect(second).not.toBe(first);
    expect(getEventListeners(client.signal, "abort")).toEqual([]);
  });

  test("is over when the process ends", async () => {
    const crash: Step[] = [overloaded, { waitFor: "initialized", count: 2 }, { exit: 8 }];
    await using running = await startScripted(
      { on: { "config/read": crash } },
      { retryOnOverload: { ...slow, onRetry: () => void running.client.notify("initialized") } },
    );
    const error = await errorOf(running.client.request("config/read", {}));
    expect(error).toBeInstanceOf(TransportClosedError);
    expect(error).toMatchObject({ method: "config/read", exitCode: 8 });
  });
});
