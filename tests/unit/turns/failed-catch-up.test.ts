import { afterEach, describe, expect, jest, test } from "@jest/globals";
import { TurnDetachedError } from "../../../lib/errors/turn-detached-error.js";
import { rejection, settled, stepUntil } from "../../support/collect.js";
import { LinkedAnew } from "../../support/linked-anew.js";
import {
  later,
  ResponseError,
  type Handler,
  type LinkedServer,
} from "../../support/linked-server.js";
import { endedTurn, storeTurns } from "../../support/stored-turns.js";
import { opened, turnCompleted, turnRecord, turnStarted } from "../../support/turn-messages.js";

const ids = { threadId: "thread-1", turnId: "turn-1" };
const active = { type: "active", activeFlags: [] };

afterEach(() => {
  jest.useRealTimers();
});

function tooBusy(): never {
  throw new ResponseError(-32_001, "Server overloaded; retry later.");
}
function noRollout(): never {
  throw new ResponseError(-32_600, "no rollout found for thread id thread-1");
}

/** The handler, for as often as `times` says, and then the one that was there. */
function atFirst(server: LinkedServer, method: string, first: Handler, times: number): void {
  const rest = server.handler(method);
  let left = times;
  server.handle(method, (...args) => ((left -= 1) >= 0 ? first : rest)(...args));
}

/** A client whose turn runs when its connection is cut; `prepare` makes the next servers ready. */
async function cut(prepare: (server: LinkedServer, index: number) => void) {
  const link = await LinkedAnew.start({
    prepare: (server, index) => {
      if (index > 0) prepare(server, index);
    },
  });
  const thread = await link.client.startThread();
  const turn = thread.turn("Hi");
  await turn.started;
  link.server.send(turnStarted(ids));
  await settled();
  const passUntil = (promise: Promise<unknown>) =>
    stepUntil(promise, () => {
      jest.advanceTimersByTime(1_000);
    });
  return {
    ...{ link, thread, turn, passUntil },
    [Symbol.asyncDispose]: () => link[Symbol.asyncDispose](),
  };
}

function fakeTime(): void {
  jest.useFakeTimers({ doNotFake: ["nextTick", "setImmediate", "queueMicrotask"] });
}

describe("a turn that ended while the connection was away", () => {
  test.each([
    ["is too busy", tooBusy, { type: "idle" }],
    ["does not answer", () => later, { type: "idle" }],
    ["does not answer", () => later, active],
  ])("ends, though the server %s when it is asked for it: %#", async (_, first, threadStatus) => {
    await using scene = await cut((server) => {
      storeTurns(server, { turns: [endedTurn("turn-1")] });
      server.handle("thread/resume", () => opened("thread-1", threadStatus));
      atFirst(server, "thread/turns/list", first, 2);
    });
    const { link, turn, passUntil } = scene;
    fakeTime();
    await passUntil(link.reconnect());
    await passUntil(turn.run());
    expect(await turn.run()).toMatchObject({ status: "completed", durationMs: 3_000 });
  });

  test("does not let the next one in beside a turn that has begun since the server looked", async () => {
    await using scene = await cut((server) => {
      storeTurns(server, { turns: [endedTurn("turn-1")] });
      server.handle("thread/resume", () => opened("thread-1"));
      const listItems = server.handler("thread/items/list");
      server.handle("thread/items/list", (...args) => {
        server.send(turnStarted({ threadId: "thread-1", turnId: "queued" }));
        return listItems(...args);
      });
    });
    const { link, thread, turn } = scene;
    const next = thread.turn("Next");
    await link.reconnect();
    expect(await turn.run()).toMatchObject({ status: "completed" });
    await link.client.request("config/read", {});
    expect(link.server.paramsOf("turn/start")).toEqual([]);
    link.server.send(turnCompleted({ threadId: "thread-1", turnId: "queued" }));
    await next.started;
  });

  test("ends though the server has no record of it, as the thread is idle", async () => {
    await using scene = await cut((server) => {
      storeTurns(server);
      server.handle("thread/resume", () => opened("thread-1"));
      server.handle("thread/read", () => ({ thread: { status: { type: "idle" } } }));
    });
    const { link, turn, passUntil } = scene;
    fakeTime();
    await passUntil(link.reconnect());
    const run = rejection(turn.run());
    await passUntil(run);
    expect(await run).toMatchObject({ code: "TURN_LOST" });
  });
});

test("many turns are caught up with a few at a time, so that the answers come in time", async () => {
  const waiting: (() => void)[] = [];
  let most = 0;
  await using scene = await cut((server) => {
    const store = storeTurns(server, { turns: [turnRecord("turn-1")] });
    server.handle("thread/resume", ({ threadId }) => opened(threadId as string, active));
    server.handle("thread/turns/list", async () => {
      await new Promise<void>((resolve) => waiting.push(resolve));
      return { data: store.turns.map((turn) => ({ ...turn, status: "completed" })) };
    });
  });
  const { link } = scene;
  link.server.handle("turn/start", () => ({ turn: turnRecord("turn-1") }));
  const turns = await Promise.all(
    Array.from({ length: 40 }, async () => {
      const turn = (await link.client.startThread()).turn("Hi");
      await turn.started;
      return turn;
    }),
  );
  await link.reconnect();
  while (waiting.length > 0 || most === 0) {
    await settled();
    most = Math.max(most, waiting.length);
    for (const resolve of waiting.splice(0)) resolve();
    await settled();
  }
  expect(most).toBe(8);
  const results = await Promise.all(turns.map((turn) => turn.run()));
  expect(results.map(({ status }) => status)).toEqual(turns.map(() => "completed"));
});

describe("a turn whose thread cannot be resumed", () => {
  test("goes on when that was only for the moment", async () => {
    await using scene = await cut((server) => {
      storeTurns(server, { turns: [turnRecord("turn-1")] });
      server.handle("thread/resume", () => opened("thread-1", active));
      atFirst(server, "thread/resume", tooBusy, 2);
    });
    const { link, turn } = scene;
    const server = await link.reconnect();
    server.send(turnCompleted(ids));
    expect(await turn.run()).toMatchObject({ status: "completed" });
  });

  test("ends with what the server has stored", async () => {
    await using scene = await cut((server) => {
      storeTurns(server, { turns: [endedTurn("turn-1", { status: "interrupted" })] });
      server.handle("thread/resume", noRollout);
    });
    await scene.link.reconnect();
    expect(await scene.turn.run()).toMatchObject({ status: "interrupted" });
  });

  test.each([
    ["runs it still", () => ({ data: [turnRecord("turn-1")] })],
    ["keeps no record of it", noRollout],
  ])("is given up when the server %s: nothing more of it would be heard", async (_, answer) => {
    await using scene = await cut((server) => {
      server.handle("thread/resume", noRollout);
      server.handle("thread/turns/list", answer);
      server.handle("thread/read", () => ({ thread: { ephemeral: true, status: active } }));
    });
    const { link, thread, turn } = scene;
    await link.reconnect();
    const error = await rejection(turn.run());
    expect(error).toBeInstanceOf(TurnDetachedError);
    expect(error).toMatchObject({ message: expect.stringContaining("could not be resumed") });
    expect(link.client.session.thread(thread.id).slots.isBusy).toBe(false);
  });
});

test("a server that answers none of the threads' resumes is left for another connection", async () => {
  const link = await LinkedAnew.start({
    requestTimeoutMs: 200,
    prepare: (server, index) => {
      if (index === 1) server.handle("thread/resume", () => later);
    },
  });
  await using held = link;
  const threads = await Promise.all(Array.from({ length: 40 }, () => link.client.startThread()));
  await link.reconnect();
  expect(held.servers).toHaveLength(3);
  expect(held.servers[1]?.paramsOf("thread/resume").length).toBeLessThan(20);
  expect(held.servers[2]?.paramsOf("thread/resume")).toHaveLength(40);
  for (const { id } of threads) expect(link.client.session.isLoaded(id)).toBe(true);
});

test("threads that get no answer, while others do, are lost, and nothing else", async () => {
  const deaf = new Set<unknown>(["thread-2", "thread-4", "thread-6", "thread-8"]);
  const link = await LinkedAnew.start({
    requestTimeoutMs: 200,
    prepare: (server) => {
      const resume = server.handler("thread/resume");
      server.handle("thread/resume", (params, request) =>
        deaf.has(params["threadId"]) ? later : resume(params, request),
      );
    },
  });
  await using held = link;
  const threads = await Promise.all(Array.from({ length: 10 }, () => link.client.startThread()));
  await link.reconnect();
  expect(held.servers).toHaveLength(2);
  const isLoaded = ({ id }: { id: string }) => link.client.session.isLoaded(id);
  expect(threads.map(isLoaded)).toEqual(threads.map(({ id }) => !deaf.has(id)));
});

test("a turn that is aborted while the connection is away is interrupted when it is back", async () => {
  let letIn: () => void = () => undefined;
  const door = new Promise<void>((resolve) => {
    letIn = resolve;
  });
  const link = await LinkedAnew.start({
    // So long a request may wait for the connection.
    requestTimeoutMs: 100,
    prepare: async (server, index) => {
      if (index === 0) return;
      storeTurns(server, { turns: [turnRecord("turn-1")] });
      server.handle("thread/resume", () => opened("thread-1", active));
      await door;
    },
  });
  await using held = link;
  const thread = await link.client.startThread();
  const stop = new AbortController();
  const turn = thread.turn("Hi", { signal: stop.signal });
  await turn.started;
  link.server.send(turnStarted(ids));
  await settled();
  await link.drop();
  stop.abort();
  // Another request that waits no longer shows that the time is over.
  expect(await rejection(link.client.request("config/read", {}))).toMatchObject({
    code: "REQUEST_TIMEOUT",
  });
  letIn();
  await link.until("ready");
  expect((await held.server.nextRequest("turn/interrupt")).params).toEqual(ids);
  held.server.send(turnCompleted(ids, { status: "interrupted" }));
  expect(await rejection(turn.run())).toBe(stop.signal.reason);
});
