import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import { PassThrough, Writable } from "node:stream";
import { safeLogger } from "../../../lib/async/logger.js";
import { Deferred } from "../../../lib/async/deferred.js";
import { Connection } from "../../../lib/jsonrpc/connection.js";
import type { TransportEnd } from "../../../lib/transport/transport.js";

/** A server whose input is broken, and that ends when the test says so. */
function brokenServer() {
  const ended = new Deferred<TransportEnd>();
  const input = new PassThrough();
  const output = new Writable({
    write: (_chunk, _encoding, done) => {
      done(new Error("EPIPE"));
    },
  });
  output.on("error", () => undefined);
  const close = jest.fn(() => {
    input.end();
    ended.resolve({ exitCode: null, signal: "SIGTERM" });
    return Promise.resolve();
  });
  const connection = new Connection(
    { input, output, ended: ended.promise, stderrTail: () => "", close },
    {
      maxInFlight: 64,
      maxMessageBytes: 65_536,
      requestTimeoutMs: Infinity,
      logger: safeLogger(undefined),
      onNotification: () => undefined,
      onRequest: () => Promise.resolve(undefined),
    },
  );
  const lost = connection.request("config/read", {}).catch((error: unknown) => error);
  return { connection, input, ended, close, lost };
}

const turnOfTheLoop = () => new Promise(setImmediate);

beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ["setImmediate", "nextTick", "queueMicrotask"] });
});

afterEach(() => {
  jest.useRealTimers();
});

test("a process that has ended counts as exited, however long reading its last output takes", async () => {
  const { connection, input, ended, close, lost } = brokenServer();
  await turnOfTheLoop();
  ended.resolve({ exitCode: 3, signal: null });
  await turnOfTheLoop();
  await jest.advanceTimersByTimeAsync(60_000);
  input.end();
  expect(await connection.closed).toMatchObject({ kind: "exited", exitCode: 3 });
  expect(await lost).toMatchObject({ code: "TRANSPORT_CLOSED", exitCode: 3 });
  expect(close).not.toHaveBeenCalled();
});

test("an exit that is learnt of only after a held up event loop counts, too", async () => {
  const { connection, input, ended, close } = brokenServer();
  await turnOfTheLoop();
  // All timers are due before the event loop comes to reading what has happened meanwhile.
  jest.advanceTimersByTime(1_000);
  await Promise.resolve();
  ended.resolve({ exitCode: 3, signal: null });
  await turnOfTheLoop();
  await turnOfTheLoop();
  input.end();
  expect(await connection.closed).toMatchObject({ kind: "exited", exitCode: 3 });
  expect(close).not.toHaveBeenCalled();
});

test("a process that nothing reaches any more, and that does not end, is ended", async () => {
  const { connection, close } = brokenServer();
  await turnOfTheLoop();
  await jest.advanceTimersByTimeAsync(1_000);
  await turnOfTheLoop();
  await jest.advanceTimersByTimeAsync(1_000);
  expect(await connection.closed).toMatchObject({ kind: "failed", error: { message: "EPIPE" } });
  expect(close).toHaveBeenCalledTimes(1);
});

describe("while a connection that broke is being ended", () => {
  /** Its output is over, and the process does not end until the test says so. */
  function brokenOff() {
    const server = brokenServer();
    const { input, close } = server;
    close.mockImplementation(async () => {
      await server.ended.promise;
    });
    input.end();
    return server;
  }

  test("calls heed their signals", async () => {
    const { connection, ended, lost } = brokenOff();
    await turnOfTheLoop();
    await jest.advanceTimersByTimeAsync(1_000);
    const stop = new AbortController();
    const calls = [
      connection.request("config/read", {}, { signal: stop.signal }),
      connection.notify("initialized", {}, { signal: stop.signal }),
    ].map((call) => call.catch((error: unknown) => error));
    stop.abort("enough");
    expect(await Promise.all(calls)).toEqual(["enough", "enough"]);
    ended.resolve({ exitCode: 3, signal: null });
    await lost;
  });

  test("and their deadlines", async () => {
    const { connection, ended, lost } = brokenOff();
    await turnOfTheLoop();
    await jest.advanceTimersByTimeAsync(1_000);
    const calls = [
      connection.request("config/read", {}, { timeoutMs: 50 }),
      connection.notify("initialized", {}, { timeoutMs: 50 }),
    ].map((call) => call.catch((error: unknown) => error));
    await jest.advanceTimersByTimeAsync(50);
    const timeout = { code: "REQUEST_TIMEOUT", timeoutMs: 50 };
    expect(await Promise.all(calls)).toMatchObject([timeout, timeout]);
    ended.resolve({ exitCode: 3, signal: null });
    await lost;
  });

  test("and whoever has time is told how it ended", async () => {
    const { connection, ended, lost } = brokenOff();
    await turnOfTheLoop();
    await jest.advanceTimersByTimeAsync(1_000);
    const calls = [connection.request("config/read", {}), connection.notify("initialized")].map(
      (call) => call.catch((error: unknown) => error),
    );
    ended.resolve({ exitCode: 3, signal: null });
    for (const error of [...(await Promise.all(calls)), await lost]) {
      expect(error).toMatchObject({ code: "TRANSPORT_CLOSED", exitCode: 3 });
    }
  });

  test("but nobody waits once we close it", async () => {
    const { connection, ended, lost } = brokenOff();
    await turnOfTheLoop();
    const closing = connection.close();
    for (const call of [connection.request("config/read", {}), connection.notify("initialized")]) {
      await expect(call).rejects.toMatchObject({ reason: { kind: "closed" } });
    }
    ended.resolve({ exitCode: 0, signal: null });
    await closing;
    await lost;
  });
});
