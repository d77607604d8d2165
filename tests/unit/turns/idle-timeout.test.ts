import { afterEach, describe, expect, jest, test } from "@jest/globals";
import { Deferred } from "../../../lib/async/deferred.js";
import { TurnStalledError } from "../../../lib/turns/turn-errors.js";
import type { TurnEvent } from "../../../lib/protocol.js";
import type { TurnOptions } from "../../../lib/options/turn-options.js";
import { collect, rejection, settled } from "../../support/collect.js";
import { LinkedAnew } from "../../support/linked-anew.js";
import { later, linkedThread, type LinkedServer } from "../../support/linked-server.js";
import { endedTurn, missingMethod, storeTurns } from "../../support/stored-turns.js";
import {
  agentMessage,
  textMessages,
  turnCompleted,
  turnRecord,
  turnStarted,
} from "../../support/turn-messages.js";

const ids = { threadId: "thread-1", turnId: "turn-1" };
const idleTimeoutMs = 10_000;
const active = { type: "active", activeFlags: [] };
const delta = (text: string) => ({
  method: "item/agentMessage/delta",
  params: { ...ids, itemId: "msg-1", delta: text },
});

afterEach(() => {
  jest.useRealTimers();
});

/** A running turn whose server says so when it is asked, and timers that go when the test says so. */
async function running(options: TurnOptions = {}) {
  const pair = await linkedThread();
  jest.useFakeTimers({ doNotFake: ["nextTick", "setImmediate", "queueMicrotask"] });
  const store = storeTurns(pair.server, { turns: [turnRecord("turn-1")] });
  const turn = pair.thread.turn("Hi", { idleTimeoutMs, ...options });
  await turn.started;
  pair.server.send(turnStarted(ids));
  await settled();
  const asked = () => pair.server.paramsOf("thread/turns/list").length;
  const pass = async (ms: number) => {
    await settled();
    jest.advanceTimersByTime(ms);
    await settled();
  };
  return { ...pair, store, turn, asked, pass };
}

describe("a turn of which nothing comes for idleTimeoutMs", () => {
  test("rejects whoever waits, each with an error of its own, and runs on", async () => {
    await using pair = await running();
    const { server, turn, pass } = pair;
    server.send(...textMessages({ ...ids, text: "Half an" }));
    const events: TurnEvent[] = [];
    const reading = async () => {
      for await (const event of turn) events.push(event);
    };
    const waits = [rejection(turn.run()), rejection(reading()), rejection(turn.run())];
    await pass(idleTimeoutMs);
    const errors = await Promise.all(waits);
    for (const error of errors) {
      expect(error).toBeInstanceOf(TurnStalledError);
      expect(error).toMatchObject({
        code: "TURN_STALLED",
        idleTimeoutMs,
        probe: "running",
        result: { id: "turn-1", status: "inProgress", items: [{ text: "Half an" }] },
      });
      expect((error as Error).message).toContain("10000 ms; the server says that it runs");
    }
    expect(new Set(errors).size).toBe(3);
    expect(JSON.stringify(errors)).not.toContain("Half an");
    expect(server.paramsOf("turn/interrupt")).toEqual([]);

    const again = [turn.run(), reading()] as const;
    server.send(turnCompleted(ids));
    await Promise.all(again);
    expect((await turn.run()).status).toBe("completed");
    expect(events).toEqual([
      turnStarted(ids),
      ...textMessages({ ...ids, text: "Half an" }),
      turnCompleted(ids),
    ]);
    expect(jest.getTimerCount()).toBe(0);
  });

  test("gives whoever waits again another whole period", async () => {
    await using pair = await running();
    const { turn, asked, pass } = pair;
    const first = rejection(turn.run());
    await pass(idleTimeoutMs);
    await first;
    await pass(idleTimeoutMs / 2);
    const second = rejection(turn.run());
    await pass(idleTimeoutMs - 1);
    expect(asked()).toBe(1);
    await pass(1);
    expect(await second).toBeInstanceOf(TurnStalledError);
    expect(asked()).toBe(2);
  });

  test("ends when the server says that it has ended, with what was missed", async () => {
    await using pair = await running();
    const { client, server, store, turn, pass } = pair;
    store.turns = [endedTurn("turn-1")];
    store.items = [{ turnId: "turn-1", item: agentMessage("a", "Hello"), completedAtMs: 7 }];
    const events = collect(turn);
    await pass(idleTimeoutMs);
    expect(await turn.run()).toMatchObject({ status: "completed", finalResponse: "Hello" });
    expect((await events).map(({ method }) => method)).toEqual([
      "turn/started",
      "item/completed",
      "turn/completed",
    ]);
    expect(client.session.thread("thread-1").slots.isBusy).toBe(false);
    expect(server.paramsOf("turn/interrupt")).toEqual([]);
  });

  test("says that the server does not tell, when it does not", async () => {
    await using pair = await running();
    const { server, turn, pass } = pair;
    server.handle("thread/turns/list", missingMethod);
    server.handle("thread/read", missingMethod);
    const run = rejection(turn.run());
    await pass(idleTimeoutMs);
    expect(await run).toMatchObject({ code: "TURN_STALLED", probe: "unknown" });
  });

  test("is no error for a consumer that is at work, nor does anybody take its place", async () => {
    await using pair = await running();
    const { server, turn, pass } = pair;
    const events = turn.stream();
    await events.next();
    await pass(idleTimeoutMs * 3);
    expect(() => turn.stream()).toThrow("already being iterated");
    const next = events.next();
    server.send(turnCompleted(ids));
    expect((await next).value).toEqual(turnCompleted(ids));
  });

  test("lets the text be read on where it stopped, without repeating any", async () => {
    await using pair = await running();
    const { server, turn, pass } = pair;
    const pieces: string[] = [];
    const reading = async () => {
      for await (const piece of turn.textStream()) pieces.push(piece);
    };
    const messages = textMessages({ ...ids, text: "One two" });
    server.send(...messages.slice(0, 2));
    const stalled = rejection(reading());
    await pass(idleTimeoutMs);
    expect(await stalled).toBeInstanceOf(TurnStalledError);
    const again = reading();
    server.send(...messages.slice(2), turnCompleted(ids));
    await again;
    expect(pieces).toEqual(["One ", "two"]);
  });

  test("keeps all that comes until it is read on, though run() was called beside it", async () => {
    await using pair = await running();
    const { server, turn, pass } = pair;
    const reading = async () => {
      const methods: string[] = [];
      for await (const { method } of turn) methods.push(method);
      return methods;
    };
    const waits = [rejection(turn.run()), rejection(reading())];
    await pass(idleTimeoutMs);
    await Promise.all(waits);
    const large = { method: "item/novel", params: { ...ids, text: "x".repeat(1_000_000) } };
    server.send(large, large, large, turnCompleted(ids));
    await settled();
    expect(await reading()).toEqual([...Array<string>(3).fill("item/novel"), "turn/completed"]);
  });
});

describe("what is not silence:", () => {
  test("events, whose number costs no timers", async () => {
    await using pair = await running();
    const { server, turn, asked, pass } = pair;
    const run = turn.run();
    const set = jest.spyOn(globalThis, "setTimeout");
    for (let round = 0; round < 8; round += 1) {
      server.send(...Array.from({ length: 50 }, () => delta("x")));
      await pass(idleTimeoutMs - 1);
    }
    expect(asked()).toBe(0);
    expect(set.mock.calls.length).toBeLessThan(20);
    server.send(turnCompleted(ids));
    await run;
    set.mockRestore();
  });

  test("notices that the server tries again", async () => {
    await using pair = await running();
    const { server, asked, pass } = pair;
    const error = { message: "Reconnecting... 1/5", codexErrorInfo: null };
    for (let round = 0; round < 4; round += 1) {
      server.send({ method: "error", params: { ...ids, error, willRetry: true } });
      await pass(idleTimeoutMs - 1);
    }
    expect(asked()).toBe(0);
  });

  test("the wait for an answer of ours", async () => {
    const deciding = new Deferred<"accept">();
    await using pair = await running({ onApproval: () => deciding.promise });
    const { server, turn, asked, pass } = pair;
    const params = { ...ids, itemId: "cmd-1", command: "ls", startedAtMs: 1 };
    server.send({ id: 7, method: "item/commandExecution/requestApproval", params });
    const run = rejection(turn.run());
    await pass(idleTimeoutMs * 5);
    expect(asked()).toBe(0);
    deciding.resolve("accept");
    await pass(idleTimeoutMs);
    await pass(idleTimeoutMs);
    expect(await run).toBeInstanceOf(TurnStalledError);
  });

  test("the wait for the thread, and for the answer to turn/start no longer than that", async () => {
    await using pair = await running();
    const { server, thread, asked, pass } = pair;
    const next = thread.turn("Next", { idleTimeoutMs: 100 });
    const run = rejection(next.run());
    await pass(5_000);
    expect(asked()).toBe(0);
    server.send(turnCompleted(ids));
    await next.started;
    await pass(100);
    expect(await run).toBeInstanceOf(TurnStalledError);
  });

  test("what a sub-agent does", async () => {
    await using pair = await running();
    const { server, asked, pass } = pair;
    const item = {
      ...{ type: "collabAgentToolCall", id: "call-1", tool: "spawnAgent", status: "completed" },
      ...{ senderThreadId: "thread-1", receiverThreadIds: ["child"], agentsStates: {} },
    };
    server.send({ method: "item/completed", params: { ...ids, item } });
    const child = { threadId: "child", turnId: "child-turn" };
    server.send(turnStarted(child));
    for (let round = 0; round < 4; round += 1) {
      await pass(idleTimeoutMs - 1);
      server.send(...textMessages({ ...child, text: "busy" }));
    }
    await pass(0);
    expect(asked()).toBe(0);
  });
});

test("no timer stays behind the end of a turn, and Infinity sets none", async () => {
  await using pair = await running();
  const { server, thread, turn } = pair;
  expect(jest.getTimerCount()).toBe(1);
  server.send(turnCompleted(ids));
  await turn.run();
  expect(jest.getTimerCount()).toBe(0);
  const next = thread.turn("Hi", { idleTimeoutMs: Infinity });
  await next.started;
  expect(jest.getTimerCount()).toBe(0);
  server.send(turnCompleted({ ...ids, turnId: "turn-2" }));
  await next.run();
});

test.each([0, -1, Number.NaN, "1000", null])("idleTimeoutMs cannot be %p", async (wrong) => {
  await using pair = await linkedThread();
  const { thread } = pair;
  const options = { idleTimeoutMs: wrong as number };
  expect(() => thread.turn("Hi", options)).toThrow("idleTimeoutMs must be a positive number");
  expect(() => thread.compact(options)).toThrow("idleTimeoutMs must be a positive number");
});

describe("while the connection is away, silence does not count", () => {
  /** A client with timers that go when the test says so, whose later servers are let in by the test. */
  async function cut(prepare: (server: LinkedServer, index: number) => void) {
    const letIn = new Deferred<void>();
    const link = await LinkedAnew.start({
      prepare: async (server, index) => {
        server.handle("thread/resume", ({ threadId }) => ({
          thread: { id: threadId, status: active, turns: [] },
        }));
        server.handle("thread/read", ({ threadId }) => ({
          thread: { id: threadId, status: active },
        }));
        prepare(server, index);
        if (index > 0) await letIn.promise;
      },
    });
    const thread = await link.client.startThread();
    jest.useFakeTimers({ doNotFake: ["nextTick", "setImmediate", "queueMicrotask"] });
    const turn = thread.turn("Hi", { idleTimeoutMs });
    const outcome = Promise.allSettled([turn.run()]);
    const pass = async (ms: number) => {
      await settled();
      jest.advanceTimersByTime(ms);
      await settled();
    };
    return { link, turn, outcome, letIn, pass, [Symbol.asyncDispose]: () => link.client.close() };
  }

  test("not even when it is back just before the time is up", async () => {
    await using scene = await cut((server) => {
      storeTurns(server, { turns: [turnRecord("turn-1")] });
    });
    const { link, turn, outcome, letIn, pass } = scene;
    await turn.started;
    link.server.send(turnStarted(ids));
    await settled();
    await link.drop();
    await pass(idleTimeoutMs);
    await pass(idleTimeoutMs - 10);
    letIn.resolve();
    await link.client.session.available();
    await pass(10);
    await pass(10);
    link.server.send(turnCompleted(ids));
    await settled();
    expect(await outcome).toMatchObject([{ status: "fulfilled" }]);
  });

  test("nor when it was cut before the answer that names the turn", async () => {
    const sent: { clientId?: unknown } = {};
    await using scene = await cut((server, index) => {
      if (index === 0) server.handle("turn/start", () => later);
      const item = { type: "userMessage", id: "user-1", ...sent, content: [] };
      const items = [{ turnId: "turn-1", item }];
      storeTurns(server, { turns: [turnRecord("turn-1")], items: index === 0 ? [] : items });
    });
    const { link, turn, outcome, letIn, pass } = scene;
    const start = await link.server.nextRequest("turn/start");
    sent.clientId = start.params["clientUserMessageId"];
    await link.drop();
    await pass(idleTimeoutMs);
    for (let seconds = 0; seconds < 10; seconds += 1) await pass(1_000);
    letIn.resolve();
    expect(await turn.started).toEqual({ id: "turn-1" });
    await settled();
    link.server.send(turnCompleted(ids));
    await settled();
    expect(await outcome).toMatchObject([{ status: "fulfilled" }]);
  });
});
