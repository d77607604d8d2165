import { getEventListeners } from "node:events";
import { describe, expect, test } from "@jest/globals";
import type { ApprovalRequest, TurnEvent, TurnName } from "../../../lib/index.js";
import { collect, rejection, settled } from "../../support/collect.js";
import { LinkedAnew } from "../../support/linked-anew.js";
import {
  later,
  linked,
  methodsSent,
  ResponseError,
  type LinkedServer,
} from "../../support/linked-server.js";
import { endedTurn, storeTurns, type StoredTurns } from "../../support/stored-turns.js";
import {
  agentMessage,
  opened,
  textMessages,
  turnCompleted,
  turnRecord,
  turnStarted,
} from "../../support/turn-messages.js";
import { Asking, methods, requests } from "../server-requests/asking.js";

const threadId = "thread-1";
const ids = { threadId, turnId: "turn-1" };
const active = { type: "active", activeFlags: [] };
const running = turnRecord("turn-1", { startedAt: 1_767_225_600 });
const userMessage = { type: "userMessage", id: "user-1", clientId: "message-1", content: [] };

const methodsOf = (events: readonly TurnEvent[]) => events.map(({ method }) => method);

/** A server whose thread runs `turn-1`, for somebody else. */
function runsTurn(server: LinkedServer, stored: Partial<StoredTurns> = {}): StoredTurns {
  server.handle("thread/resume", () => opened(threadId, active));
  server.handle("thread/read", () => ({ thread: { status: active } }));
  return storeTurns(server, {
    turns: [running],
    items: [
      { turnId: "turn-1", item: userMessage },
      { turnId: "turn-1", item: agentMessage("msg-0", "Before") },
    ],
    ...stored,
  });
}

/** A server that has stored turns, none of which runs. */
function hasStored(server: LinkedServer, stored: Partial<StoredTurns> = {}): StoredTurns {
  server.handle("thread/read", () => ({ thread: { status: { type: "idle" } } }));
  return storeTurns(server, {
    turns: [endedTurn("turn-1")],
    items: [
      { turnId: "turn-1", item: userMessage, completedAtMs: 1 },
      { turnId: "turn-1", item: agentMessage("msg-1", "Done"), completedAtMs: 2 },
    ],
    ...stored,
  });
}

describe("a turn that runs", () => {
  test.each<TurnName>([{ id: "turn-1" }, { clientUserMessageId: "message-1" }])(
    "comes from its start, with what it has completed, and is followed to its end: %j",
    async (name) => {
      await using pair = await linked();
      const { client, server } = pair;
      runsTurn(server);
      const turn = client.thread(threadId).attachTurn(name);
      const events = collect(turn);
      expect(await turn.started).toEqual({ id: "turn-1" });
      await server.nextRequest("thread/items/list");
      server.send(...textMessages({ ...ids, text: "And after" }), turnCompleted(ids));
      expect(methodsOf(await events)).toEqual([
        "turn/started",
        "connection/gap",
        "item/completed",
        "item/completed",
        "item/started",
        "item/agentMessage/delta",
        "item/agentMessage/delta",
        "item/completed",
        "turn/completed",
      ]);
      expect(await turn.run()).toMatchObject({
        id: "turn-1",
        status: "completed",
        startedAt: 1_767_225_600,
        items: [{ id: "user-1" }, { text: "Before" }, { text: "And after" }],
        finalResponse: "And after",
        usage: null,
      });
      expect(methodsSent(server)).not.toContain("turn/start");
      expect(client.session.turns.size).toBe(0);
    },
  );

  test("has its handlers before the server asks again, which it does when the thread is resumed", async () => {
    const others: ApprovalRequest[] = [];
    await using pair = await linked({
      onApproval: (request) => {
        others.push(request);
        return "decline";
      },
    });
    const { client, server } = pair;
    runsTurn(server);
    const asking = new Asking(server);
    server.handle("thread/resume", (_, request) => {
      server.respond(request, opened(threadId, active));
      asking.ask(methods.command, requests.command, 7);
      return later;
    });
    const turn = client
      .thread(threadId)
      .attachTurn({ id: "turn-1" }, { onApproval: () => "accept" });
    const answer = await asking.answerTo(7);
    expect(answer).toMatchObject({ result: { decision: "accept" } });
    expect(others).toEqual([]);
    server.send(turnCompleted(ids));
    expect((await turn.run()).status).toBe("completed");
    const seen = await collect(turn);
    expect(methodsOf(seen)).toContain(methods.command);
  });

  test("tells its start once, also when that comes as an event just then", async () => {
    await using pair = await linked();
    const { client, server } = pair;
    runsTurn(server);
    server.handle("thread/items/list", () => {
      server.send(turnStarted(ids));
      return { data: [], nextCursor: null, backwardsCursor: null };
    });
    const turn = client.thread(threadId).attachTurn({ id: "turn-1" });
    const events = collect(turn);
    await server.nextRequest("thread/items/list");
    await settled();
    server.send(turnStarted(ids), turnCompleted(ids));
    expect(methodsOf(await events)).toEqual(["turn/started", "connection/gap", "turn/completed"]);
  });

  test("that ends before its thread is loaded gives all that is stored", async () => {
    await using pair = await linked();
    const { client, server } = pair;
    const store = runsTurn(server);
    server.handle("thread/resume", () => {
      store.turns = [endedTurn("turn-1")];
      store.items.push({ turnId: "turn-1", item: agentMessage("msg-1", "Done") });
      return opened(threadId);
    });
    const turn = client.thread(threadId).attachTurn({ id: "turn-1" });
    expect(await turn.run()).toMatchObject({ status: "completed", finalResponse: "Done" });
    expect(client.session.turns.size).toBe(0);
  });

  test("runs on when its loop is left, unless onBreak says otherwise", async () => {
    await using pair = await linked();
    const { client, server } = pair;
    runsTurn(server);
    server.handle("turn/interrupt", () => {
      server.send(turnCompleted(ids, { status: "interrupted" }));
      return {};
    });
    const thread = client.thread(threadId);
    for await (const event of thread.attachTurn({ id: "turn-1" })) {
      expect(event.method).toBe("turn/started");
      break;
    }
    await settled();
    expect(server.paramsOf("turn/interrupt")).toEqual([]);
    for await (const event of thread.attachTurn({ id: "turn-1" }, { onBreak: "interrupt" })) {
      expect(event.method).toBe("turn/started");
      break;
    }
    expect(server.paramsOf("turn/interrupt")).toEqual([ids]);
  });

  test("is steered, and interrupted even before it is found", async () => {
    await using pair = await linked();
    const { client, server } = pair;
    runsTurn(server);
    server.handle("turn/steer", () => ({ turnId: "turn-1" }));
    server.handle("turn/interrupt", () => {
      server.send(turnCompleted(ids, { status: "interrupted" }));
      return {};
    });
    const thread = client.thread(threadId);
    const turn = thread.attachTurn({ clientUserMessageId: "message-1" });
    expect(await turn.steer("More")).toBe("turn-1");
    expect(server.paramsOf("turn/steer")).toMatchObject([{ threadId, expectedTurnId: "turn-1" }]);
    const other = thread.attachTurn({ id: "turn-1" });
    await other.interrupt();
    expect((await other.run()).status).toBe("interrupted");
    expect((await turn.run()).status).toBe("interrupted");
  });

  test("is interrupted by a signal, which is let go of", async () => {
    await using pair = await linked();
    const { client, server } = pair;
    runsTurn(server);
    server.handle("turn/interrupt", () => {
      server.send(turnCompleted(ids, { status: "interrupted" }));
      return {};
    });
    const abort = new AbortController();
    const turn = client
      .thread(threadId)
      .attachTurn({ id: "turn-1" }, { signal: abort.signal, timeoutMs: 60_000 });
    await turn.started;
    const reason = new Error("enough");
    abort.abort(reason);
    expect(await rejection(turn.run())).toBe(reason);
    expect(server.paramsOf("turn/interrupt")).toEqual([ids]);
    expect(getEventListeners(abort.signal, "abort")).toEqual([]);
  });

  test("whose thread cannot be loaded fails with the reason, and nothing of it is kept", async () => {
    await using pair = await linked();
    const { client, server } = pair;
    runsTurn(server);
    server.handle("thread/resume", () => {
      throw new ResponseError(-32_600, "thread thread-1 already has an active writer");
    });
    const turn = client.thread(threadId).attachTurn({ id: "turn-1" });
    expect(await rejection(turn.run())).toMatchObject({ code: "THREAD_BUSY" });
    expect(client.session.turns.size).toBe(0);
  });

  test("has the output that its schema reads", async () => {
    await using pair = await linked();
    const { client, server } = pair;
    hasStored(server, { items: [{ turnId: "turn-1", item: agentMessage("m", '{"n":1}') }] });
    const outputSchema = { type: "object", properties: { n: { type: "number" } }, required: ["n"] };
    const turn = client
      .thread(threadId)
      .attachTurn<{ n: number }>({ id: "turn-1" }, { outputSchema });
    expect((await turn.run()).output).toEqual({ n: 1 });
    expect(server.requests.some(({ params }) => "outputSchema" in params)).toBe(false);
  });
});

describe("a turn that has ended", () => {
  test.each<TurnName>([{ id: "turn-1" }, { clientUserMessageId: "message-1" }])(
    "is told from what is stored, and its thread is not loaded: %j",
    async (name) => {
      await using pair = await linked();
      const { client, server } = pair;
      hasStored(server);
      const turn = client.thread(threadId).attachTurn(name);
      expect(await collect(turn)).toMatchObject([
        { method: "turn/started", params: { turn: { id: "turn-1", status: "inProgress" } } },
        { method: "item/completed", params: { item: userMessage, completedAtMs: 1 } },
        { method: "item/completed", params: { item: { text: "Done" }, completedAtMs: 2 } },
        { method: "turn/completed", params: { turn: { status: "completed", durationMs: 3_000 } } },
      ]);
      expect(await turn.run()).toMatchObject({
        status: "completed",
        finalResponse: "Done",
        durationMs: 3_000,
        usage: null,
      });
      await turn.interrupt();
      expect(new Set(methodsSent(server).slice(1))).toEqual(
        new Set(["thread/turns/list", "thread/items/list"]),
      );
      expect(client.session.turns.size).toBe(0);
    },
  );

  test("and failed gives its error", async () => {
    await using pair = await linked();
    const { client, server } = pair;
    const error = { message: "no luck", codexErrorInfo: null, additionalDetails: null };
    hasStored(server, { turns: [endedTurn("turn-1", { status: "failed", error })] });
    const turn = client.thread(threadId).attachTurn({ id: "turn-1" });
    expect(await rejection(turn.run())).toMatchObject({ code: "TURN_FAILED", result: { error } });
  });

  test("is found however far back it is, and by a message that joined it later", async () => {
    await using pair = await linked();
    const { client, server } = pair;
    const store = hasStored(server, { turnsPerPage: 2 });
    for (let count = 2; count <= 9; count += 1) {
      store.turns.unshift(endedTurn(`turn-${count}`));
      const item = { ...userMessage, id: `user-${count}`, clientId: `message-${count}` };
      store.items.push({ turnId: `turn-${count}`, item });
    }
    const thread = client.thread(threadId);
    expect((await thread.attachTurn({ id: "turn-1" }).run()).finalResponse).toBe("Done");
    const byMessage = thread.attachTurn({ clientUserMessageId: "message-1" });
    expect((await byMessage.run()).id).toBe("turn-1");
    // The summary of a turn has the message that it began with only.
    const list = server.handler("thread/turns/list");
    server.handle("thread/turns/list", async (params, request) => {
      const page = (await list(params, request)) as { data: object[] };
      return { ...page, data: page.data.map((turn) => ({ ...turn, items: [] })) };
    });
    const bySteer = thread.attachTurn({ clientUserMessageId: "message-3" });
    expect((await bySteer.run()).id).toBe("turn-3");
  });

  test("has no items where the server does not list them, and a gap says so", async () => {
    await using pair = await linked();
    const { client, server } = pair;
    hasStored(server);
    server.handle("thread/items/list", () => {
      throw new ResponseError(-32_601, "thread/items/list is not supported yet");
    });
    const turn = client.thread(threadId).attachTurn({ id: "turn-1" });
    const events = await collect(turn);
    expect(methodsOf(events)).toEqual(["turn/started", "connection/gap", "turn/completed"]);
    expect(await turn.run()).toMatchObject({ status: "completed", items: [], finalResponse: null });
  });
});

describe("what the server has not stored", () => {
  test.each<TurnName>([{ id: "other" }, { clientUserMessageId: "other" }])(
    "is not found: %j",
    async (name) => {
      await using pair = await linked();
      const { client, server } = pair;
      hasStored(server);
      const turn = client.thread(threadId).attachTurn(name);
      for (const promise of [turn.started, turn.run(), collect(turn)]) {
        expect(await rejection(promise)).toMatchObject({ code: "TURN_NOT_FOUND", threadId });
      }
      expect(turn.id).toBeUndefined();
      expect(methodsSent(server)).not.toContain("thread/resume");
      expect(client.session.turns.size).toBe(0);
    },
  );

  test.each([
    "no rollout found for thread id thread-1",
    "thread thread-1 is not materialized yet; thread/turns/list is unavailable before first user message",
  ])("is not found where the server says: %s", async (sentence) => {
    await using pair = await linked();
    const { client, server } = pair;
    for (const method of ["thread/turns/list", "thread/items/list", "thread/read"]) {
      server.handle(method, () => {
        throw new ResponseError(-32_600, sentence);
      });
    }
    const turn = client.thread(threadId).attachTurn({ clientUserMessageId: "message-1" });
    expect(await rejection(turn.run())).toMatchObject({ code: "TURN_NOT_FOUND" });
  });

  test("is looked for again while its thread is at work: it may be about to be stored", async () => {
    await using pair = await linked();
    const { client, server } = pair;
    const store = runsTurn(server, { turns: [], items: [] });
    let looks = 0;
    server.handle("thread/read", () => {
      looks += 1;
      if (looks === 2) {
        store.turns = [running];
        store.items = [{ turnId: "turn-1", item: userMessage }];
      }
      return { thread: { status: active } };
    });
    const turn = client.thread(threadId).attachTurn({ clientUserMessageId: "message-1" });
    expect(await turn.started).toEqual({ id: "turn-1" });
    server.send(turnCompleted(ids));
    expect((await turn.run()).status).toBe("completed");
  });

  test("may only be what the server does not tell: that is the error then", async () => {
    await using pair = await linked();
    const { client, server } = pair;
    server.handle("thread/turns/list", () => {
      throw new ResponseError(-32_603, "internal error");
    });
    const turn = client.thread(threadId).attachTurn({ id: "turn-1" });
    expect(await rejection(turn.run())).toMatchObject({ code: "INTERNAL_ERROR" });
  });
});

describe("a connection that drops", () => {
  test("while the turn is looked for, while its thread is loaded, and later", async () => {
    const stages: Record<number, (server: LinkedServer) => void> = {
      0: (server) => {
        server.handle("thread/turns/list", () => later);
      },
      1: (server) => {
        runsTurn(server);
        server.handle("thread/resume", () => later);
      },
    };
    await using link = await LinkedAnew.start({
      prepare: (server, index) => {
        (stages[index] ?? runsTurn)(server);
      },
    });
    const { client } = link;
    const turn = client.thread(threadId).attachTurn({ id: "turn-1" });
    const events = collect(turn);
    await link.server.nextRequest("thread/turns/list");
    await link.drop();
    await link.until("ready");
    await link.server.nextRequest("thread/resume");
    await link.drop();
    await link.until("ready");
    await link.server.nextRequest("thread/items/list");
    await settled();
    const last = await link.reconnect();
    await last.nextRequest("thread/items/list");
    await settled();
    last.send(turnCompleted(ids));
    const methodsSeen = methodsOf(await events);
    expect(methodsSeen.filter((method) => method === "turn/started")).toHaveLength(1);
    expect(methodsSeen.filter((method) => method === "item/completed")).toHaveLength(2);
    expect(methodsSeen.at(-1)).toBe("turn/completed");
    expect((await turn.run()).items).toHaveLength(2);
    for (const server of link.servers) expect(server.paramsOf("turn/start")).toEqual([]);
  });

  test("for good ends the wait", async () => {
    const pair = await linked();
    const { client, server } = pair;
    server.handle("thread/turns/list", () => later);
    const turn = client.thread(threadId).attachTurn({ id: "turn-1" });
    const run = rejection(turn.run());
    await server.nextRequest("thread/turns/list");
    await client.close();
    expect(await run).toMatchObject({ code: "TRANSPORT_CLOSED" });
    expect(await rejection(turn.started)).toMatchObject({ code: "TRANSPORT_CLOSED" });
  });
});

describe("what is no name of a turn", () => {
  test.each([
    [undefined, "turn"],
    ["turn-1", "turn"],
    [{}, "turn"],
    [{ id: "" }, "turn.id"],
    [{ id: 7 }, "turn.id"],
    [{ clientUserMessageId: " " }, "turn.clientUserMessageId"],
    [{ id: "a", clientUserMessageId: "b" }, "turn"],
    [{ turnId: "a" }, "turn.turnId"],
  ])("is refused before anything is sent: %j", async (name, argument) => {
    await using pair = await linked();
    const { client, server } = pair;
    const attach = () => client.thread(threadId).attachTurn(name as TurnName);
    expect(attach).toThrow(expect.objectContaining({ code: "INVALID_ARGUMENT", argument }));
    await settled();
    expect(methodsSent(server)).toEqual(["initialize"]);
  });

  test.each([
    [{ whenBusy: "steer" }, "whenBusy"],
    [{ model: "x" }, "model"],
    [{ onBreak: "stop" }, "onBreak"],
    [{ timeoutMs: -1 }, "timeoutMs"],
  ])("nor an option: %j", async (options, argument) => {
    await using pair = await linked();
    const attach = () => pair.client.thread(threadId).attachTurn({ id: "a" }, options as object);
    expect(attach).toThrow(expect.objectContaining({ code: "INVALID_ARGUMENT", argument }));
  });
});
