import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import type { AppServerClient } from "../../../../lib/client.js";
import { RequestTimeoutError } from "../../../../lib/errors/connection-errors.js";
import { rejection, settled } from "../../../support/collect.js";
import { later, linked, linkedThread, ResponseError } from "../../../support/linked-server.js";
import { turnStarted } from "../../../support/turn-messages.js";

const requestTimeoutMs = 7_777;

beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ["nextTick", "setImmediate", "queueMicrotask"] });
});

afterEach(() => {
  jest.useRealTimers();
});

async function pass(ms: number): Promise<void> {
  await settled();
  await jest.advanceTimersByTimeAsync(ms);
  await settled();
}

type Begin = (client: AppServerClient) => Promise<unknown>;

const kinds: [start: string, answer: object, stop: string, begin: Begin][] = [
  ["fs/watch", {}, "fs/unwatch", (client) => client.watch("/tmp").ready],
  [
    "fuzzyFileSearch/sessionStart",
    {},
    "fuzzyFileSearch/sessionStop",
    (client) => client.fileSearch().ready,
  ],
  ["process/spawn", {}, "process/kill", (client) => client.spawn(["tool"], { cwd: "/" }).exit],
  [
    "account/login/start",
    { type: "chatgpt", loginId: "login-1", authUrl: "https://auth.test" },
    "account/login/cancel",
    (client) => client.login.browser(),
  ],
  [
    "account/login/start",
    { type: "chatgptDeviceCode", loginId: "login-1", verificationUrl: "", userCode: "" },
    "account/login/cancel",
    (client) => client.login.deviceCode(),
  ],
  [
    "thread/queue/add",
    { queuedSubmission: { id: "queued-1" } },
    "thread/queue/delete",
    (client) => client.thread("thread-1").queue.add("Hi"),
  ],
];

describe("what is begun too late, when nobody waits for it", () => {
  test.each(kinds)("is ended: %s, answered with %j, by %s", async (start, answer, stop, begin) => {
    await using pair = await linked({ requestTimeoutMs });
    const { client, server } = pair;
    server.handle(start, () => later);
    const failure = rejection(begin(client));
    const request = await server.nextRequest(start);
    await pass(requestTimeoutMs);
    const error = await failure;
    expect(error).toBeInstanceOf(RequestTimeoutError);
    expect((error as Error).message).toMatch(/If it does, this client [a-z]+ /);
    const before = server.paramsOf(stop).length;
    // The server may be too busy for that as well.
    let refusals = 2;
    server.handle(stop, () => {
      if (refusals > 0) throw new ResponseError(refusals-- === 2 ? -32_001 : -32_603, "not now");
      return {};
    });
    server.respond(request, answer);
    await pass(1_000);
    expect(server.paramsOf(stop)).toHaveLength(before + 3);
    expect(JSON.stringify(server.paramsOf(stop).at(-1))).toContain(
      ["queued-1", "login-1"].find((id) => JSON.stringify(answer).includes(id)) ??
        Object.values(request.params).find((value) => /^[0-9a-f-]{36}$/.test(String(value))),
    );
    await pass(60_000);
    expect(server.paramsOf(stop)).toHaveLength(before + 3);
    expect(jest.getTimerCount()).toBe(0);
  });

  test("is a queued turn that has begun meanwhile, and is interrupted", async () => {
    await using pair = await linkedThread({ requestTimeoutMs });
    const { server, thread } = pair;
    server.handle("thread/queue/add", () => later);
    const failure = rejection(thread.queue.add("Hi"));
    const { params } = await server.nextRequest("thread/queue/add");
    await pass(requestTimeoutMs);
    await failure;
    const ids = { threadId: "thread-1", turnId: "turn-1" };
    const item = { type: "userMessage", id: "item-1", clientId: params["clientUserMessageId"] };
    server.send(turnStarted(ids), { method: "item/started", params: { ...ids, item } });
    await pass(10);
    expect(server.paramsOf("turn/interrupt")).toEqual([ids]);
  });
});

test("a queued turn that had begun before the late answer is looked for, and interrupted", async () => {
  await using pair = await linkedThread({ requestTimeoutMs });
  const { server, thread } = pair;
  server.handle("thread/queue/add", () => later);
  const failure = rejection(thread.queue.add("Hi", { clientUserMessageId: "mine" }));
  const request = await server.nextRequest("thread/queue/add");
  await pass(requestTimeoutMs);
  await failure;
  const items = [{ type: "userMessage", id: "item-1", clientId: "mine" }];
  server.handle("thread/queue/delete", () => ({ deleted: false }));
  server.handle("thread/turns/list", () => ({
    data: [{ id: "turn-1", status: "inProgress", items }],
    nextCursor: null,
  }));
  server.respond(request, { queuedSubmission: { id: "queued-1" } });
  await pass(10);
  expect(server.paramsOf("turn/interrupt")).toEqual([{ threadId: "thread-1", turnId: "turn-1" }]);
});

test("a late turn is stopped although somebody looks on", async () => {
  await using pair = await linkedThread({ requestTimeoutMs });
  const { server, thread } = pair;
  const turns = thread.unsolicitedTurns();
  server.handle("turn/start", () => later);
  const failure = rejection(thread.run("Hi", { clientUserMessageId: "mine" }));
  await server.nextRequest("turn/start");
  await pass(requestTimeoutMs);
  await failure;
  const ids = { threadId: "thread-1", turnId: "turn-1" };
  const item = { type: "userMessage", id: "item-1", clientId: "mine" };
  server.send(turnStarted(ids), { method: "item/started", params: { ...ids, item } });
  expect((await turns.next()).value).toMatchObject({ id: "turn-1" });
  await pass(10);
  expect(server.paramsOf("turn/interrupt")).toEqual([ids]);
  await turns.return?.();
});

test("a watch that the server fails to end at first is ended later", async () => {
  const warn = jest.fn();
  await using pair = await linked({ logger: { warn } });
  const { client, server } = pair;
  const watch = client.watch("/tmp");
  await watch.ready;
  let failures = 3;
  server.handle("fs/unwatch", () => {
    if (failures-- > 0) throw new ResponseError(-32_603, "not now");
    return {};
  });
  const closed = watch.close();
  await pass(1_000);
  await closed;
  expect(server.paramsOf("fs/unwatch")).toHaveLength(4);
  expect(warn).not.toHaveBeenCalled();
});

test("a watch that the server never ends holds nobody up, and is logged", async () => {
  const warn = jest.fn();
  await using pair = await linked({ logger: { warn } });
  const { client, server } = pair;
  const watch = client.watch("/tmp");
  await watch.ready;
  server.handle("fs/unwatch", () => {
    throw new ResponseError(-32_603, "not now");
  });
  const closed = watch.close();
  await pass(11_000);
  await closed;
  await pass(300_000);
  expect(server.paramsOf("fs/unwatch").length).toBeLessThan(50);
  expect(warn.mock.calls).toEqual([
    ["The server has not confirmed fs/unwatch: what it was to end may go on."],
  ]);
});
