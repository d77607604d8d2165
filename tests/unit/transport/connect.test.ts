import { once } from "node:events";
import { describe, expect, test } from "@jest/globals";
import { AppServerClient } from "../../../lib/client.js";
import type { ConnectOptions } from "../../../lib/options/connect-options.js";
import { rejection } from "../../support/real.js";
import {
  startSocketServer,
  type Accepted,
  type SocketServer,
} from "../../support/socket-server.js";

const MiB = 1024 * 1024;

interface Message {
  readonly id?: number | string;
  readonly method?: string;
  readonly params?: unknown;
  readonly result?: unknown;
  readonly error?: unknown;
}

/** The next message of the client. */
async function received({ peer }: Accepted): Promise<Message> {
  const [data] = (await once(peer, "message")) as [Buffer];
  return JSON.parse(data.toString()) as Message;
}

function send({ peer }: Accepted, message: Message): void {
  peer.send(JSON.stringify(message));
}

/** A client whose server is played by the test, after the handshake. */
async function connected(server: SocketServer, options: ConnectOptions = {}) {
  const connecting = AppServerClient.connect(server.url, { reconnect: false, ...options });
  const accepted = await server.accepted();
  const { id } = await received(accepted);
  const initialized = received(accepted);
  send(accepted, { id: id ?? 0, result: { userAgent: "codex/0.169.0" } });
  expect((await initialized).method).toBe("initialized");
  return { accepted, client: await connecting };
}

describe("a handshake over a socket", () => {
  test("that is cut says so", async () => {
    await using server = await startSocketServer();
    const connecting = rejection(AppServerClient.connect(server.url));
    const accepted = await server.accepted();
    await received(accepted);
    accepted.peer.terminate();
    const error = await connecting;
    expect(error).toMatchObject({ code: "HANDSHAKE_FAILED", stderrTail: "" });
    expect(error.message).toMatch(
      /^The connection failed before the app-server answered \(the server ended the connection, or it was cut.*\). Check that an app-server listens there\.$/,
    );
  });

  test("that is not answered ends in time, and leaves no connection", async () => {
    await using server = await startSocketServer();
    const connecting = rejection(AppServerClient.connect(server.url, { startTimeoutMs: 2_000 }));
    const { peer } = await server.accepted();
    const closed = once(peer, "close");
    expect(await connecting).toMatchObject({ code: "HANDSHAKE_FAILED" });
    await closed;
  });

  test("that is aborted leaves no connection", async () => {
    await using server = await startSocketServer();
    const stop = new AbortController();
    const connecting = AppServerClient.connect(server.url, { signal: stop.signal });
    const outcome = expect(connecting).rejects.toBe("enough");
    const { peer } = await server.accepted();
    const closed = once(peer, "close");
    stop.abort("enough");
    await outcome;
    await closed;
  });
});

describe("the end of a socket", () => {
  test("rejects what waits, with what is known", async () => {
    await using server = await startSocketServer();
    const { client, accepted } = await connected(server);
    const asked = received(accepted);
    const pending = rejection(client.request("config/read", {}));
    await asked;
    accepted.peer.close(1012);
    const error = "the server ended the connection with code 1012, or it was cut";
    await expect(client.closed).resolves.toMatchObject({
      kind: "failed",
      exitCode: null,
      stderrTail: "",
      error: { message: expect.stringContaining(error) as unknown },
    });
    expect((await pending).message).toContain(`The connection to the app-server failed (${error}`);
  });

  test("comes when a server falls silent", async () => {
    await using server = await startSocketServer({ autoPong: false });
    const { client } = await connected(server, { pingIntervalMs: 1_000, pongTimeoutMs: 200 });
    await expect(client.closed).resolves.toMatchObject({
      kind: "failed",
      error: { message: "the server did not answer a ping for 200 ms" },
    });
  });

  test("comes when a message is longer than agreed", async () => {
    await using server = await startSocketServer();
    const { client, accepted } = await connected(server, { maxMessageBytes: 65_536 });
    accepted.peer.send(`"${"x".repeat(65_536)}"`);
    await expect(client.closed).resolves.toMatchObject({
      kind: "failed",
      error: { code: "MESSAGE_TOO_LARGE" },
    });
  });
});

describe("the limit of what a server takes", () => {
  test("holds for requests, and ends no connection", async () => {
    await using server = await startSocketServer();
    const { client, accepted } = await connected(server);
    const dataBase64 = "x".repeat(64 * MiB - 4_096);
    const error = await rejection(client.request("fs/writeFile", { path: "/tmp/x", dataBase64 }));
    expect(error).toMatchObject({ code: "MESSAGE_TOO_LARGE" });
    expect(error.message).toContain("over a socket, a server takes 64 MiB at most.");
    const next = received(accepted);
    void rejection(client.request("config/read", {}));
    expect((await next).method).toBe("config/read");
    await client.close();
  });

  test("holds for answers: the server is told of a failure, and nothing else is lost", async () => {
    const errors: string[] = [];
    const logger = { error: (message: string) => void errors.push(message) };
    const method = "account/chatgptAuthTokens/refresh";
    const tokens = { accessToken: "x".repeat(65_536), chatgptAccountId: "", chatgptPlanType: null };
    const handlers = { [method]: () => tokens };
    await using server = await startSocketServer();
    const options = { maxMessageBytes: 65_536, logger, handlers };
    const { client, accepted } = await connected(server, options);
    const answer = received(accepted);
    send(accepted, { id: 7, method, params: { reason: "unauthorized" } });
    await expect(answer).resolves.toMatchObject({ id: 7, error: { code: -32_603 } });
    expect(errors).toEqual([
      `The answer of the handler of ${method} is too large to send, so the request was refused.`,
    ]);
    const next = received(accepted);
    void rejection(client.request("config/read", {}));
    expect((await next).method).toBe("config/read");
    await client.close();
  });
});

test("a token function that fails is told to onError where no call rejects with it", async () => {
  await using server = await startSocketServer();
  const expired = new Error("expired");
  let isExpired = false;
  const told = new Promise<unknown[]>((resolve) => {
    void (async () => {
      const { accepted } = await connected(server, {
        token: () => (isExpired ? Promise.reject(expired) : "token"),
        reconnect: { minDelayMs: 1, retries: 1 },
        onError: (...all) => {
          resolve(all);
        },
      });
      isExpired = true;
      accepted.peer.terminate();
    })();
  });
  expect(await told).toEqual([
    expired,
    { where: "token", method: undefined, threadId: undefined, turnId: undefined },
  ]);
  const onError = () => {
    throw new Error("the call rejects with it");
  };
  const token = () => Promise.reject(expired);
  await expect(AppServerClient.connect(server.url, { token, onError })).rejects.toBe(expired);
});
