import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import { RequestTimeoutError } from "../../../lib/errors/connection-errors.js";
import { StopUnconfirmedError, TurnTimeoutError } from "../../../lib/turns/turn-errors.js";
import { TurnDetachedError } from "../../../lib/errors/turn-detached-error.js";
import type { ConnectionSettings } from "../../../lib/options/options.js";
import { Deferred } from "../../../lib/async/deferred.js";
import type { Turn } from "../../../lib/turn.js";
import { rejection, settled, stepUntil } from "../../support/collect.js";
import { Asking } from "../server-requests/asking.js";
import { later, linkedThread, ResponseError, textsSent } from "../../support/linked-server.js";
import { storeTurns } from "../../support/stored-turns.js";
import { turnCompleted, turnRecord, turnStarted } from "../../support/turn-messages.js";

const ids = { threadId: "thread-1", turnId: "turn-1" };
const interrupted = turnCompleted(ids, { status: "interrupted" });
/** How long those who wait for a turn that is being stopped wait at most (ms). */
const graceMs = 10_000;

beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ["nextTick", "setImmediate", "queueMicrotask"] });
});

afterEach(() => {
  jest.useRealTimers();
});

/** Lets so many seconds pass. */
async function seconds(count: number): Promise<void> {
  for (let second = 0; second < count; second += 1) {
    await settled();
    jest.advanceTimersByTime(1_000);
  }
  await settled();
}

/** A thread on a server that says, until it begins a turn, that none runs. */
async function slowServer(options: ConnectionSettings = {}) {
  const pair = await linkedThread(options);
  const { server } = pair;
  let runs = false;
  server.handle("thread/read", () => ({ thread: { status: { type: runs ? "active" : "idle" } } }));
  server.handle("turn/interrupt", () => {
    if (!runs) throw new ResponseError(-32_600, "no active turn to interrupt");
    runs = false;
    server.send(interrupted);
    return {};
  });
  const begin = (of = ids): void => {
    runs = true;
    server.send(turnStarted(of));
  };
  return { ...pair, begin, interrupts: () => server.paramsOf("turn/interrupt") };
}

/** Counts the settling of a promise, and whether it went well. */
function outcomeOf(promise: Promise<unknown>): { state: "pending" | "resolved" | "rejected" } {
  const outcome: { state: "pending" | "resolved" | "rejected" } = { state: "pending" };
  promise.then(
    () => (outcome.state = "resolved"),
    () => (outcome.state = "rejected"),
  );
  return outcome;
}

describe("a turn that begins long after the answer to turn/start", () => {
  test.each([3, 8, 40])("is interrupted when it begins, after %d s", async (delay) => {
    await using pair = await slowServer();
    const { begin, interrupts, thread } = pair;
    const turn = thread.turn("Hi");
    await turn.started;
    const interrupting = turn.interrupt();
    const outcome = outcomeOf(interrupting);
    await seconds(delay);
    expect(outcome.state).toBe("pending");
    const refused = interrupts().length;
    expect(refused).toBeLessThan(20);
    begin();
    // The event alone is enough: no time passes.
    await interrupting;
    expect(interrupts().slice(refused)).toEqual([ids]);
    expect((await turn.run()).status).toBe("interrupted");
  });

  test("is interrupted by a second call, too, when the first one was told that it is unconfirmed", async () => {
    await using pair = await slowServer();
    const { begin, thread } = pair;
    const turn = thread.turn("Hi");
    await turn.started;
    const first = rejection(turn.interrupt());
    await seconds(61);
    const error = await first;
    expect(error).toBeInstanceOf(StopUnconfirmedError);
    expect(error).toMatchObject({ code: "STOP_UNCONFIRMED", waitedMs: 60_000 });
    const second = turn.interrupt();
    await settled();
    begin();
    await second;
    expect((await turn.run()).status).toBe("interrupted");
  });

  test("is interrupted although nobody calls again after that", async () => {
    await using pair = await slowServer();
    const { begin, thread } = pair;
    const turn = thread.turn("Hi");
    await turn.started;
    const call = rejection(turn.interrupt());
    await seconds(61);
    await call;
    begin();
    expect((await turn.run()).status).toBe("interrupted");
  });

  const ways: [string, (turn: Turn, abort: AbortController) => Promise<unknown>][] = [
    ["a signal", (turn, abort) => (abort.abort("enough"), rejection(turn.run()))],
    ["the end of an `await using` block", (turn) => turn[Symbol.asyncDispose]()],
    ["leaving its loop", async (turn) => turn.stream().return?.()],
  ];
  test.each(ways)("is pursued beyond the grace, and the next waits: %s", async (_, stop) => {
    await using pair = await slowServer();
    const { begin, client, interrupts, server, thread } = pair;
    const abort = new AbortController();
    const turn = thread.turn("One", { signal: abort.signal });
    await turn.started;
    const stopped = stop(turn, abort);
    const next = thread.turn("Two");
    await seconds(graceMs / 1_000 + 1);
    await stopped;
    await seconds(29);
    expect(textsSent(server)).toEqual(["One"]);
    const refused = interrupts().length;
    begin();
    await settled();
    expect(interrupts().slice(refused)).toEqual([ids]);
    expect(await next.started).toEqual({ id: "turn-2" });
    expect(textsSent(server)).toEqual(["One", "Two"]);
    server.turn({ threadId: "thread-1", turnId: "turn-2", text: "Hello" });
    expect(await next.run()).toMatchObject({ finalResponse: "Hello" });
    await settled();
    expect(client.session.turns.size).toBe(0);
    expect(client.session.thread("thread-1").slots.isBusy).toBe(false);
  });

  test("is said to be unconfirmed, in the error and in the log", async () => {
    const warn = jest.fn<(message: string) => void>();
    await using pair = await slowServer({ logger: { warn } });
    const { begin, thread } = pair;
    const turn = thread.turn("A secret", { timeoutMs: 1_000 });
    await turn.started;
    const run = rejection(turn.run());
    await seconds(12);
    const error = await run;
    expect(error).toBeInstanceOf(TurnTimeoutError);
    expect(error).toMatchObject({
      stopConfirmed: false,
      message:
        "The turn did not end within 1000 ms and the server has not confirmed yet that it stopped. " +
        "This client goes on stopping it. " +
        "See result for what it has done, and raise timeoutMs if it needs longer.",
    });
    expect(warn.mock.calls).toEqual([
      [
        "A turn was given up, and the server has not confirmed that it stopped. This client goes on stopping it.",
      ],
    ]);
    begin();
    await settled();
    expect(turn.state.status).toBe("interrupted");
  });

  test("lets the next one go when it has not begun for a minute on an idle thread, and is stopped even then", async () => {
    await using pair = await slowServer();
    const { begin, interrupts, thread } = pair;
    const abort = new AbortController();
    const turn = thread.turn("One", { signal: abort.signal });
    await turn.started;
    const run = rejection(turn.run());
    abort.abort("enough");
    await seconds(11);
    expect(await run).toBe("enough");
    const next = thread.turn("Two");
    await stepUntil(next.started, () => {
      jest.advanceTimersByTime(1_000);
    });
    const refused = interrupts().length;
    begin();
    await settled();
    expect(interrupts().slice(refused)).toEqual([ids]);
  });
});

describe("a stop that the server", () => {
  test("is too busy for is tried again after an abort", async () => {
    await using pair = await slowServer();
    const { server, thread } = pair;
    const abort = new AbortController();
    const turn = thread.turn("Hi", { signal: abort.signal });
    await turn.started;
    server.send(turnStarted(ids));
    server.handle("turn/interrupt", () => {
      throw new ResponseError(-32_001, "Server overloaded; retry later.");
    });
    await settled();
    const run = rejection(turn.run());
    abort.abort("enough");
    await seconds(graceMs / 1_000 + 5);
    expect(await run).toBe("enough");
    server.handle("turn/interrupt", () => {
      server.send(interrupted);
      return {};
    });
    await seconds(5);
    expect(turn.state.status).toBe("interrupted");
  });

  test("does not answer is tried again after an abort", async () => {
    await using pair = await slowServer();
    const { server, thread } = pair;
    const abort = new AbortController();
    const turn = thread.turn("Hi", { signal: abort.signal });
    await turn.started;
    server.send(turnStarted(ids));
    server.handle("thread/read", () => ({ thread: { status: { type: "active" } } }));
    server.handle("turn/interrupt", () => later);
    await settled();
    const run = rejection(turn.run());
    abort.abort("enough");
    await seconds(graceMs / 1_000 + 1);
    expect(await run).toBe("enough");
    const next = thread.turn("Two");
    await seconds(55);
    expect(server.paramsOf("turn/interrupt").length).toBeGreaterThan(1);
    expect(textsSent(server)).toEqual(["Hi"]);
    server.send(interrupted);
    expect(await next.started).toEqual({ id: "turn-2" });
  });

  test("refuses because the turn has ended, unheard, ends it with what the server has stored", async () => {
    await using pair = await slowServer();
    const { interrupts, server, thread } = pair;
    const turn = thread.turn("Hi");
    await turn.started;
    server.send(turnStarted(ids));
    storeTurns(server, { turns: [turnRecord("turn-1", { status: "completed" })] });
    await settled();
    await Promise.all([turn.interrupt(), seconds(2)]);
    expect((await turn.run()).status).toBe("completed");
    const asked = interrupts().length;
    await seconds(20);
    expect(interrupts()).toHaveLength(asked);
  });
});

describe("a stop goes on", () => {
  test("when no more is heard of the turn, since its thread was unsubscribed from", async () => {
    await using pair = await slowServer();
    const { begin, client, interrupts, thread } = pair;
    const turn = thread.turn("Hi");
    await turn.started;
    const interrupting = turn.interrupt();
    await seconds(2);
    await client.request("thread/unsubscribe", { threadId: "thread-1" });
    const refused = interrupts().length;
    expect(await rejection(turn.run())).toBeInstanceOf(TurnDetachedError);
    begin();
    await Promise.all([interrupting, seconds(2)]);
    expect(interrupts().slice(refused)).toEqual([ids]);
  });

  test("when the server names the turn after its deadline, and begins it much later", async () => {
    await using pair = await slowServer({ requestTimeoutMs: 1_000 });
    const { begin, client, interrupts, server, thread } = pair;
    server.handle("turn/start", () => later);
    const run = rejection(thread.run("Hi"));
    const request = await server.nextRequest("turn/start");
    await seconds(2);
    expect(await run).toBeInstanceOf(RequestTimeoutError);
    server.respond(request, { turn: turnRecord("turn-1") });
    await seconds(8);
    const refused = interrupts().length;
    begin();
    await settled();
    expect(interrupts().slice(refused)).toEqual([ids]);
    expect(client.session.thread("thread-1").slots.isBusy).toBe(false);
  });

  test("when the server names it after its deadline and never begins it, and the next one goes after a minute", async () => {
    await using pair = await slowServer({ requestTimeoutMs: 1_000 });
    const { interrupts, server, thread } = pair;
    const start = server.handler("turn/start");
    server.handle("turn/start", () => later);
    const run = rejection(thread.run("One"));
    const request = await server.nextRequest("turn/start");
    await seconds(2);
    await run;
    server.handle("turn/start", start);
    server.respond(request, { turn: turnRecord("turn-0") });
    await settled();
    const next = thread.turn("Two");
    await seconds(30);
    expect(textsSent(server)).toEqual(["One"]);
    await stepUntil(next.started, () => {
      jest.advanceTimersByTime(1_000);
    });
    const asked = interrupts().length;
    await seconds(6);
    expect(interrupts().length).toBeGreaterThan(asked);
  });
});

test("a thread that the server has unloaded runs no turn, and the server is not asked for ever", async () => {
  await using pair = await slowServer();
  const { client, interrupts, server, thread } = pair;
  for (const method of ["turn/interrupt", "thread/read", "thread/turns/list"]) {
    server.handle(method, () => {
      throw new ResponseError(-32_600, "thread not found: thread-1");
    });
  }
  const abort = new AbortController();
  const turn = thread.turn("Hi", { signal: abort.signal });
  await turn.started;
  server.send(turnStarted(ids));
  await settled();
  const run = rejection(turn.run());
  abort.abort("enough");
  await seconds(graceMs / 1_000 + 1);
  expect(await run).toBe("enough");
  await seconds(60);
  expect(interrupts()).toEqual([ids]);
  expect(client.session.thread("thread-1").slots.isBusy).toBe(false);
  expect(jest.getTimerCount()).toBe(0);
});

describe("what the server asks of a turn that is being stopped", () => {
  const question = { ...ids, itemId: "item-1", command: "ls", cwd: "/" };

  test("is refused, whoever would allow it", async () => {
    const asked = jest.fn<() => "accept">(() => "accept");
    await using pair = await slowServer({ onApproval: "accept" });
    const { begin, server, thread } = pair;
    const asking = new Asking(server);
    const abort = new AbortController();
    const turn = thread.turn("Hi", { signal: abort.signal, onApproval: asked });
    await turn.started;
    begin();
    server.handle("turn/interrupt", () => later);
    await settled();
    const method = "item/commandExecution/requestApproval";
    expect(await asking.answer(method, question)).toEqual({ result: { decision: "accept" } });
    expect(asked).toHaveBeenCalledTimes(1);
    const run = rejection(turn.run());
    abort.abort("enough");
    await settled();
    expect(await asking.answer(method, question)).toEqual({ result: { decision: "decline" } });
    await seconds(15);
    expect(await run).toBe("enough");
    expect(await asking.answer(method, question)).toEqual({ result: { decision: "decline" } });
    expect(asked).toHaveBeenCalledTimes(1);
  });

  test("is refused, also of what runs here, and what was being answered", async () => {
    const execute = jest.fn(() => Promise.resolve("Sunny."));
    const inputSchema = { type: "object" };
    const weather = { name: "weather", description: "The weather.", inputSchema, execute };
    const decided = new Deferred<"accept">();
    await using pair = await slowServer({ onApproval: () => decided.promise });
    const { begin, client, server } = pair;
    const asking = new Asking(server);
    const thread = await client.startThread({ tools: [weather] });
    const own = { threadId: thread.id, turnId: "turn-1" };
    const abort = new AbortController();
    const turn = thread.turn("Hi", { signal: abort.signal });
    await turn.started;
    begin(own);
    server.handle("turn/interrupt", () => later);
    await settled();
    const method = "item/commandExecution/requestApproval";
    const early = asking.ask(method, { ...question, ...own });
    await settled();
    turn.run().catch(() => undefined);
    abort.abort("enough");
    decided.resolve("accept");
    expect(await asking.answerTo(early)).toEqual({ result: { decision: "decline" } });
    const call = { ...own, callId: "call-1", namespace: null, tool: "weather", arguments: {} };
    expect(await asking.answer("item/tool/call", call)).toMatchObject({
      result: { success: false },
    });
    expect(execute).not.toHaveBeenCalled();
  });

  test("is asked as before when the server would not stop it and said so", async () => {
    await using pair = await slowServer({ onApproval: "accept" });
    const { server, thread } = pair;
    const asking = new Asking(server);
    server.handle("turn/interrupt", () => {
      throw new ResponseError(-32_603, "out of luck");
    });
    const turn = thread.turn("Hi");
    await turn.started;
    server.send(turnStarted(ids));
    await rejection(turn.interrupt());
    const method = "item/commandExecution/requestApproval";
    expect(await asking.answer(method, question)).toEqual({ result: { decision: "accept" } });
  });
});

test("what the connection's end takes with it is not stopped any more", async () => {
  await using pair = await slowServer();
  const { server, thread } = pair;
  const abort = new AbortController();
  const turn = thread.turn("Hi", { signal: abort.signal });
  await turn.started;
  const run = rejection(turn.run());
  abort.abort("enough");
  await seconds(20);
  expect(await run).toBe("enough");
  server.crash({ exitCode: 1 });
  await settled();
  expect(jest.getTimerCount()).toBe(0);
});

describe("of a turn that was given up before its answer came", () => {
  test("the answer is waited for before the next turn goes, and the turn is interrupted", async () => {
    await using pair = await slowServer();
    const { begin, interrupts, server, thread } = pair;
    server.handle("turn/start", () => later);
    const abort = new AbortController();
    const turn = thread.turn("One", { signal: abort.signal });
    const request = await server.nextRequest("turn/start");
    const run = rejection(turn.run());
    abort.abort("enough");
    await seconds(graceMs / 1_000 + 1);
    expect(await run).toBe("enough");
    thread.turn("Two");
    await seconds(10);
    expect(textsSent(server)).toEqual(["One"]);
    server.respond(request, { turn: turnRecord("turn-1") });
    begin();
    await seconds(2);
    expect(interrupts()).toContainEqual(ids);
    expect(textsSent(server)).toEqual(["One", "Two"]);
  });
});
