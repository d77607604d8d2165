import { afterEach, describe, expect, jest, test } from "@jest/globals";
import { RequestTimeoutError } from "../../../lib/errors/connection-errors.js";
import type { Thread } from "../../../lib/thread.js";
import type { Turn } from "../../../lib/turn.js";
import { collect, rejection, settled } from "../../support/collect.js";
import { later, linkedThread, ResponseError } from "../../support/linked-server.js";
import { storeTurns } from "../../support/stored-turns.js";
import {
  opened,
  turnCompleted,
  turnMessages,
  turnRecord,
  turnStarted,
  type Message,
  type Params,
} from "../../support/turn-messages.js";

const ids = { threadId: "thread-1", turnId: "turn-1" };
const requestTimeoutMs = 7_777;

afterEach(() => {
  jest.useRealTimers();
});

/** A thread, and timers that go when the test says so. */
async function linkedWithLimit() {
  const pair = await linkedThread({ requestTimeoutMs });
  jest.useFakeTimers({ doNotFake: ["nextTick", "setImmediate", "queueMicrotask"] });
  const timeOut = async () => {
    await settled();
    jest.advanceTimersByTime(requestTimeoutMs);
    await settled();
  };
  return { ...pair, timeOut };
}

function itemStarted(item: Params): Message {
  return { method: "item/started", params: { ...ids, item: { id: "item-1", ...item } } };
}

const review = { type: "custom", instructions: "Look" } as const;

describe("a turn that is started after its deadline, when nobody waits for it", () => {
  test.each<[string, (thread: Thread) => Turn]>([
    ["turn/start", (thread) => thread.turn("Hi")],
    ["review/start", (thread) => thread.review(review)],
    ["thread/queue/start", (thread) => thread.queue.start()],
  ])("is interrupted: %s", async (method, start) => {
    await using pair = await linkedWithLimit();
    const { client, server, thread, timeOut } = pair;
    server.handle(method, () => later);
    const run = rejection(start(thread).run());
    const request = await server.nextRequest(method);
    await timeOut();
    const error = (await run) as RequestTimeoutError;
    expect(error).toBeInstanceOf(RequestTimeoutError);
    expect(error.message).toBe(
      `${method} was not answered within 7777 ms; the server may still carry it out. ` +
        "If it does, this client interrupts the turn.",
    );
    server.respond(request, { turn: turnRecord("turn-1") });
    expect((await server.nextRequest("turn/interrupt")).params).toEqual(ids);
    await settled();
    expect(client.session.turns.size).toBe(0);
  });

  test("is interrupted again when the server was not ready for that", async () => {
    await using pair = await linkedWithLimit();
    const { server, thread, timeOut } = pair;
    server.handle("turn/start", () => later);
    let refusals = 0;
    server.handle("turn/interrupt", () => {
      refusals += 1;
      if (refusals === 1) throw new ResponseError(-32_600, "no active turn to interrupt");
      return {};
    });
    const run = rejection(thread.run("Hi"));
    const request = await server.nextRequest("turn/start");
    await timeOut();
    await run;
    server.respond(request, { turn: turnRecord("turn-1") });
    await server.nextRequest("turn/interrupt");
    await settled();
    expect(refusals).toBe(1);
    server.send(turnStarted(ids));
    await server.nextRequest("turn/interrupt");
    expect(refusals).toBe(2);
  });

  test("is known by its message when the answer never comes", async () => {
    await using pair = await linkedWithLimit();
    const { server, thread, timeOut } = pair;
    server.handle("turn/start", () => later);
    const run = rejection(thread.run("Hi", { clientUserMessageId: "mine" }));
    await server.nextRequest("turn/start");
    await timeOut();
    expect(await run).toBeInstanceOf(RequestTimeoutError);
    server.send(
      { ...itemStarted({ type: "userMessage", clientId: "other" }) },
      turnStarted(ids),
      itemStarted({ type: "userMessage", clientId: "mine" }),
    );
    expect((await server.nextRequest("turn/interrupt")).params).toEqual(ids);
    await settled();
    expect(server.paramsOf("turn/interrupt")).toHaveLength(1);
    expect(jest.getTimerCount()).toBe(0);
  });

  test.each<[string, Params, (thread: Thread) => Turn]>([
    ["thread/compact/start", { type: "contextCompaction" }, (thread) => thread.compact()],
    [
      "thread/shellCommand",
      { type: "commandExecution", source: "userShell" },
      (thread) => thread.shellCommand("ls"),
    ],
  ])("is known by its item when no answer names it: %s", async (method, item, start) => {
    await using pair = await linkedWithLimit();
    const { server, thread, timeOut } = pair;
    server.handle(method, () => later);
    const run = rejection(start(thread).run());
    const request = await server.nextRequest(method);
    await timeOut();
    await run;
    server.respond(request, {});
    server.send(turnStarted(ids), itemStarted(item));
    expect((await server.nextRequest("turn/interrupt")).params).toEqual(ids);
  });

  test("is looked for no longer than a minute", async () => {
    await using pair = await linkedWithLimit();
    const { server, thread, timeOut } = pair;
    server.handle("turn/start", () => later);
    const run = rejection(thread.run("Hi", { clientUserMessageId: "mine" }));
    await timeOut();
    await run;
    expect(jest.getTimerCount()).toBe(1);
    jest.advanceTimersByTime(60_000);
    // What had come by then would still count.
    await settled();
    expect(jest.getTimerCount()).toBe(0);
    server.send(turnStarted(ids), itemStarted({ type: "userMessage", clientId: "mine" }));
    await settled();
    expect(server.paramsOf("turn/interrupt")).toEqual([]);
  });

  test("is left alone when another handle's input has become part of it", async () => {
    await using pair = await linkedWithLimit();
    const { server, thread, timeOut } = pair;
    server.handle("turn/start", () => later);
    const first = rejection(thread.run("One"));
    const request = await server.nextRequest("turn/start");
    await timeOut();
    await first;
    const second = thread.turn("Two");
    const next = await server.nextRequest("turn/start");
    server.respond(request, { turn: turnRecord("turn-1") });
    await settled();
    server.respond(next, { turn: turnRecord("turn-1") });
    await second.started;
    await settled();
    expect(server.paramsOf("turn/interrupt")).toEqual([]);
    server.send(turnStarted(ids), turnCompleted(ids));
    expect(await second.run()).toMatchObject({ id: "turn-1", status: "completed" });
  });

  test("is a review that runs under another id, which is looked up", async () => {
    await using pair = await linkedWithLimit();
    const { server, thread, timeOut } = pair;
    server.handle("review/start", () => later);
    storeTurns(server, { turns: [turnRecord("inner", { rootTurnId: "turn-1" })] });
    server.handle("turn/interrupt", ({ turnId }) => {
      if (turnId === "inner") return {};
      throw new ResponseError(-32_600, "expected active turn id `turn-1` but found `inner`");
    });
    const run = rejection(thread.review(review).run());
    const request = await server.nextRequest("review/start");
    await timeOut();
    await run;
    server.respond(request, { turn: turnRecord("turn-1") });
    await server.nextRequest("turn/interrupt");
    server.send(turnStarted({ ...ids, turnId: "inner" }));
    expect((await server.nextRequest("turn/interrupt")).params["turnId"]).toBe("inner");
  });
});

test("a turn whose events show that it runs goes on without an answer", async () => {
  await using pair = await linkedWithLimit();
  const { server, thread, timeOut } = pair;
  server.handle("turn/start", () => later);
  const turn = thread.turn("Hi", { clientUserMessageId: "mine" });
  await server.nextRequest("turn/start");
  const [start, ...rest] = turnMessages({ ...ids, text: "Hello" });
  const message = itemStarted({ type: "userMessage", clientId: "mine" });
  server.send(start as Message, message);
  await timeOut();
  server.send(...rest);
  expect(await collect(turn)).toEqual([start, message, ...rest]);
  expect(await turn.run()).toMatchObject({ id: "turn-1", finalResponse: "Hello" });
});

describe("a thread that is opened after the deadline, when nobody waits for it", () => {
  test("is unsubscribed from, and not deleted", async () => {
    await using pair = await linkedWithLimit();
    const { client, server, timeOut } = pair;
    server.handle("thread/start", () => later);
    const start = rejection(client.startThread());
    await settled();
    const request = server.requests.at(-1);
    await timeOut();
    expect((await start) as Error).toMatchObject({
      code: "REQUEST_TIMEOUT",
      message: expect.stringContaining("If it does, this client unsubscribes from the thread."),
    });
    if (request) server.respond(request, opened("late"));
    expect((await server.nextRequest("thread/unsubscribe")).params).toEqual({ threadId: "late" });
    expect(server.paramsOf("thread/delete")).toEqual([]);
  });

  test("is unsubscribed from when it is a copy, too", async () => {
    await using pair = await linkedWithLimit();
    const { server, thread, timeOut } = pair;
    server.handle("thread/fork", () => later);
    const fork = rejection(thread.fork());
    const request = await server.nextRequest("thread/fork");
    await timeOut();
    expect(await fork).toBeInstanceOf(RequestTimeoutError);
    server.respond(request, opened("late"));
    expect((await server.nextRequest("thread/unsubscribe")).params).toEqual({ threadId: "late" });
  });

  test.each<[string, unknown]>([
    ["no thread", {}],
    ["nothing", null],
    ["a thread that is in use by now", opened("thread-1")],
  ])("is left alone when the answer names %s", async (_name, answer) => {
    await using pair = await linkedWithLimit();
    const { server, thread, timeOut } = pair;
    server.handle("thread/fork", () => later);
    const fork = rejection(thread.fork());
    const request = await server.nextRequest("thread/fork");
    await timeOut();
    await fork;
    server.respond(request, answer);
    await settled();
    expect(server.paramsOf("thread/unsubscribe")).toEqual([]);
  });
});
