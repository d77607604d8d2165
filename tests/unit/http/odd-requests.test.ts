import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { text } from "node:stream/consumers";
import { createChat, toNodeHandler, type ChatOptions } from "../../../lib/http/index.js";
import { Codex } from "../../../lib/index.js";
import { FakeAppServer } from "../../../lib/testing/index.js";
import { startWebServer } from "../../support/web-server.js";

let server: FakeAppServer;
let codex: Codex;
const opened: { close(): Promise<void> }[] = [];

beforeAll(() => {
  server = new FakeAppServer();
  codex = new Codex({ server });
});
afterEach(async () => {
  jest.useRealTimers();
  for (const each of opened.splice(0).reverse()) await each.close();
});
afterAll(() => codex.close());

/** A chat on the loopback, and whatever has gone wrong in it. */
async function serve(options: Partial<ChatOptions> = {}) {
  const errors: unknown[] = [];
  const onError = (error: unknown): void => {
    errors.push(error);
  };
  const chat = createChat({ codex, owner: ({ header }) => header("x-user"), onError, ...options });
  const web = await startWebServer(toNodeHandler(chat, { onError }));
  opened.push(web, chat.streams);
  const ask = (method: string, path: string, body?: object) =>
    fetch(`${web.url}${path}`, {
      method,
      headers: { "x-user": "ada", "content-type": "application/json" },
      ...(body && { body: JSON.stringify(body) }),
    });
  const made = async <T>(path: string, body: object) =>
    (await (await ask("POST", path, body)).json()) as T;
  const start = async () => (await made<{ threadId: string }>("/threads", {})).threadId;
  const begin = async (threadId: string, input = "Hi") =>
    (await made<{ turnId: string }>(`/threads/${threadId}/turns`, { input })).turnId;
  return { chat, web, errors, ask, start, begin };
}

/** A connection of which the test writes every byte. */
async function connection(url: string): Promise<Socket> {
  const socket = connect(Number(new URL(url).port), "127.0.0.1");
  await once(socket, "connect");
  return socket;
}

describe("a method that a route does not have", () => {
  test.each([
    ["PUT", "/threads", "GET, POST, HEAD, OPTIONS"],
    ["DELETE", "/threads/x", "GET, HEAD, OPTIONS"],
    ["GET", "/threads/x/turns", "POST, OPTIONS"],
    ["POST", "/turns/x/events", "GET, HEAD, OPTIONS"],
    ["HEAD", "/turns/x/answers", "POST, OPTIONS"],
    ["PATCH", "/health", "GET, HEAD, OPTIONS"],
    ["PROPFIND", "/turns/x/steer", "POST, OPTIONS"],
  ])("%s %s is 405, which says what there is", async (method, path, allow) => {
    const { ask } = await serve();
    const response = await ask(method, path);
    expect([response.status, response.headers.get("allow")]).toEqual([405, allow]);
    if (method !== "HEAD")
      expect(await response.json()).toMatchObject({ code: "METHOD_NOT_ALLOWED" });
  });

  test("and that fetch does not know is 405, and nothing has failed", async () => {
    const { web, errors } = await serve();
    const socket = await connection(web.url);
    socket.end("TRACE /threads HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 405 /);
    expect(errors).toEqual([]);
  });

  test("OPTIONS says which there are, and lets no other origin in", async () => {
    const { ask } = await serve();
    const response = await ask("OPTIONS", "/threads");
    expect([response.status, response.headers.get("allow")]).toEqual([
      204,
      "GET, POST, HEAD, OPTIONS",
    ]);
    expect(response.headers.get("access-control-allow-origin")).toBeNull();
    expect((await ask("OPTIONS", "/nothing")).status).toBe(404);
  });
});

test("HEAD is what GET is, without a body", async () => {
  const { ask, start } = await serve();
  const threadId = await start();
  for (const path of ["/threads", `/threads/${threadId}`, "/health"]) {
    const [head, get] = [await ask("HEAD", path), await ask("GET", path)];
    expect([head.status, head.headers.get("content-type"), await head.text()]).toEqual([
      get.status,
      get.headers.get("content-type"),
      "",
    ]);
  }
  expect((await ask("HEAD", "/threads/nothing")).status).toBe(404);
});

test.each([
  "%2e%2e%2fhealth",
  "%00",
  "%E0%A4%A",
  "%F0%9F%92%A9",
  "__proto__",
  "constructor",
  ":id",
  "a".repeat(10_000),
  "%0d%0aset-cookie:a=b",
])("an id such as %.40s leads to nothing", async (id) => {
  const { web, errors } = await serve();
  const routes = [`GET /turns/${id}/events`, `GET /threads/${id}`, `GET /threads/x/${id}`];
  for (const route of routes) {
    const socket = await connection(web.url);
    socket.end(`${route} HTTP/1.1\r\nhost: localhost\r\nx-user: ada\r\nconnection: close\r\n\r\n`);
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 404 /);
  }
  expect(errors).toEqual([]);
});

test.each(["nonsense", "-1", "1.5", "1e3", "0x1", "99", "9".repeat(400), "1, 2"])(
  "a Last-Event-ID of %.20s is none of this stream's: 400, which ends an EventSource",
  async (lastEventId) => {
    const { web, start, begin } = await serve();
    const turnId = await begin(await start());
    const headers = { "x-user": "ada", "last-event-id": lastEventId };
    const events = `${web.url}/turns/${turnId}/events`;
    await (await fetch(events, { headers: { "x-user": "ada" } })).text();
    const response = await fetch(events, { headers });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ code: "BAD_REQUEST" });
  },
);

test("a client of HTTP/1.0 gets the events, and the connection ends with them", async () => {
  const { web, start, begin } = await serve();
  const turnId = await begin(await start());
  const socket = await connection(web.url);
  socket.write(`GET /turns/${turnId}/events HTTP/1.0\r\nx-user: ada\r\n\r\n`);
  const answer = await text(socket);
  expect(answer).toMatch(/^HTTP\/1\.1 200 /);
  expect(answer).not.toMatch(/transfer-encoding/i);
  expect(answer).toMatch(/event: end\ndata: .*\n\n$/);
});

test("a body that comes slowly is read to its end", async () => {
  const { chat, web, start } = await serve();
  const threadId = await start();
  const socket = await connection(web.url);
  const body = JSON.stringify({ input: "Hi" });
  const head = [
    `POST /threads/${threadId}/turns HTTP/1.1`,
    "host: localhost",
    "x-user: ada",
    "content-type: application/json",
    `content-length: ${body.length}`,
    "connection: close",
  ];
  socket.write(`${head.join("\r\n")}\r\n\r\n`);
  for (const each of body) {
    expect(chat.streams.running(threadId).size).toBe(0);
    await new Promise((resolve) => socket.write(each, resolve));
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(await text(socket)).toMatch(/^HTTP\/1\.1 202 /);
});

test("a client that goes in the midst of its body starts no turn, and breaks nothing", async () => {
  const asked: string[] = [];
  const { chat, web, errors, start } = await serve({
    owner: ({ method, header }) => {
      asked.push(method);
      return header("x-user");
    },
  });
  const threadId = await start();
  const socket = await connection(web.url);
  const answered = new Promise<void>((resolve) => {
    web.server.once("request", (_request, response) => response.once("close", resolve));
  });
  socket.write(
    `POST /threads/${threadId}/turns HTTP/1.1\r\nhost: localhost\r\nx-user: ada\r\n` +
      'content-type: application/json\r\ncontent-length: 100\r\n\r\n{"input": "Hi',
  );
  await once(web.server, "request");
  socket.destroy();
  await answered;
  expect(await (await fetch(`${web.url}/health`)).json()).toMatchObject({ health: "ok" });
  expect(chat.streams.running(threadId).size).toBe(0);
  expect(errors).toEqual([]);
});

test("two turns that are posted at once run one behind the other, each with a stream of its own", async () => {
  const { ask, start, begin } = await serve();
  const threadId = await start();
  const ids = await Promise.all([begin(threadId, "One"), begin(threadId, "Two")]);
  const streams = await Promise.all(
    ids.map(async (id) => (await ask("GET", `/turns/${id}/events`)).text()),
  );
  expect(new Set(ids).size).toBe(2);
  const turns = streams.map((events) => /"turnId":"([^"]+)"/.exec(events)?.[1]);
  expect(new Set(turns).size).toBe(2);
  for (const events of streams) expect(events).toMatch(/"status":"completed"/);
});

test("of 10,000 threads the newest 50 are listed", async () => {
  const { chat, ask, start } = await serve();
  for (let count = 0; count < 10_000; count += 1)
    await chat.streams.ownThread(`old-${count}`, "ada");
  const threadId = await start();
  const { threads } = (await (await ask("GET", "/threads")).json()) as {
    threads: { threadId: string }[];
  };
  expect(threads).toHaveLength(50);
  expect(threads[0]).toMatchObject({ threadId });
  expect(await chat.streams.threadsOf("ada", { limit: 2 })).toEqual([threadId, "old-9999"]);
  for (const limit of [0, -1, 1.5, Infinity]) {
    expect(() => chat.streams.threadsOf("ada", { limit })).toThrow("limit");
  }
});

describe("the functions of the application", () => {
  test("may answer later", async () => {
    const { start, ask } = await serve({
      owner: async ({ header }) => {
        await new Promise((resolve) => setImmediate(resolve));
        return header("x-user");
      },
      authorize: async (_request, { owner }) => {
        await new Promise((resolve) => setImmediate(resolve));
        return owner === "ada";
      },
    });
    expect((await ask("GET", `/threads/${await start()}`)).status).toBe(200);
  });

  const never = (): Promise<never> => new Promise(() => undefined);
  test.each([
    ["owner", { owner: never }, 401],
    ["authorize", { authorize: never }, 404],
  ] as const)("that never answer refuse: %s", async (name, options, status) => {
    const errors: unknown[] = [];
    const chat = createChat({
      codex,
      owner: () => "ada",
      onError: (error) => errors.push(error),
      ...options,
    });
    await chat.streams.ownThread("thread", "ada");
    jest.useFakeTimers({ doNotFake: ["nextTick", "setImmediate", "queueMicrotask"] });
    const answer = chat(new Request("http://localhost/threads/thread"));
    await jest.advanceTimersByTimeAsync(30_000);
    expect((await answer).status).toBe(status);
    expect(errors).toMatchObject([
      { message: expect.stringContaining(`${name} has not answered`) },
    ]);
    await chat.streams.close();
  });

  test("that throw without an onError are a warning, which does not tell their words", async () => {
    const warn = jest.spyOn(process, "emitWarning").mockImplementation(() => undefined);
    const chat = createChat({
      codex,
      owner: () => {
        throw new Error("the password is swordfish");
      },
    });
    expect((await chat(new Request("http://localhost/threads"))).status).toBe(401);
    expect(warn).toHaveBeenCalledTimes(1);
    expect(warn.mock.calls[0]).toContain("TurnStreamsWarning");
    expect(JSON.stringify(warn.mock.calls)).not.toContain("swordfish");
    warn.mockRestore();
    await chat.streams.close();
  });
});
