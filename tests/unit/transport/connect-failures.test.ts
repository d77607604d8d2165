import { getEventListeners, once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { createServer as createHttpsServer } from "node:https";
import { createServer, type AddressInfo, type Socket } from "node:net";
import path from "node:path";
import { describe, expect, test } from "@jest/globals";
import { WebSocketServer } from "ws";
import { ConnectError } from "../../../lib/errors/connect-errors.js";
import type { SocketSettings } from "../../../lib/transport/socket-options.js";
import { openSocketTransport } from "../../../lib/transport/socket-transport.js";
import { rejection } from "../../support/real.js";
import { startHttpServer, startSocketServer } from "../../support/socket-server.js";
import { makeTempDir } from "../../support/temp-dir.js";

const token = "the-very-secret-token";

async function failure(url: string, options: SocketSettings = {}): Promise<ConnectError> {
  const error = await rejection(openSocketTransport(url, options));
  if (!(error instanceof ConnectError)) throw error;
  return error;
}

describe("an answer that is no upgrade", () => {
  const answers: [number, string, boolean, string][] = [
    [401, "missing websocket bearer token", false, "does not accept this token"],
    [403, "", false, "Origin header"],
    [400, "Connection header did not include 'upgrade'", false, "may not be a codex app-server"],
    [404, "not found", true, "may not be a codex app-server"],
    [302, "", false, "Redirects are not followed"],
    [429, "slow down", true, "may not be a codex app-server"],
    [503, "draining", true, "is not ready"],
  ];

  test.each(answers)("HTTP %i is explained", async (status, body, retryable, advice) => {
    await using server = await startHttpServer((_request, response) => {
      response.writeHead(status, { Location: "ws://127.0.0.1:1/" }).end(`${body}\n`);
    });
    const error = await failure(server.url, { token });
    expect(error).toMatchObject({ code: "CONNECT_FAILED", statusCode: status, retryable });
    expect(error.message).toContain(`${server.url}/`);
    expect(error.message).toContain(`HTTP ${status}${body === "" ? "" : ` (${body})`}. `);
    expect(error.message).toContain(advice);
  });

  test("401 without a token says that one is wanted", async () => {
    await using server = await startHttpServer((_request, response) => {
      response.writeHead(401).end();
    });
    const { message } = await failure(server.url);
    expect(message).toContain("The server wants a bearer token: set token.");
  });

  test("the token is not repeated, even when the answer does", async () => {
    await using server = await startHttpServer((request, response) => {
      response.writeHead(401).end(`no good: ${request.headers.authorization ?? ""}`);
    });
    const { message } = await failure(server.url, { token });
    expect(message).toContain("(no good: Bearer …)");
  });

  test.each([
    ["a page", "<html>oops</html>"],
    ["a long text", "x".repeat(100_000)],
    ["bytes", "\u0000\u0001\u001b[31m"],
  ])("%s is not quoted", async (_what, body) => {
    await using server = await startHttpServer((_request, response) => {
      response.writeHead(500).end(body);
    });
    const { message } = await failure(server.url);
    expect(message).toContain("the answer was HTTP 500. ");
  });

  test("a body without an end is not waited for", async () => {
    await using server = await startHttpServer((_request, response) => {
      response.writeHead(401).write("and ");
    });
    const { message } = await failure(server.url);
    expect(message).toContain("the answer was HTTP 401 (and).");
  });

  test("a redirect is not followed, so the token goes nowhere else", async () => {
    await using elsewhere = await startSocketServer();
    await using server = await startHttpServer((_request, response) => {
      response.writeHead(307, { Location: elsewhere.url }).end();
    });
    await failure(server.url, { token });
    expect(elsewhere.requests).toEqual([]);
  });
});

describe("nobody, or somebody else, is there", () => {
  test("a port on which nobody listens", async () => {
    const server = await startSocketServer();
    await server[Symbol.asyncDispose]();
    const error = await failure(server.url);
    expect(error).toMatchObject({ retryable: true, statusCode: undefined });
    expect(error.message).toContain("nobody listens there. Is the app-server running?");
    expect(error.cause).toMatchObject({ code: "ECONNREFUSED" });
  });

  test("a socket that does not exist", async () => {
    await using directory = await makeTempDir();
    const error = await failure(`unix://${directory.path}/none.sock`);
    expect(error).toMatchObject({ retryable: true });
    expect(error.message).toContain("there is no such socket. Is the app-server running?");
  });

  test("a file that is no socket", async () => {
    await using directory = await makeTempDir();
    const file = path.join(directory.path, "file");
    await writeFile(file, "");
    expect((await failure(`unix://${file}`)).message).toMatch(/nobody listens|not a socket/);
  });

  test("a host that nobody knows", async () => {
    const error = await failure("wss://host.invalid");
    expect(error.message).toMatch(/host name (is not known|could not be looked up)/);
    expect(error.retryable).toBe(true);
  });

  test.each([
    ["speaks something else", "220 mail.example.com ESMTP\r\n"],
    [
      "upgrades to something else",
      "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: other\r\n\r\n",
    ],
    [
      "upgrades without having read the key",
      "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
    ],
  ])("a server that %s", async (_what, answer) => {
    await using server = await startTcpServer(() => answer);
    const error = await failure(server.url);
    expect(error).toMatchObject({ retryable: false });
    expect(error.message).toContain("the other side does not speak WebSocket");
  });

  test("a server that hangs up", async () => {
    await using server = await startTcpServer(() => undefined);
    const error = await failure(server.url);
    expect(error.message).toContain("the connection was cut before it was ready.");
    expect(error.retryable).toBe(true);
  });

  test("a server that says nothing is given up in time", async () => {
    await using server = await startTcpServer(() => "");
    const error = await failure(server.url, { connectTimeoutMs: 50 });
    expect(error.message).toContain("it took longer than 50 ms.");
    expect(error.retryable).toBe(true);
  });
});

describe("TLS", () => {
  const fixture = (name: string) =>
    readFile(path.resolve(import.meta.dirname, "../../fixtures/tls", name));

  async function startTlsServer() {
    const cert = await fixture("certificate.pem");
    const server = createHttpsServer({ cert, key: await fixture("key.pem") });
    const sockets = new WebSocketServer({ server });
    server.listen(0, "localhost");
    await once(server, "listening");
    return {
      url: `wss://localhost:${(server.address() as AddressInfo).port}`,
      cert,
      [Symbol.asyncDispose]: async () => {
        for (const peer of sockets.clients) peer.terminate();
        sockets.close();
        server.closeAllConnections();
        server.close();
        await once(server, "close");
      },
    };
  }

  test("a certificate of an unknown authority is refused", async () => {
    await using server = await startTlsServer();
    const error = await failure(server.url, { token });
    expect(error.message).toContain("the certificate was not accepted (");
    expect(error.message).toContain("Set tls.ca");
    expect(error.retryable).toBe(false);
  });

  test("the authority may be given", async () => {
    await using server = await startTlsServer();
    const transport = await openSocketTransport(server.url, { tls: { ca: server.cert } });
    await transport.close();
    await expect(transport.ended).resolves.toMatchObject({ error: undefined });
  });

  test("a server that does not speak it", async () => {
    await using server = await startSocketServer();
    const error = await failure(server.url.replace("ws:", "wss:"));
    expect(error.message).toContain("the other side does not speak TLS");
    expect(error.retryable).toBe(false);
  });
});

describe("an attempt can be ended", () => {
  test("before it has begun", async () => {
    await using server = await startSocketServer();
    const reason = new Error("not now");
    const signal = AbortSignal.abort(reason);
    await expect(openSocketTransport(server.url, { signal })).rejects.toBe(reason);
    expect(server.requests).toEqual([]);
  });

  test("while the package ws is being loaded", async () => {
    await using server = await startSocketServer();
    const stop = new AbortController();
    const attempt = openSocketTransport(server.url, { signal: stop.signal });
    stop.abort("enough");
    await expect(attempt).rejects.toBe("enough");
    expect(server.requests).toEqual([]);
  });

  test("while the server says nothing", async () => {
    const stop = new AbortController();
    const reason = new Error("not any more");
    await using server = await startTcpServer(() => {
      stop.abort(reason);
      return "";
    });
    await expect(openSocketTransport(server.url, { signal: stop.signal })).rejects.toBe(reason);
  });

  test("while the token is being fetched", async () => {
    await using server = await startSocketServer();
    const stop = new AbortController();
    const fetching = () => {
      stop.abort("enough");
      return new Promise<string>(() => undefined);
    };
    const attempt = openSocketTransport(server.url, { signal: stop.signal, token: fetching });
    await expect(attempt).rejects.toBe("enough");
    expect(server.requests).toEqual([]);
  });
});

test("a signal is given back, whether or not the attempt succeeded", async () => {
  const { signal } = new AbortController();
  const server = await startSocketServer();
  const transport = await openSocketTransport(server.url, { signal, token: () => token });
  expect(getEventListeners(signal, "abort")).toEqual([]);
  await transport.close();
  await server[Symbol.asyncDispose]();
  await failure(server.url, { signal });
  expect(getEventListeners(signal, "abort")).toEqual([]);
});

describe("the package ws", () => {
  test("is needed, and the error says so when it is missing", async () => {
    const missing = Object.assign(new Error("Cannot find package"), {
      code: "ERR_MODULE_NOT_FOUND",
    });
    const attempt = openSocketTransport("ws://127.0.0.1:1", {}, () => Promise.reject(missing));
    await expect(attempt).rejects.toMatchObject({
      code: "MISSING_DEPENDENCY",
      dependency: "ws",
      message: "To connect to a socket, the package ws is needed: npm install ws@8",
      cause: missing,
    });
  });

  test.each([
    ["it could not be read", "EMFILE", "EMFILE: too many open files, open '/app/wrapper.mjs'"],
    ["a part of it is missing", "ERR_MODULE_NOT_FOUND", "Cannot find module '/app/ws/wrapper.mjs'"],
    [
      "what it needs is missing",
      "ERR_MODULE_NOT_FOUND",
      "Cannot find package 'x' imported from 'ws'",
    ],
  ])("is loaded in another way when %s", async (_name, code, message) => {
    await using server = await startSocketServer();
    const failed = Object.assign(new Error(message), { code });
    const transport = await openSocketTransport(server.url, {}, () => Promise.reject(failed));
    await transport.close();
  });

  test("is loaded in another way when only half of it was imported", async () => {
    await using server = await startSocketServer();
    const transport = await openSocketTransport(server.url, {}, () => Promise.resolve({}));
    await transport.close();
  });

  test("is not loaded for an address that is refused", async () => {
    let loaded = false;
    const load = () => {
      loaded = true;
      return Promise.reject(new Error("missing"));
    };
    const attempt = openSocketTransport("http://127.0.0.1:1", {}, load);
    await expect(attempt).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    expect(loaded).toBe(false);
  });
});

/** Answers the first bytes with a text, or hangs up. */
async function startTcpServer(
  answer: () => string | undefined,
): Promise<AsyncDisposable & { readonly url: string }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.once("data", () => {
      const text = answer();
      if (text === undefined) socket.destroy();
      else if (text !== "") socket.end(text);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, "close");
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
