import { afterEach, describe, expect, jest, test } from "@jest/globals";
import { TurnFailedError, TurnLostError } from "../../../lib/turns/turn-errors.js";
import { collect, rejection, settled, stepUntil } from "../../support/collect.js";
import { later, linkedThread, ResponseError, textsSent } from "../../support/linked-server.js";
import { endedTurn, missingMethod, storeTurns } from "../../support/stored-turns.js";
import {
  agentMessage,
  textMessages,
  turnCompleted,
  turnRecord,
  turnStarted,
  type Message,
  type Params,
} from "../../support/turn-messages.js";

const ids = { threadId: "thread-1", turnId: "turn-1" };
const graceMs = 1_000;

afterEach(() => {
  jest.useRealTimers();
});

function tooBusy(): never {
  throw new ResponseError(-32_001, "Server overloaded; retry later.");
}

function status(type: string): Message {
  return { method: "thread/status/changed", params: { threadId: "thread-1", status: { type } } };
}

function errorEvent(fields: Params = {}): Message {
  const error = { message: "too much", codexErrorInfo: "rateLimitExceeded" };
  return { method: "error", params: { ...ids, error, willRetry: false, ...fields } };
}

/** A thread with a running turn, and timers that go when the test says so. */
async function running() {
  const pair = await linkedThread();
  jest.useFakeTimers({ doNotFake: ["nextTick", "setImmediate", "queueMicrotask"] });
  const turn = pair.thread.turn("Hi");
  await turn.started;
  pair.server.send(turnStarted(ids));
  const asked = () => pair.server.paramsOf("thread/turns/list").length;
  const pass = async (ms = graceMs) => {
    await settled();
    jest.advanceTimersByTime(ms);
    await settled();
  };
  /** Lets as much time pass as it takes, in steps that leave the server time to answer. */
  const passUntil = (promise: Promise<unknown>) => stepUntil(promise, () => pass());
  return { ...pair, turn, asked, pass, passUntil };
}

test("a status that a newer server may have says nothing about the turn, nor about the next", async () => {
  await using pair = await running();
  const { server, thread, turn, asked, pass } = pair;
  server.send(status("napping"));
  const next = thread.turn("And then");
  for (let second = 0; second < 60; second += 1) await pass();
  expect(asked()).toBe(0);
  expect(textsSent(server)).toEqual(["Hi"]);
  server.send(turnCompleted(ids));
  expect(await turn.run()).toMatchObject({ status: "completed" });
  await next.started;
});

describe("when the thread is idle and turn/completed does not come, the turn ends", () => {
  test("with what the server has stored of it, missed items included", async () => {
    await using pair = await running();
    const { client, server, turn, asked, pass } = pair;
    const items = ["a", "b", "c"].map((id) => ({
      turnId: "turn-1",
      item: agentMessage(id, `Text ${id}`),
      completedAtMs: 7,
    }));
    storeTurns(server, { turns: [endedTurn("turn-1")], items });
    server.send(...textMessages({ ...ids, text: "Text b" }, "b"), status("idle"));
    const events = collect(turn);
    await pass(graceMs - 1);
    expect(asked()).toBe(0);
    await pass(1);
    const result = await turn.run();
    expect(result).toMatchObject({
      status: "completed",
      durationMs: 3_000,
      finalResponse: "Text c",
    });
    expect(result.items.map(({ id }) => id)).toEqual(["b", "a", "c"]);
    expect((await events).slice(-3)).toEqual([
      { method: "item/completed", params: { ...ids, item: items[0]?.item, completedAtMs: 7 } },
      { method: "item/completed", params: { ...ids, item: items[2]?.item, completedAtMs: 7 } },
      {
        method: "turn/completed",
        params: { threadId: "thread-1", turn: { ...endedTurn("turn-1"), rootTurnId: null } },
      },
    ]);
    expect(client.session.turns.size).toBe(0);
    expect(client.session.thread("thread-1").slots.isBusy).toBe(false);
    expect(jest.getTimerCount()).toBe(0);
    // It comes after all, and changes nothing.
    server.send(turnCompleted(ids, { status: "failed" }));
    await settled();
    expect((await turn.run()).status).toBe("completed");
  });

  test("with its stored items once each, although the server's pages of them go round", async () => {
    await using pair = await running();
    const { server, turn, pass } = pair;
    const entry = (id: string) => ({ turnId: "turn-1", item: agentMessage(id, `Text ${id}`) });
    storeTurns(server, { turns: [endedTurn("turn-1")] });
    const pages: Record<string, unknown> = {
      first: { data: [entry("a")], nextCursor: "x" },
      x: { data: [entry("b")], nextCursor: "y" },
      y: { data: [entry("c")], nextCursor: "x" },
    };
    server.handle(
      "thread/items/list",
      ({ cursor }) => pages[(cursor as string | undefined) ?? "first"],
    );
    server.send(status("idle"));
    await pass();
    const { items } = await turn.run();
    expect(items.map(({ id }) => id)).toEqual(["a", "b", "c"]);
    expect(server.paramsOf("thread/items/list")).toHaveLength(3);
  });

  test.each(["systemError", "notLoaded"])("also when it is %s", async (type) => {
    await using pair = await running();
    const { server, turn, pass } = pair;
    const error = { message: "broken", codexErrorInfo: "other" };
    storeTurns(server, { turns: [endedTurn("turn-1", { status: "failed", error })] });
    server.send(status(type));
    const run = rejection(turn.run());
    await pass();
    expect(await run).toBeInstanceOf(TurnFailedError);
    expect(await run).toMatchObject({ result: { status: "failed", error } });
  });

  test("and the next one starts", async () => {
    await using pair = await running();
    const { server, thread, pass } = pair;
    storeTurns(server, { turns: [endedTurn("turn-1")] });
    const next = thread.turn("Next");
    server.send(status("idle"));
    await pass();
    await next.started;
    expect(textsSent(server)).toEqual(["Hi", "Next"]);
  });

  test("even when everything had come before the answer to turn/start", async () => {
    await using pair = await linkedThread();
    const { server, thread } = pair;
    server.handle("turn/start", (_, request) => {
      server.send(turnStarted(ids), status("idle"));
      server.respond(request, { turn: turnRecord("turn-1") });
      return later;
    });
    storeTurns(server, { turns: [endedTurn("turn-1")] });
    expect(await thread.run("Hi")).toMatchObject({ id: "turn-1", status: "completed" });
  });

  test("with an error when the server has no record of it", async () => {
    await using pair = await running();
    const { client, server, turn, pass } = pair;
    storeTurns(server);
    server.handle("thread/read", () => ({ thread: { id: "thread-1", status: { type: "idle" } } }));
    server.send(...textMessages({ ...ids, text: "Hello" }), status("idle"));
    const ends = [rejection(turn.run()), rejection(collect(turn)), rejection(turn.run())];
    await pass();
    const errors = await Promise.all(ends);
    for (const error of errors) {
      expect(error).toBeInstanceOf(TurnLostError);
      expect(error).toMatchObject({ code: "TURN_LOST", result: { finalResponse: "Hello" } });
    }
    expect(new Set(errors).size).toBe(3);
    expect(client.session.thread("thread-1").slots.isBusy).toBe(false);
  });

  test.each<[string, () => unknown]>([
    ["refuses to tell", () => missingMethod()],
    ["answers nonsense", () => ({ data: "none" })],
    ["fails", () => rpcFailure()],
  ])("with that error, too, when the server %s", async (_name, answer) => {
    await using pair = await running();
    const { server, turn, pass } = pair;
    server.handle("thread/turns/list", answer);
    server.handle("thread/read", () => missingMethod());
    server.send(status("idle"));
    const run = rejection(turn.run());
    await pass();
    expect(await run).toBeInstanceOf(TurnLostError);
  });

  test.each([
    ["does not answer", () => later],
    ["is too busy", tooBusy],
    ["says that the turn runs", () => ({ data: [turnRecord("turn-1")] })],
  ])("and when the server %s, however often it is asked", async (_, answer) => {
    await using pair = await running();
    const { server, turn, passUntil } = pair;
    server.handle("thread/turns/list", answer);
    server.send(status("idle"));
    const run = rejection(turn.run());
    await passUntil(run);
    expect(await run).toBeInstanceOf(TurnLostError);
    expect(jest.getTimerCount()).toBe(0);
  });

  test.each([
    ["does not answer", () => later],
    ["is too busy", tooBusy],
    ["says that the turn runs", () => ({ data: [turnRecord("turn-1")] })],
  ])("with what the server has stored, when it %s at first", async (_, answer) => {
    await using pair = await running();
    const { server, turn, asked, pass, passUntil } = pair;
    server.handle("thread/turns/list", answer);
    server.send(status("idle"));
    await pass();
    expect(asked()).toBe(1);
    storeTurns(server, { turns: [endedTurn("turn-1")] });
    const run = turn.run();
    await passUntil(run);
    expect(await run).toMatchObject({ status: "completed" });
  });

  test.each(["thread/closed", "thread/archived", "thread/deleted"])(
    "after %s, too, which says the same of the thread",
    async (method) => {
      await using pair = await running();
      const { server, turn, pass } = pair;
      storeTurns(server, { turns: [endedTurn("turn-1", { status: "interrupted" })] });
      server.notify(method, { threadId: "thread-1" });
      await pass();
      expect(await turn.run()).toMatchObject({ status: "interrupted" });
    },
  );
});

test("a server without thread/turns/list is asked for the thread", async () => {
  await using pair = await running();
  const { server, turn, pass } = pair;
  server.handle("thread/turns/list", missingMethod);
  server.handle("thread/items/list", missingMethod);
  server.handle("thread/read", ({ includeTurns }) => {
    const turns = includeTurns ? [endedTurn("turn-0"), endedTurn("turn-1")] : [];
    return { thread: { id: "thread-1", status: { type: "idle" }, turns } };
  });
  server.send(...textMessages({ ...ids, text: "Hello" }), status("idle"));
  const run = turn.run();
  await pass();
  // Its items have other ids there, so those of the events are kept.
  expect(await run).toMatchObject({ status: "completed", items: [{ id: "msg-1" }] });
});

test("a turn that the server says to be running is waited for, until the thread is idle again", async () => {
  await using pair = await running();
  const { server, turn, asked, pass } = pair;
  const store = storeTurns(server, { turns: [turnRecord("turn-1")] });
  server.send(status("idle"));
  await pass();
  server.send(status("active"));
  await pass(2 * graceMs);
  expect(asked()).toBe(2);
  await pass(60_000);
  expect(asked()).toBe(2);
  store.turns = [endedTurn("turn-1")];
  server.send(status("active"), status("idle"));
  await pass();
  expect(await turn.run()).toMatchObject({ status: "completed" });
});

test("a turn without a record is waited for when the thread has become active again", async () => {
  await using pair = await running();
  const { server, turn, asked, pass } = pair;
  storeTurns(server);
  server.handle("thread/read", missingMethod);
  server.send(status("idle"), status("active"));
  await pass();
  expect(asked()).toBe(1);
  server.send(turnCompleted(ids));
  expect(await turn.run()).toMatchObject({ status: "completed" });
});

test("nothing is asked when turn/completed comes in time, and no timer stays", async () => {
  await using pair = await running();
  const { server, turn, asked, pass } = pair;
  server.send(status("idle"), errorEvent(), turnCompleted(ids));
  await turn.run();
  expect(jest.getTimerCount()).toBe(0);
  await pass(60_000);
  expect(asked()).toBe(0);
});

describe("after an error that is final, without turn/completed, the turn fails", () => {
  test("with what the server says", async () => {
    await using pair = await running();
    const { server, turn, pass } = pair;
    const error = { message: "worse", codexErrorInfo: "other" };
    storeTurns(server, { turns: [endedTurn("turn-1", { status: "failed", error })] });
    server.send(errorEvent());
    const run = turn.run({ throwOnFailure: false });
    await pass();
    expect(await run).toMatchObject({ status: "failed", error, durationMs: 3_000 });
  });

  test("with the error itself when the server does not know more", async () => {
    await using pair = await running();
    const { client, server, turn, pass } = pair;
    server.send(errorEvent());
    const run = rejection(turn.run());
    await pass();
    expect(await run).toMatchObject({
      reason: "rateLimitExceeded",
      result: { status: "failed", error: { message: "too much" }, durationMs: null },
    });
    expect(client.session.thread("thread-1").slots.isBusy).toBe(false);
  });

  test("soon after the thread went idle, however long it was active after the error", async () => {
    await using pair = await running();
    const { server, turn, asked, pass } = pair;
    const store = storeTurns(server, { turns: [turnRecord("turn-1")] });
    server.send(errorEvent());
    for (let second = 0; second < 40; second += 1) await pass();
    const before = asked();
    await pass();
    expect(asked()).toBe(before);
    store.turns = [endedTurn("turn-1", { status: "failed" })];
    server.send(status("idle"), status("idle"));
    await pass();
    expect(asked()).toBe(before + 1);
    expect(await turn.run({ throwOnFailure: false })).toMatchObject({ durationMs: 3_000 });
    expect(jest.getTimerCount()).toBe(0);
  });

  test("but not when the server goes on trying", async () => {
    await using pair = await running();
    const { server, asked, pass } = pair;
    server.send(errorEvent({ willRetry: true }));
    await pass(60_000);
    expect(asked()).toBe(0);
  });
});

describe("a turn that nobody follows", () => {
  test("and whose end does not come keeps later turns waiting no longer than a moment", async () => {
    await using pair = await linkedThread();
    const { client, server, thread } = pair;
    jest.useFakeTimers({ doNotFake: ["nextTick", "setImmediate", "queueMicrotask"] });
    server.send(turnStarted({ ...ids, turnId: "stranger" }));
    await settled();
    const turn = thread.turn("Hi");
    await settled();
    expect(textsSent(server)).toEqual([]);
    server.send(status("idle"));
    await settled();
    jest.advanceTimersByTime(graceMs - 1);
    await settled();
    expect(textsSent(server)).toEqual([]);
    jest.advanceTimersByTime(1);
    await turn.started;
    expect(jest.getTimerCount()).toBe(0);
    server.send(turnCompleted(ids));
    await turn.run();
    expect(client.session.thread("thread-1").slots.isBusy).toBe(false);
  });

  test("keeps them waiting when its thread is active again", async () => {
    await using pair = await linkedThread();
    const { client, server } = pair;
    jest.useFakeTimers({ doNotFake: ["nextTick", "setImmediate", "queueMicrotask"] });
    server.send(turnStarted({ ...ids, turnId: "stranger" }), status("idle"), status("active"));
    await settled();
    jest.advanceTimersByTime(60_000);
    await settled();
    expect(client.session.thread("thread-1").slots.isRunning).toBe(true);
    expect(jest.getTimerCount()).toBe(0);
  });
});

function rpcFailure(): never {
  throw new ResponseError(-32_603, "the store is broken");
}
