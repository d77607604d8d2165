import { describe, expect, test } from "@jest/globals";
import { type Script, startScripted } from "../support/scripted-server.js";
import { errorOf } from "./error-of.js";

/** Leaves `config/read` unanswered, and answers all else. */
const silent: Script = { on: { "config/read": [], "*": [{ respond: {} }] } };

const carriesOut = "the server may still carry it out";

describe("a request that is not answered in time", () => {
  test("was sent, and may be carried out", async () => {
    await using running = await startScripted(silent);
    const error = await errorOf(running.client.request("config/read", {}, { timeoutMs: 50 }));
    expect(error).toMatchObject({ code: "REQUEST_TIMEOUT", sent: true });
    expect(error.message).toContain(carriesOut);
  });

  test("was not sent when it still waited for a place in flight, and will not be carried out", async () => {
    await using running = await startScripted(silent, { maxInFlight: 1 });
    const { client, server } = running;
    const first = errorOf(client.request("config/read", {}, { timeoutMs: 1_000 }));
    const error = await errorOf(client.request("model/list", {}, { timeoutMs: 50 }));
    expect(error).toMatchObject({ code: "REQUEST_TIMEOUT", method: "model/list", sent: false });
    expect(error.message).toBe(
      "model/list was not sent within 50 ms, since as many requests as maxInFlight allows were " +
        "waiting for their answers. The server will not carry it out.",
    );
    expect(await first).toMatchObject({ sent: true });
    await client.request("account/read", {});
    expect(await server.received("model/list")).toEqual([]);
  });

  test("says so however it came to wait: many with one deadline", async () => {
    await using running = await startScripted(silent, { maxInFlight: 2, requestTimeoutMs: 300 });
    const { client, server } = running;
    await client.request("account/read", {});
    const errors = await Promise.all(
      Array.from({ length: 20 }, () => errorOf(client.request("config/read", {}))),
    );
    await client.request("account/read", {});
    const received = await server.received("config/read");
    const sent = errors.filter((error) => (error as { sent?: boolean }).sent);
    expect(received).toHaveLength(sent.length);
    expect(sent.length).toBeGreaterThanOrEqual(2);
    for (const error of errors) {
      expect(error.message.includes(carriesOut)).toBe((error as { sent?: boolean }).sent);
    }
  });
});

describe("a connection that ends", () => {
  test("tells those that were sent from those that waited, and from what comes later", async () => {
    await using running = await startScripted(
      { on: { "config/read": [{ waitFor: "initialized", count: 2 }, { exit: 3 }] } },
      { maxInFlight: 1 },
    );
    const { client } = running;
    const pending = errorOf(client.request("config/read", {}));
    const waiting = errorOf(client.request("model/list", {}));
    await client.notify("initialized");
    const ended = { code: "TRANSPORT_CLOSED", exitCode: 3 };
    expect(await pending).toMatchObject({ ...ended, method: "config/read", sent: true });
    expect(await waiting).toMatchObject({ ...ended, method: "model/list", sent: false });
    expect((await waiting).message).toContain("model/list was not sent");
    const later = await errorOf(client.request("account/read", {}));
    expect(later).toMatchObject({ ...ended, method: "account/read", sent: false });
    expect(await errorOf(client.notify("initialized"))).toMatchObject({ ...ended, sent: false });
  });

  test("by close() says the same", async () => {
    await using running = await startScripted(silent, { maxInFlight: 1 });
    const { client } = running;
    const pending = errorOf(client.request("config/read", {}));
    const waiting = errorOf(client.request("model/list", {}));
    const closing = client.close();
    const meanwhile = errorOf(client.request("account/read", {}));
    await closing;
    expect(await pending).toMatchObject({ code: "TRANSPORT_CLOSED", sent: true });
    expect(await waiting).toMatchObject({ code: "TRANSPORT_CLOSED", sent: false });
    expect(await meanwhile).toMatchObject({ code: "TRANSPORT_CLOSED", sent: false });
  });
});

test("in a pause between two attempts, nothing of the request is with the server", async () => {
  const busy = { refuse: { code: -32_001, message: "Server overloaded; retry later." } };
  const slow = { minTimeoutMs: 600_000, maxTimeoutMs: 600_000 };
  let paused = (): void => undefined;
  const pause = new Promise<void>((resolve) => (paused = resolve));
  await using running = await startScripted(
    { on: { "config/read": [busy] } },
    { retryOnOverload: { ...slow, onRetry: paused } },
  );
  const { client } = running;
  const error = errorOf(client.request("config/read", {}));
  await pause;
  await client.close();
  expect(await error).toMatchObject({ code: "TRANSPORT_CLOSED", sent: false });
});

test("what was refused by the server was sent; what was refused here was not", async () => {
  await using running = await startScripted(
    { on: { "config/read": [{ refuse: { code: -32_600, message: "no" } }] } },
    { maxMessageBytes: 65_536 },
  );
  const { client } = running;
  expect(await errorOf(client.request("config/read", {}))).toMatchObject({
    code: "INVALID_REQUEST",
    sent: true,
  });
  const refused: [unknown, object][] = [
    [{ cwd: "x".repeat(70_000) }, { code: "MESSAGE_TOO_LARGE", sent: false }],
    [{ cwd: "\ud83d" }, { code: "INVALID_ARGUMENT", argument: "cwd", sent: false }],
    [{ cwd: 1n }, { code: "INVALID_ARGUMENT", sent: false }],
  ];
  for (const [params, error] of refused) {
    expect(await errorOf(client.request("config/read", params as object))).toMatchObject(error);
    expect(await errorOf(client.notify("initialized", params as object))).toMatchObject(error);
  }
});
