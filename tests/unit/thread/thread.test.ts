import { describe, expect, test } from "@jest/globals";
import { collect } from "../../support/collect.js";
import { linkedThread } from "../../support/linked-server.js";

test("read() gives the stored thread", async () => {
  await using pair = await linkedThread();
  const { server, thread } = pair;
  server.handle("thread/read", () => ({ thread: { id: "thread-1", name: "My thread" } }));
  expect(await thread.read()).toEqual({ id: "thread-1", name: "My thread" });
  expect(server.paramsOf("thread/read")).toEqual([{ threadId: "thread-1" }]);
});

test("setName, archive and unarchive send what they say", async () => {
  await using pair = await linkedThread();
  const { server, thread } = pair;
  await thread.setName("My thread");
  await thread.archive();
  await thread.unarchive();
  expect(server.requests.slice(-3).map(({ method, params }) => [method, params])).toEqual([
    ["thread/name/set", { threadId: "thread-1", name: "My thread" }],
    ["thread/archive", { threadId: "thread-1" }],
    ["thread/unarchive", { threadId: "thread-1" }],
  ]);
});

describe("the settings of a turn", () => {
  test("are sent as they are, null included and undefined not", async () => {
    await using pair = await linkedThread();
    const { server, thread } = pair;
    const settings = {
      model: "gpt-x",
      effort: "high",
      outputSchema: {
        type: "object",
        properties: { answer: { type: "string" } },
        required: ["answer"],
        additionalProperties: false,
      },
      summary: null,
    } as const;
    await thread.turn("Hi", { ...settings, cwd: undefined }).started;
    const [params] = server.paramsOf("turn/start");
    expect(params).toEqual({
      ...{ threadId: "thread-1", input: expect.any(Array) },
      ...{ clientUserMessageId: expect.any(String), ...settings },
    });
  });

  test("do not contain what only this library understands", async () => {
    await using pair = await linkedThread();
    const { server, thread } = pair;
    const { signal } = new AbortController();
    const controls = { signal, timeoutMs: 60_000, onBreak: "detach", whenBusy: "steer" } as const;
    await thread.turn("Hi", controls).started;
    const [params] = server.paramsOf("turn/start");
    expect(Object.keys(params ?? {}).sort()).toEqual(["clientUserMessageId", "input", "threadId"]);
  });

  test("cannot replace the thread or the input", async () => {
    await using pair = await linkedThread();
    const { server, thread } = pair;
    await thread.turn("Hi", { threadId: "other", input: [] } as object).started;
    expect(server.paramsOf("turn/start")).toMatchObject([
      { threadId: "thread-1", input: [{ text: "Hi" }] },
    ]);
  });
});

describe("turns() and items()", () => {
  const pages: Record<string, object> = {
    first: { data: [{ id: "c" }, { id: "b" }], nextCursor: "second", backwardsCursor: "back" },
    second: { data: [{ id: "a" }], nextCursor: null },
  };

  test.each([
    ["turns", "thread/turns/list"],
    ["items", "thread/items/list"],
  ] as const)("%s() pages through the thread's own", async (list, method) => {
    await using pair = await linkedThread();
    const { server, thread } = pair;
    server.handle(method, ({ cursor }) => pages[(cursor as string | undefined) ?? "first"]);
    const entries = await collect<unknown>(thread[list]({ limit: 2 }));
    expect(entries).toEqual([{ id: "c" }, { id: "b" }, { id: "a" }]);
    expect(server.paramsOf(method)).toEqual([
      { threadId: "thread-1", limit: 2 },
      { threadId: "thread-1", limit: 2, cursor: "second" },
    ]);
  });
});

describe("listThreads() and models()", () => {
  test.each([
    ["listThreads", "thread/list"],
    ["models", "model/list"],
  ] as const)("%s() passes its options and the cursor on", async (list, method) => {
    await using pair = await linkedThread();
    const { client, server } = pair;
    server.handle(method, () => ({ data: [{ id: "x" }], nextCursor: null }));
    expect(await client[list]().all()).toEqual([{ id: "x" }]);
    expect(await client[list]({ limit: 7 }).page("c-1")).toEqual({
      data: [{ id: "x" }],
      nextCursor: null,
    });
    expect(server.paramsOf(method)).toEqual([{}, { limit: 7, cursor: "c-1" }]);
  });
});
