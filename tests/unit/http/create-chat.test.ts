import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { getEventListeners, once } from "node:events";
import { request as httpRequest, type IncomingMessage, type ServerResponse } from "node:http";
import { connect as connectHttp2, createServer as createHttp2Server } from "node:http2";
import type { AddressInfo } from "node:net";
import { post, readTurn, TurnView } from "../../../lib/browser/index.js";
import {
  createChat,
  MemoryStreamStore,
  toFastifyHandler,
  toNodeHandler,
  type Chat,
  type FastifyRequestLike,
  type HttpRequest,
} from "../../../lib/http/index.js";
import { Codex, InvalidArgumentError } from "../../../lib/index.js";
import { FakeAppServer } from "../../../lib/testing/index.js";
import { startWebServer, type WebServer } from "../../support/web-server.js";

let server: FakeAppServer;
let codex: Codex;
const opened: { close(): Promise<void> }[] = [];

beforeAll(() => {
  server = new FakeAppServer();
  codex = new Codex({ server });
});
afterEach(async () => {
  for (const each of opened.splice(0).reverse()) await each.close();
});
afterAll(() => codex.close());

function make(options: Partial<Parameters<typeof createChat>[0]> = {}): Chat {
  const owner = ({ header }: { header: (name: string) => string | null }) => header("x-user");
  const chat = createChat({ codex, owner, ...options });
  opened.push(chat.streams);
  return chat;
}

interface Init extends Omit<RequestInit, "headers"> {
  readonly headers?: Record<string, string>;
}

function ask(chat: Chat, method: string, path: string, init: Init = {}) {
  const headers = { "x-user": "ada", "content-type": "application/json", ...init.headers };
  return chat(new Request(`http://localhost${path}`, { ...init, method, headers }));
}

const body = (value: unknown) => ({ body: JSON.stringify(value) });
const codeOf = async (response: Response) => {
  const { code } = (await response.json()) as { code: string };
  return [response.status, code];
};

async function newThread(chat: Chat): Promise<string> {
  const response = await ask(chat, "POST", "/threads", body({}));
  expect(response.status).toBe(201);
  return ((await response.json()) as { threadId: string }).threadId;
}

describe("the routes", () => {
  test("lead from a new thread to the end of a turn", async () => {
    const chat = make({ basePath: "/api" });
    const handle = toNodeHandler(chat);
    const web = await startWebServer(handle);
    opened.push(web);
    const settings = { headers: { "x-user": "ada" } };
    const { threadId } = (await post(`${web.url}/api/threads`, {}, settings)) as {
      threadId: string;
    };
    const turns = `${web.url}/api/threads/${threadId}/turns`;
    const { events } = (await post(turns, { input: "Hello" }, settings)) as { events: string };
    let view = TurnView.empty;
    for await (const part of readTurn(`${web.url}${events}`, settings))
      view = TurnView.apply(view, part);
    expect(view.end).toMatchObject({ status: "completed" });
    expect(view.threadId).toBe(threadId);
    const mine = await fetch(`${web.url}/api/threads`, settings);
    expect(await mine.json()).toEqual({
      threads: [{ threadId, title: null, updatedAt: expect.any(Number) }],
    });
    const theirs = await fetch(`${web.url}/api/threads`, { headers: { "x-user": "eve" } });
    expect(await theirs.json()).toEqual({ threads: [] });
  });

  test.each([
    ["GET", "/"],

    ["GET", "/turns/x"],
    ["GET", "/turns/x/events/more"],

    ["POST", "/turns//interrupt"],
    ["POST", "/constructor"],
  ])("do not include %s %s", async (method, path) => {
    const init = method === "GET" ? {} : body({});
    expect(await codeOf(await ask(make(), method, path, init))).toEqual([404, "NOT_FOUND"]);
  });

  test("tell load balancers whether to send requests, whoever they are", async () => {
    const response = await ask(make(), "GET", "/health", { headers: { "x-user": "" } });
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ health: "ok" });
  });

  test("are for those who are somebody", async () => {
    const errors: unknown[] = [];
    const chat = make({
      owner: ({ header }) => {
        if (header("x-user") === "bad") throw new Error("bad token");
        return header("x-user");
      },
      onError: (error) => errors.push(error),
    });
    for (const user of ["", "bad"]) {
      const response = await ask(chat, "GET", "/threads", { headers: { "x-user": user } });
      expect(await codeOf(response)).toEqual([401, "UNAUTHORIZED"]);
    }
    expect(errors).toEqual([new Error("bad token")]);
  });

  test("start no turn on a thread of somebody else, nor on one that nobody has told of", async () => {
    const chat = make();
    const threadId = await newThread(chat);
    const { id: unknown } = await codex.startThread();
    for (const [user, id] of [
      ["eve", threadId],
      ["ada", unknown],
      ["ada", "nothing"],
    ] as const) {
      const init = { ...body({ input: "Hi" }), headers: { "x-user": user } };
      const response = await ask(chat, "POST", `/threads/${id}/turns`, init);
      expect(await codeOf(response)).toEqual([404, "NOT_FOUND"]);
    }
  });

  test("take no POST of another site", async () => {
    const headers = { origin: "https://evil.example", host: "localhost" };
    const response = await ask(make(), "POST", "/threads", { ...body({}), headers });
    expect(await codeOf(response)).toEqual([403, "ORIGIN_REFUSED"]);
  });
});

describe("bodies", () => {
  const bad: [string, Init, number][] = [
    ["are JSON", { body: "{" }, 400],
    ["are objects", body([]), 400],
    ["say that they are JSON", { ...body({}), headers: { "content-type": "text/plain" } }, 415],
    ["are not too large", body({ input: "x".repeat(1_000) }), 413],
    ["have no other fields", body({ input: "Hi", cwd: "/" }), 400],
    ["have no settings", body({ input: "Hi", sandbox: "danger-full-access" }), 400],
    ["have no config", body({ input: "Hi", config: {} }), 400],
    ["say something", body({}), 400],
    ["name no file", body({ input: [{ type: "localImage", path: "/etc/passwd" }] }), 400],
    ["name no path", body({ input: [{ type: "image", url: "data:text/html;base64,AA" }] }), 400],
  ];
  test.each(bad)("%s", async (_name, init, status) => {
    const chat = make({ maxBodyBytes: 500 });
    const threadId = await newThread(chat);
    const response = await ask(chat, "POST", `/threads/${threadId}/turns`, init);
    expect(await codeOf(response)).toEqual([status, "BAD_REQUEST"]);
  });

  test("that do not say how long they are stop being read at the limit", async () => {
    const chat = make({ maxBodyBytes: 500 });
    let pulled = 0;
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        pulled += 1;
        controller.enqueue(new Uint8Array(100).fill(32));
      },
    });
    const init = { body: endless, duplex: "half" } as Init;
    expect(await codeOf(await ask(chat, "POST", "/threads", init))).toEqual([413, "BAD_REQUEST"]);
    expect(pulled).toBeLessThan(10);
  });
});

test("new threads have the settings of the application, and of the user", async () => {
  const seen: unknown[] = [];
  const stub = {
    thread: codex.thread.bind(codex),
    currentStatus: codex.currentStatus,
    runningTurns: codex.runningTurns,
    resumeThread: codex.resumeThread.bind(codex),
    startThread: (options: object) => {
      seen.push(options);
      return codex.startThread();
    },
  };
  const chat = make({ codex: stub, newThread: (owner) => ({ cwd: `/home/${owner}` }) });
  await newThread(chat);
  expect(seen).toEqual([{ cwd: "/home/ada", ...chat.streams.handlers }]);
});

test("bad options are named", () => {
  const owner = () => "ada";
  for (const [options, name] of [
    [{ codex }, "owner"],
    [{ owner }, "codex"],
    [{ codex, owner, basePath: "api" }, "basePath"],
    [{ codex, owner, retainMs: -1 }, "retainMs"],
    [{ codex, owner, path: "/" }, "path"],
    [{ codex, owner, newThread: true }, "newThread"],
    [{ codex, owner, newThread: { onApproval: "accept" } }, "newThread.onApproval"],
    [{ codex: { startThread: owner, thread: owner }, owner }, "codex"],
  ] as const) {
    expect(() => createChat(options as never)).toThrow(InvalidArgumentError);
    expect(() => createChat(options as never)).toThrow(name);
  }
});

describe("a handler for Node", () => {
  async function serve(handler: (request: Request) => Promise<Response>): Promise<WebServer> {
    const web = await startWebServer(toNodeHandler(handler));
    opened.push(web);
    return web;
  }

  test("gives the request as it came, and sends the response as it is", async () => {
    const web = await serve(async (request) => {
      const text = `${request.method} ${request.url} ${await request.text()}`;
      const headers = new Headers({ "x-one": "1" });
      headers.append("set-cookie", "a=1");
      headers.append("set-cookie", "b=2");
      return new Response(text, { status: 201, headers });
    });
    const response = await fetch(`${web.url}/path?query=1`, { method: "POST", body: "é" });
    expect(response.status).toBe(201);
    expect(response.headers.getSetCookie()).toEqual(["a=1", "b=2"]);
    expect(await response.text()).toBe(`POST ${web.url}/path?query=1 é`);
  });

  test("tells the handler that the client has gone, and cancels what it streams", async () => {
    const signals: AbortSignal[] = [];
    let cancelled: () => void = () => undefined;
    const isCancelled = new Promise<void>((resolve) => (cancelled = resolve));
    const web = await serve(({ signal }) => {
      signals.push(signal);
      const body = new ReadableStream({
        start: (controller) => {
          controller.enqueue(new TextEncoder().encode("Hi."));
        },
        cancel: cancelled,
      });
      return Promise.resolve(new Response(body));
    });
    const response = await fetch(web.url);
    await response.body?.cancel();
    await isCancelled;
    expect(signals[0]?.aborted).toBe(true);
    expect(signals.flatMap((signal) => getEventListeners(signal, "abort"))).toEqual([]);
  });

  test("that throws is a problem, whose words stay here", async () => {
    const errors: unknown[] = [];
    const error = new Error("the password is swordfish");
    const handle = toNodeHandler(() => Promise.reject(error), {
      onError: (one) => errors.push(one),
    });
    const web = await startWebServer(handle);
    opened.push(web);
    const response = await fetch(web.url);
    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain("swordfish");
    expect(errors).toEqual([error]);
  });

  test("answers a body that is too large, and then the next request on the same connection", async () => {
    const web = await serve(make({ maxBodyBytes: 1_000 }));
    const headers = { "x-user": "ada", "content-type": "application/json" };
    for (const [body, status] of [
      [`"${"x".repeat(2_000_000)}"`, 413],
      ["{}", 201],
    ] as const) {
      const response = await fetch(`${web.url}/threads`, { method: "POST", headers, body });
      expect(response.status).toBe(status);
      await response.text();
    }
    const chunked = new ReadableStream<Uint8Array>({
      start(controller) {
        for (let count = 0; count < 20; count += 1)
          controller.enqueue(new Uint8Array(100_000).fill(32));
        controller.close();
      },
    });
    const init = { method: "POST", headers, body: chunked, duplex: "half" } as RequestInit;
    expect((await fetch(`${web.url}/threads`, init)).status).toBe(413);
  });

  test("does not go where an absolute or a broken URL leads", async () => {
    const web = await serve(({ url }) => Promise.resolve(new Response(url)));
    const ask = (path: string, host: string) =>
      new Promise<string>((resolve, reject) => {
        const { port } = new URL(web.url);
        const request = httpRequest({ port, host: "127.0.0.1", path, headers: { host } });
        request.on("error", reject).end();
        request.on("response", (response) => {
          response.setEncoding("utf8").on("data", resolve);
        });
      });
    expect(await ask("http://evil.example/turns", "localhost")).toBe("http://localhost/");
    expect(await ask("//evil.example/turns", "localhost")).toBe(
      "http://localhost//evil.example/turns",
    );
    expect(await ask("/turns", "no host/x")).toBe("http://localhost/turns");
  });
});

const asRead = [
  [{ input: "Hi" }, '{"input":"Hi"}'],
  ['{"input":"Hi"}', '{"input":"Hi"}'],
  [Buffer.from('{"input":"Hi"}'), '{"input":"Hi"}'],
] as const;

test.each(asRead)("what a body parser has read is read from there: %j", async (parsed, sent) => {
  const handle = toNodeHandler(async (request) => new Response(await request.text()));
  const web = await startWebServer(async (request, response) => {
    request.resume();
    await once(request, "end");
    await handle(Object.assign(request, { body: parsed }), response);
  });
  opened.push(web);
  const response = await fetch(web.url, { method: "POST", body: "ignored" });
  expect(await response.text()).toBe(sent);
});

test("who has sent a request may stand in what a framework has attached to it", async () => {
  const chat = make({ owner: ownerOfSession().owner });
  const handle = toNodeHandler(chat);
  const web = await startWebServer((request, response) =>
    handle(Object.assign(request, { session: { user: "ada" } }), response),
  );
  opened.push(web);
  const { threadId } = (await post(`${web.url}/threads`, {})) as { threadId: string };
  expect(await chat.streams.threadsOf("ada")).toEqual([threadId]);
});

test("a response goes through middleware whose end() takes no callback", async () => {
  const handle = toNodeHandler(() => new Response("Hello"));
  const web = await startWebServer((request, response) => {
    const end = response.end.bind(response);
    response.end = ((last?: string | Uint8Array) =>
      last === undefined ? end() : end(Buffer.from(last as string))) as typeof response.end;
    return handle(request, response);
  });
  opened.push(web);
  expect(await (await fetch(web.url)).text()).toBe("Hello");
});

describe("a handler for Fastify", () => {
  /** A reply for which a hook has set these headers, and the requests that come with such a body. */
  async function serve(handle: ReturnType<typeof toFastifyHandler>, body?: unknown) {
    const calls: string[] = [];
    const web = await startWebServer(async (raw, response) => {
      if (body !== undefined) {
        raw.resume();
        await once(raw, "end");
      }
      await handle({ raw, body, session: { user: "ada" } } as FastifyRequestLike, {
        raw: response,
        hijack: () => calls.push("hijack"),
        getHeaders: () => ({ "x-of-a-hook": "1", "x-none": undefined }),
      });
    });
    opened.push(web);
    return { web, calls };
  }

  test("hijacks the reply, keeps the headers of hooks, and takes the body that was parsed", async () => {
    const echo = async (request: Request) => new Response(await request.text(), { status: 201 });
    const { web, calls } = await serve(toFastifyHandler(echo), { input: "Hi" });
    const response = await fetch(web.url, { method: "POST", body: "ignored" });
    expect(response.status).toBe(201);
    expect(response.headers.get("x-of-a-hook")).toBe("1");
    expect(response.headers.has("x-none")).toBe(false);
    expect(await response.text()).toBe('{"input":"Hi"}');
    expect(calls).toEqual(["hijack"]);
  });

  test("reads a body that no parser has read, and shows Fastify's own request", async () => {
    const { raws, owner } = ownerOfSession();
    const { web } = await serve(toFastifyHandler(make({ owner })));
    const response = await fetch(`${web.url}/threads`, { method: "POST", ...json("{}") });
    expect(response.status).toBe(201);
    expect(raws[0]).toMatchObject({ raw: { url: "/threads" }, session: { user: "ada" } });
  });

  test("answers also where the parsed body cannot be written as JSON", async () => {
    const circular: Record<string, unknown> = {};
    circular["self"] = circular;
    const errors: unknown[] = [];
    const onError = (error: unknown) => errors.push(error);
    const { web } = await serve(toFastifyHandler(make(), { onError }), circular);
    const response = await fetch(`${web.url}/threads`, { method: "POST", body: "ignored" });
    expect(response.status).toBe(500);
    expect(errors).toHaveLength(1);
  });

  test("that throws is a problem, and tells of it", async () => {
    const errors: unknown[] = [];
    const onError = (error: unknown) => errors.push(error);
    const failing = toFastifyHandler(() => Promise.reject(new Error("swordfish")), { onError });
    const { web } = await serve(failing);
    const response = await fetch(web.url);
    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain("swordfish");
    expect(errors).toHaveLength(1);
  });
});

const json = (text: string) => ({ body: text, headers: { "content-type": "application/json" } });

function ownerOfSession() {
  const raws: unknown[] = [];
  const owner = ({ raw }: HttpRequest): string => {
    raws.push(raw);
    return (raw as unknown as { session: { user: string } }).session.user;
  };
  return { raws, owner };
}

describe("a chat whose streams are closing", () => {
  test("takes no threads and no turns, begins none, and calls itself draining", async () => {
    const chat = make();
    const threadId = await newThread(chat);
    let end!: () => void;
    const ended = new Promise<void>((resolve) => (end = resolve));
    server.onNextTurn(() => ended);
    const running = await ask(chat, "POST", `/threads/${threadId}/turns`, body({ input: "Hi" }));
    const { events } = (await running.json()) as { events: string };
    const watched = ask(chat, "GET", events).then((response) => response.text());
    const closing = chat.streams.close({ drainMs: 60_000 });
    const before = server.received.length;
    const other = `/threads/${threadId}/turns`;
    expect(await codeOf(await ask(chat, "POST", "/threads", body({})))).toEqual([
      503,
      "STREAMS_CLOSED",
    ]);
    expect(await codeOf(await ask(chat, "POST", other, body({ input: "Hi" })))).toEqual([
      503,
      "STREAMS_CLOSED",
    ]);
    const health = await ask(chat, "GET", "/health");
    expect([health.status, await health.json()]).toMatchObject([503, { health: "draining" }]);
    expect(server.received).toHaveLength(before);
    end();
    await closing;
    expect(await watched).toContain('"status":"completed"');
  });
});

test("a POST over HTTP/2 comes from a page of this site when it has the host of the request", async () => {
  const handle = toNodeHandler(make());
  const server = createHttp2Server((request, response) => {
    void handle(request as unknown as IncomingMessage, response as unknown as ServerResponse);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const client = connectHttp2(`http://${host}`);
  const statusFrom = async (origin: string) => {
    const headers = { ":method": "POST", ":path": "/threads", origin, "x-user": "ada" };
    const stream = client.request({ ...headers, "content-type": "application/json" });
    stream.end("{}");
    const [answer] = (await once(stream, "response")) as [{ ":status": number }];
    stream.resume();
    await once(stream, "end");
    return answer[":status"];
  };
  try {
    expect(await statusFrom(`https://${host}`)).toBe(201);
    expect(await statusFrom("https://evil.test")).toBe(403);
  } finally {
    client.close();
    await new Promise((resolve) => server.close(resolve));
  }
});

test("a user may be called timeout", async () => {
  const chat = make();
  const response = await ask(chat, "POST", "/threads", {
    ...body({}),
    headers: { "x-user": "timeout" },
  });
  expect(response.status).toBe(201);
});

test("the application is told of what its users get as a failure of its own", async () => {
  const errors: unknown[] = [];
  const store = new MemoryStreamStore();
  const failure = new Error("swordfish");
  store.ownerOf = () => Promise.reject(failure);
  const chat = make({ store, onError: (error) => errors.push(error) });
  const response = await ask(chat, "GET", "/threads/x");
  expect(response.status).toBe(500);
  expect(await response.text()).not.toContain("swordfish");
  expect((await ask(chat, "GET", "/nothing")).status).toBe(404);
  expect(errors).toEqual([failure]);
});
