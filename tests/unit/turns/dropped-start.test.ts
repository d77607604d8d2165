import { afterEach, describe, expect, jest, test } from "@jest/globals";
import { Deferred } from "../../../lib/async/deferred.js";
import { TransportClosedError } from "../../../lib/errors/connection-errors.js";
import type { Turn } from "../../../lib/turn.js";
import { collect, rejection, settled, stepUntil } from "../../support/collect.js";
import { LinkedAnew } from "../../support/linked-anew.js";
import { later, ResponseError, textsSent, type LinkedServer } from "../../support/linked-server.js";
import { endedTurn, storeTurns, type StoredTurns } from "../../support/stored-turns.js";
import {
  agentMessage,
  textMessages,
  turnCompleted,
  turnRecord,
  turnStarted,
  type Params,
} from "../../support/turn-messages.js";

const ids = { threadId: "thread-1", turnId: "turn-1" };
const active = { type: "active", activeFlags: [] };
const idle = { type: "idle" };

function userMessage(clientId: unknown): StoredTurns["items"][number] {
  const item = { type: "userMessage", id: "user-1", clientId, content: [] };
  return { turnId: "turn-1", item };
}

/** A thread whose `turn/start` was on its way when the connection was cut. */
async function cutAtStart(
  options: {
    status?: Params;
    /** Makes ready the server that is met next, given the client id that was sent. */
    prepare?: (server: LinkedServer, clientId: unknown) => Promise<void> | void;
    signal?: AbortSignal;
    start?: (link: LinkedAnew) => Turn;
  } = {},
) {
  let clientId: unknown;
  const link = await LinkedAnew.start({
    prepare: (server, index) => {
      if (index === 0) {
        server.handle("turn/start", () => later);
        return undefined;
      }
      server.handle("thread/resume", ({ threadId }) => ({
        thread: { id: threadId, status: options.status ?? idle, turns: [] },
      }));
      server.handle("thread/read", ({ threadId }) => ({
        thread: { id: threadId, status: options.status ?? idle },
      }));
      return options.prepare?.(server, clientId);
    },
  });
  const thread = await link.client.startThread();
  const turn = options.start?.(link) ?? thread.turn("Hi", { signal: options.signal });
  if (!options.start) {
    const request = await link.server.nextRequest("turn/start");
    clientId = request.params["clientUserMessageId"];
  }
  return { link, thread, turn, [Symbol.asyncDispose]: () => link[Symbol.asyncDispose]() };
}

afterEach(() => {
  jest.useRealTimers();
});

describe("a turn/start whose answer was lost with the connection", () => {
  test("is found by its message, and the turn goes on, without being sent again", async () => {
    await using scene = await cutAtStart({
      status: active,
      prepare: (server, clientId) => {
        storeTurns(server, { turns: [turnRecord("turn-1")], items: [userMessage(clientId)] });
      },
    });
    const { link, turn } = scene;
    const server = await link.reconnect();
    expect(await turn.started).toEqual({ id: "turn-1" });
    await settled();
    server.send(...textMessages({ ...ids, text: "Hello" }), turnCompleted(ids));
    const events = await collect(turn);
    expect(events.map(({ method }) => method)).toEqual([
      "connection/gap",
      "item/completed",
      ...textMessages({ ...ids, text: "Hello" }).map(({ method }) => method),
      "turn/completed",
    ]);
    expect(await turn.run()).toMatchObject({ id: "turn-1", finalResponse: "Hello" });
    expect(textsSent(server)).toEqual([]);
    expect(link.client.session.turns.size).toBe(0);
    expect(link.client.session.thread("thread-1").slots.isBusy).toBe(false);
  });

  test("is found when the turn has ended meanwhile", async () => {
    await using scene = await cutAtStart({
      prepare: (server, clientId) => {
        const answer = { turnId: "turn-1", item: agentMessage("a", "Hello") };
        const items = [userMessage(clientId), answer];
        storeTurns(server, { turns: [endedTurn("turn-1")], items });
      },
    });
    const { link, turn } = scene;
    const server = await link.reconnect();
    expect(await turn.run()).toMatchObject({ id: "turn-1", finalResponse: "Hello" });
    expect(textsSent(server)).toEqual([]);
  });

  test("is found when it has joined a turn of somebody else", async () => {
    await using scene = await cutAtStart({
      status: active,
      prepare: (server, clientId) => {
        storeTurns(server, { turns: [turnRecord("turn-1")], items: [userMessage(clientId)] });
        server.handle("thread/turns/list", () => ({ data: [turnRecord("turn-1")] }));
      },
    });
    const { link, turn } = scene;
    const server = await link.reconnect();
    expect(await turn.started).toEqual({ id: "turn-1" });
    await settled();
    server.send(turnCompleted(ids));
    expect(await turn.run()).toMatchObject({ status: "completed" });
  });

  test("is not sent again while the server cannot list the items among which its message may be", async () => {
    let refusals = 2;
    await using scene = await cutAtStart({
      prepare: (server, clientId) => {
        storeTurns(server, { turns: [endedTurn("turn-1")], items: [userMessage(clientId)] });
        server.handle("thread/turns/list", () => ({ data: [endedTurn("turn-1")] }));
        const list = server.handler("thread/items/list");
        server.handle("thread/items/list", (...args) => {
          if ((refusals -= 1) >= 0) throw new ResponseError(-32_603, "the store is locked");
          return list(...args);
        });
      },
    });
    const { link, turn } = scene;
    const server = await link.reconnect();
    expect(await turn.run()).toMatchObject({ id: "turn-1", status: "completed" });
    expect(textsSent(server)).toEqual([]);
  });

  test("is looked for again while the thread is active, and the message may be on its way", async () => {
    let looks = 0;
    await using scene = await cutAtStart({
      status: active,
      prepare: (server, clientId) => {
        const store = storeTurns(server, { turns: [turnRecord("turn-1")] });
        server.handle("thread/read", ({ threadId }) => {
          looks += 1;
          if (looks === 2) store.items.push(userMessage(clientId));
          return { thread: { id: threadId, status: active } };
        });
      },
    });
    const { link, turn } = scene;
    const server = await link.reconnect();
    expect(await turn.started).toEqual({ id: "turn-1" });
    expect(looks).toBe(2);
    await settled();
    server.send(turnCompleted(ids));
    await turn.run();
  });

  test.each<[string, (server: LinkedServer) => void]>([
    ["did not arrive", (server) => void storeTurns(server, { turns: [endedTurn("turn-0")] })],
    [
      "was for a thread that has never run a turn",
      (server) => {
        server.handle("thread/turns/list", () => {
          throw new ResponseError(-32_600, "thread thread-1 is not materialized yet");
        });
      },
    ],
  ])("is sent again when it %s", async (_name, prepare) => {
    await using scene = await cutAtStart({ prepare });
    const { link, turn } = scene;
    const server = await link.reconnect();
    expect(await turn.started).toEqual({ id: "turn-1" });
    server.send(turnStarted(ids), ...textMessages({ ...ids, text: "Hello" }), turnCompleted(ids));
    const events = await collect(turn);
    expect(events[0]?.method).toBe("turn/started");
    expect(await turn.run()).toMatchObject({ status: "completed", finalResponse: "Hello" });
    expect(textsSent(server)).toEqual(["Hi"]);
    const [first, second] = link.servers.map((one) => one.paramsOf("turn/start")[0]);
    expect(second).toEqual(first);
  });

  test("is not sent again when the turn was interrupted meanwhile", async () => {
    await using scene = await cutAtStart({ prepare: (server) => void storeTurns(server) });
    const { link, turn } = scene;
    void turn.interrupt();
    const server = await link.reconnect();
    expect(await turn.run()).toMatchObject({ id: "", status: "interrupted" });
    await settled();
    expect(textsSent(server)).toEqual([]);
    expect(link.client.session.thread("thread-1").slots.isBusy).toBe(false);
  });

  test("is interrupted when the turn was, and turns out to run", async () => {
    await using scene = await cutAtStart({
      status: active,
      prepare: (server, clientId) => {
        storeTurns(server, { turns: [turnRecord("turn-1")], items: [userMessage(clientId)] });
      },
    });
    const { link, turn } = scene;
    void turn.interrupt();
    const server = await link.reconnect();
    expect((await server.nextRequest("turn/interrupt")).params).toEqual(ids);
    server.send(turnCompleted(ids, { status: "interrupted" }));
    expect(await turn.run()).toMatchObject({ id: "turn-1", status: "interrupted" });
  });

  test.each(["at once", "when the server is less busy"])(
    "is interrupted when the turn was given up meanwhile, and turns out, %s, to run",
    async (when) => {
      jest.useFakeTimers({ doNotFake: ["nextTick", "setImmediate", "queueMicrotask"] });
      const back = new Deferred<void>();
      const abort = new AbortController();
      await using scene = await cutAtStart({
        status: active,
        signal: abort.signal,
        prepare: (server, clientId) => {
          storeTurns(server, { turns: [turnRecord("turn-1")], items: [userMessage(clientId)] });
          const list = server.handler("thread/turns/list");
          let refusals = when === "at once" ? 0 : 2;
          server.handle("thread/turns/list", (...args) => {
            if ((refusals -= 1) >= 0) throw new ResponseError(-32_603, "the store is locked");
            return list(...args);
          });
          server.handle("turn/interrupt", () => {
            server.send(turnCompleted(ids, { status: "interrupted" }));
            return {};
          });
          return back.promise;
        },
      });
      const { link, thread, turn } = scene;
      await link.drop();
      const run = rejection(turn.run());
      abort.abort("enough");
      await stepUntil(run, () => {
        jest.advanceTimersByTime(1_000);
      });
      expect(await run).toBe("enough");
      // Until the place of the turn has been given to the next one.
      const next = thread.turn("Next");
      for (let second = 0; second < 120; second += 1) {
        jest.advanceTimersByTime(1_000);
        await settled();
      }
      back.resolve();
      await stepUntil(next.started, () => {
        jest.advanceTimersByTime(100);
      });
      expect(link.server.paramsOf("turn/interrupt")).toEqual([ids]);
      expect(textsSent(link.server)).toEqual(["Next"]);
    },
  );

  test("is not sent again before it is known, however often the connection drops", async () => {
    let servers = 0;
    await using scene = await cutAtStart({
      status: active,
      prepare: (server, clientId) => {
        servers += 1;
        storeTurns(server, { turns: [turnRecord("turn-1")], items: [userMessage(clientId)] });
        if (servers > 2) return;
        server.handle("thread/turns/list", () => {
          server.crash();
          return later;
        });
      },
    });
    const { link, turn } = scene;
    await link.drop();
    expect(await turn.started).toEqual({ id: "turn-1" });
    await settled();
    expect(link.servers.flatMap(textsSent)).toEqual(["Hi"]);
    expect(servers).toBe(3);
    link.server.send(turnCompleted(ids));
    expect(await turn.run()).toMatchObject({ status: "completed" });
  });

  test.each([
    ["refuses to tell", -32_603, "the store is broken"],
    ["is too busy", -32_001, "Server overloaded; retry later."],
  ])("has an unknown outcome when the server %s", async (_, code, message) => {
    await using scene = await cutAtStart({
      prepare: (server) => {
        server.handle("thread/turns/list", () => {
          throw new ResponseError(code, message);
        });
      },
    });
    const { link, turn } = scene;
    const server = await link.reconnect();
    // Not with a ServerBusyError, which would say that nothing was carried out.
    expect(await rejection(turn.run())).toMatchObject({
      code: "TRANSPORT_CLOSED",
      reason: { kind: "dropped" },
      method: "turn/start",
    });
    expect(textsSent(server)).toEqual([]);
  });

  test("is found when the server is too busy to tell at first", async () => {
    await using scene = await cutAtStart({
      status: active,
      prepare: (server, clientId) => {
        storeTurns(server, { turns: [turnRecord("turn-1")], items: [userMessage(clientId)] });
        const list = server.handler("thread/turns/list");
        let refusals = 2;
        server.handle("thread/turns/list", (...args) => {
          if ((refusals -= 1) >= 0)
            throw new ResponseError(-32_001, "Server overloaded; retry later.");
          return list(...args);
        });
      },
    });
    const { link, turn } = scene;
    const server = await link.reconnect();
    expect(await turn.started).toEqual({ id: "turn-1" });
    expect(textsSent(server)).toEqual([]);
    server.send(turnCompleted(ids));
    expect(await turn.run()).toMatchObject({ status: "completed" });
  });
});

test("a message id of the caller's own is the one that is looked for", async () => {
  await using scene = await cutAtStart({
    start: (link) => link.client.thread("thread-1").turn("Hi", { clientUserMessageId: "mine" }),
    prepare: (server) => {
      storeTurns(server, { turns: [endedTurn("turn-1")], items: [userMessage("mine")] });
    },
  });
  const { link, turn } = scene;
  const request = await link.server.nextRequest("turn/start");
  expect(request.params["clientUserMessageId"]).toBe("mine");
  await link.reconnect();
  expect(await turn.run()).toMatchObject({ id: "turn-1" });
});

test.each<[string, (link: LinkedAnew) => Turn]>([
  [
    "turn/start",
    (link) => link.client.thread("thread-1").turn("Hi", { clientUserMessageId: null }),
  ],
  [
    "review/start",
    (link) => link.client.thread("thread-1").review({ type: "custom", instructions: "Look" }),
  ],
  ["thread/compact/start", (link) => link.client.thread("thread-1").compact()],
  ["thread/shellCommand", (link) => link.client.thread("thread-1").shellCommand("ls")],
])("%s without an id to find it by fails, its outcome unknown", async (method, start) => {
  await using scene = await cutAtStart({
    start: (link) => {
      link.server.handle(method, () => later);
      return start(link);
    },
  });
  const { link, turn } = scene;
  await link.server.nextRequest(method);
  const run = rejection(turn.run());
  await link.reconnect();
  const error = await run;
  expect(error).toBeInstanceOf(TransportClosedError);
  expect(error).toMatchObject({ reason: { kind: "dropped" } });
  expect(link.server.paramsOf(method)).toEqual([]);
  expect(link.client.session.thread("thread-1").slots.isBusy).toBe(false);
});
