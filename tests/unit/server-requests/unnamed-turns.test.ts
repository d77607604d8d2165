import { describe, expect, test } from "@jest/globals";
import { defer, type RequestContext, type RequestHandlers } from "../../../lib/index.js";
import { collect } from "../../support/collect.js";
import { LinkedAnew } from "../../support/linked-anew.js";
import { later, linked, linkedThread } from "../../support/linked-server.js";
import { opened, turnCompleted, turnRecord, turnStarted } from "../../support/turn-messages.js";
import { Asking, methods, requests } from "./asking.js";

const turn = { threadId: "thread-1", turnId: "turn-1" };

/** A clock that always shows this second. */
function clock(second: number): RequestHandlers {
  return { onCurrentTime: () => new Date(second * 1_000) };
}

async function secondTold(asking: Asking): Promise<unknown> {
  const { result } = await asking.answer(methods.time, requests.time);
  return (result as { currentTimeAt: number }).currentTimeAt;
}

test.each([
  [{ threadId: "thread-1", turn: { id: "turn-1" } }],
  [{ turnId: "turn-1" }],
  [{ turn: { id: "turn-1" } }],
])("a request that nobody knows yet belongs to the turn that it names in %j", async (params) => {
  const contexts: RequestContext[] = [];
  await using pair = await linkedThread();
  const asking = new Asking(pair.server);
  const novelty = (_: unknown, context: RequestContext) => {
    contexts.push(context);
    return { fine: true };
  };
  pair.client.handle("turn/novelty" as never, novelty as never);
  const running = pair.thread.turn("Hi");
  await running.started;
  pair.server.send(turnStarted(turn));
  expect(await asking.answer("turn/novelty", params)).toEqual({ result: { fine: true } });
  expect(contexts).toMatchObject([turn]);
  pair.server.send(turnCompleted(turn));
  const methods = (await collect(running)).map(({ method }) => method as string);
  expect(methods).toEqual(["turn/started", "turn/novelty", "turn/completed"]);
});

describe("a request that names its thread and no turn", () => {
  test("belongs to the turn that is followed there: its handlers and its id", async () => {
    const contexts: RequestContext[] = [];
    await using pair = await linkedThread({ onElicitation: () => "decline" });
    const asking = new Asking(pair.server);
    const onElicitation = (_: unknown, context: RequestContext) => {
      contexts.push(context);
      return "accept" as const;
    };
    await pair.thread.turn("Hi", { onElicitation }).started;
    await asking.answer(methods.url, requests.url);
    expect(contexts).toMatchObject([turn]);
  });

  test.each(["patch", "exec"] as const)(
    "goes to its handler of the method %s, too",
    async (kind) => {
      const raw = (decision: "approved" | "abort") => ({
        handlers: { [methods[kind]]: () => ({ decision }) },
      });
      await using pair = await linked(raw("abort"));
      const asking = new Asking(pair.server);
      const thread = await pair.client.startThread(raw("abort"));
      await thread.turn("Hi", raw("approved")).started;
      expect(await asking.answer(methods[kind], requests[kind])).toEqual({
        result: { decision: "approved" },
      });
    },
  );

  test("belongs to the latest turn, when the end of one before was never heard", async () => {
    await using pair = await linkedThread();
    const asking = new Asking(pair.server);
    await pair.thread.turn("One", clock(1)).started;
    await pair.thread.turn("Two", { whenBusy: "steer", ...clock(2) }).started;
    expect(await secondTold(asking)).toBe(2);
    pair.server.send(turnCompleted({ ...turn, turnId: "turn-2" }));
    expect(await secondTold(asking)).toBe(1);
  });

  test("falls to the thread when no turn of it is followed any more", async () => {
    await using pair = await linked(clock(1));
    const asking = new Asking(pair.server);
    const thread = await pair.client.startThread(clock(2));
    await thread.turn("Hi", clock(3)).started;
    expect(await secondTold(asking)).toBe(3);
    pair.server.send(turnCompleted(turn));
    expect(await secondTold(asking)).toBe(2);
  });

  test("is of no concern to the turns of other threads", async () => {
    await using pair = await linkedThread(clock(1));
    const asking = new Asking(pair.server);
    const other = await pair.client.startThread();
    await other.turn("Hi", clock(2)).started;
    expect(await secondTold(asking)).toBe(1);
  });

  test("outlives the turn, which it may have nothing to do with, and is answered", async () => {
    await using pair = await linkedThread();
    const asking = new Asking(pair.server);
    const signals: AbortSignal[] = [];
    const onElicitation = (_: unknown, { signal }: RequestContext) => {
      signals.push(signal);
      return defer();
    };
    await pair.thread.turn("Hi", { onElicitation }).started;
    asking.ask(methods.url, requests.url, "asked");
    expect(await asking.answered()).toEqual([]);
    const open = [{ turnId: "turn-1", deferred: true }];
    expect(pair.client.pendingRequests()).toMatchObject(open);
    pair.server.send(turnCompleted(turn));
    const status = { threadId: "thread-1", status: { type: "idle" } };
    pair.server.notify("thread/status/changed", status);
    expect(await asking.answered()).toEqual([]);
    expect(pair.client.pendingRequests()).toMatchObject(open);
    expect(signals.map(({ aborted }) => aborted)).toEqual([false]);
    pair.client.respond("asked", "decline");
    expect(await asking.answered()).toEqual(["asked"]);
    expect(pair.client.pendingRequests()).toEqual([]);
  });

  test("is lost with its connection, and the turn's stream says so", async () => {
    await using link = await LinkedAnew.start({
      onElicitation: () => defer(),
      prepare: (server) => {
        server.handle("thread/resume", () => opened("thread-1", { type: "active" }));
        server.handle("thread/read", () => ({ thread: { id: "thread-1", turns: [] } }));
      },
    });
    const thread = await link.client.startThread();
    const running = thread.turn("Hi");
    await running.started;
    link.server.send(turnStarted(turn), { id: 0, method: methods.url, params: requests.url });
    await link.client.request("config/read", {});
    await link.reconnect();
    link.server.send(turnCompleted(turn));
    const seen: string[] = [];
    for await (const { method } of running) seen.push(method);
    expect(seen.filter((method) => /request|resolved/.test(method))).toEqual([
      methods.url,
      "serverRequest/resolved",
    ]);
  });
});

describe("while a turn is being started, a request that names no turn", () => {
  test("is the starting turn's before the answer that names it", async () => {
    await using pair = await linkedThread(clock(1));
    const asking = new Asking(pair.server);
    pair.server.handle("turn/start", () => later);
    const running = pair.thread.turn("Hi", clock(2));
    const request = await pair.server.nextRequest("turn/start");
    expect(await secondTold(asking)).toBe(2);
    pair.server.respond(request, { turn: turnRecord("turn-1") });
    await running.started;
    expect(await secondTold(asking)).toBe(2);
    pair.server.send(turnCompleted(turn));
    expect(await secondTold(asking)).toBe(1);
  });

  test("does not wait for the item that names it, which a compaction only sends later", async () => {
    await using pair = await linkedThread(clock(1));
    const asking = new Asking(pair.server);
    const compaction = pair.thread.compact(clock(2));
    await pair.server.nextRequest("thread/compact/start");
    pair.server.send(turnStarted(turn));
    expect(await secondTold(asking)).toBe(2);
    const item = { type: "contextCompaction", id: "item-1" };
    pair.server.notify("item/started", { ...turn, item });
    pair.server.send(turnCompleted(turn));
    expect(await compaction.run()).toMatchObject({ status: "completed" });
  });

  test("falls to the thread when the server has refused the turn", async () => {
    await using pair = await linkedThread(clock(1));
    const asking = new Asking(pair.server);
    pair.server.handle("turn/start", () => later);
    const running = pair.thread.turn("Hi", clock(2));
    pair.server.refuse(await pair.server.nextRequest("turn/start"), -32_602, "no");
    await expect(running.started).rejects.toThrow();
    expect(await secondTold(asking)).toBe(1);
  });
});
