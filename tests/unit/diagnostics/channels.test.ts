import { describe, expect, test } from "@jest/globals";
import { AsyncLocalStorage } from "node:async_hooks";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type {
  ItemOperation,
  RequestOperation,
  ServerRequestOperation,
  StatusMessage,
  ToolOperation,
  TurnOperation,
} from "../../../lib/index.js";
import { Codex } from "../../../lib/index.js";
import { FakeAppServer } from "../../../lib/testing/index.js";
import { bindStore, ChannelLog } from "../../support/channel-log.js";
import { rejection } from "../../support/collect.js";
import { linked, linkedThread, ResponseError } from "../../support/linked-server.js";
import {
  agentMessage,
  textMessages,
  turnCompleted,
  turnMessages,
  turnStarted,
  type Message,
  type Params,
} from "../../support/turn-messages.js";

const ids = { threadId: "thread-1", turnId: "turn-1" };
const whole = ["start", "end", "asyncStart", "asyncEnd"];
const failed = ["start", "end", "error", "asyncStart", "asyncEnd"];

function tokenUsage(turn: typeof ids, outputTokens: number): Message {
  const counts = {
    ...{ totalTokens: 10 + outputTokens, inputTokens: 10, cachedInputTokens: 4 },
    ...{ outputTokens, reasoningOutputTokens: 1 },
  };
  const usage = { total: counts, last: counts, modelContextWindow: null };
  return { method: "thread/tokenUsage/updated", params: { ...turn, tokenUsage: usage } };
}

function command(status: string, fields: Params = {}): Params {
  return {
    ...{ type: "commandExecution", id: "cmd-1", command: "rm secret", cwd: "/secret", status },
    ...{ processId: null, source: "agent", commandActions: [], aggregatedOutput: null },
    ...{ exitCode: null, durationMs: null, ...fields },
  };
}

describe("a request", () => {
  test("is one operation, from the call to the answer, with the ids that it and its answer name", async () => {
    using log = new ChannelLog("request");
    await using pair = await linked();
    await pair.client.startThread({ developerInstructions: "Be discreet" });
    const [initialize, start] = log.operations<RequestOperation>("request");
    expect(initialize).toMatchObject({ method: "initialize", requestId: 0, errorType: undefined });
    expect(start).toMatchObject({ method: "thread/start", requestId: 1, threadId: "thread-1" });
    expect(log.phasesOf(start as object)).toEqual(whole);
    expect(start?.content).toMatchObject({
      params: { developerInstructions: "Be discreet" },
      result: { thread: { id: "thread-1" } },
    });
  });

  test("that is refused has the error, and its code", async () => {
    using log = new ChannelLog("request");
    await using pair = await linked();
    pair.server.handle("thread/read", () => {
      throw new ResponseError(-32_600, "thread not found: thread-9");
    });
    const error = await rejection(pair.client.thread("thread-9").read());
    const operation = log.operations<RequestOperation>("request").at(-1);
    expect(operation).toMatchObject({ threadId: "thread-9", errorType: "THREAD_NOT_FOUND" });
    expect(operation?.error).toBe(error);
    expect(log.phasesOf(operation as object)).toEqual(failed);
  });

  test("goes out with the trace that a subscriber sets, unless the call has one", async () => {
    const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    const set = (operation: unknown): void => {
      (operation as RequestOperation).trace ??= { traceparent };
    };
    subscribe("tracing:codex-app-server-sdk:request:start", set);
    try {
      await using pair = await linked();
      await pair.client.request("model/list", {});
      const own = "00-11111111111111111111111111111111-b7ad6b7169203331-00";
      await pair.client.request("model/list", {}, { trace: { traceparent: own } });
      expect(pair.server.requests.map(({ trace }) => trace)).toEqual([
        { traceparent },
        { traceparent },
        { traceparent: own },
      ]);
    } finally {
      unsubscribe("tracing:codex-app-server-sdk:request:start", set);
    }
  });

  test("goes without a trace that a subscriber has set wrongly, and onError is told", async () => {
    const set = (operation: unknown): void => {
      (operation as RequestOperation).trace = { traceparent: "mine" };
    };
    const errors: unknown[] = [];
    await using pair = await linked({ onError: (error, origin) => errors.push([error, origin]) });
    subscribe("tracing:codex-app-server-sdk:request:start", set);
    try {
      await pair.client.request("model/list", {});
    } finally {
      unsubscribe("tracing:codex-app-server-sdk:request:start", set);
    }
    expect(pair.server.requests.at(-1)?.trace).toBeUndefined();
    expect(errors).toMatchObject([
      [{ code: "INVALID_ARGUMENT" }, { where: "traceContext", method: "model/list" }],
    ]);
  });
});

describe("a turn", () => {
  test("is one operation, from the call to its end, filled as things become known", async () => {
    using log = new ChannelLog("turn");
    await using pair = await linkedThread();
    const turn = pair.thread.turn("Hello", { model: "mini" });
    const [operation] = log.operations<TurnOperation>("turn");
    expect(operation).toMatchObject({
      ...{ threadId: "thread-1", turnId: undefined, method: "turn/start", model: "mini" },
      ...{ depth: 0, parentTurnId: undefined, joined: false, status: "inProgress" },
    });
    await turn.started;
    pair.server.send(turnStarted(ids), ...textMessages({ ...ids, text: "Hi." }));
    pair.server.send(tokenUsage(ids, 7), turnCompleted(ids));
    await turn.run();
    expect(operation).toMatchObject({
      ...{ turnId: "turn-1", status: "completed", errorType: undefined },
      usage: { inputTokens: 10, cachedInputTokens: 4, outputTokens: 7 },
    });
    expect(log.phasesOf(operation as object)).toEqual(whole);
  });

  test("shows what was said to those who ask only", async () => {
    using log = new ChannelLog("turn", "item", "request");
    await using pair = await linkedThread();
    const turn = pair.thread.turn("A secret question");
    await turn.started;
    pair.server.turn({ ...ids, text: "A secret answer" });
    await turn.run();
    expect(JSON.stringify(log.entries)).not.toContain("secret");
    const { inspect } = await import("node:util");
    expect(inspect(log.entries, { depth: 9 })).not.toContain("secret");
    expect(log.operations<TurnOperation>("turn")[0]?.content).toMatchObject({
      input: [{ type: "text", text: "A secret question" }],
      items: [{ type: "agentMessage", text: "A secret answer" }],
      finalResponse: "A secret answer",
    });
  });

  test("has the model of its thread, when the turn names none", async () => {
    using log = new ChannelLog("turn");
    await using pair = await linkedThread();
    const turn = pair.thread.turn("Hello");
    await turn.started;
    pair.server.send({
      method: "model/rerouted",
      params: { ...ids, fromModel: "mock-model", toModel: "other-model", reason: "x" },
    });
    const [operation] = log.operations<TurnOperation>("turn");
    expect(operation?.model).toBe("mock-model");
    pair.server.turn({ ...ids, text: "Hi." });
    await turn.run();
    expect(operation?.model).toBe("other-model");
  });

  test("that fails has the server's reason, and the error that run() throws", async () => {
    using log = new ChannelLog("turn");
    await using pair = await linkedThread();
    const turn = pair.thread.turn("Hello");
    await turn.started;
    const error = {
      message: "Over",
      codexErrorInfo: "usageLimitExceeded",
      additionalDetails: null,
    };
    pair.server.send(turnStarted(ids), turnCompleted(ids, { status: "failed", error }));
    await rejection(turn.run());
    const [operation] = log.operations<TurnOperation>("turn");
    expect(operation).toMatchObject({ status: "failed", errorType: "usageLimitExceeded" });
    expect(operation?.error).toMatchObject({ code: "TURN_FAILED" });
    expect(log.phasesOf(operation as object)).toEqual(failed);
  });

  test("that its caller gives up before it is sent ends with the signal's reason", async () => {
    using log = new ChannelLog("turn");
    await using pair = await linkedThread();
    await rejection(pair.thread.run("Hello", { signal: AbortSignal.abort() }));
    const [operation] = log.operations<TurnOperation>("turn");
    expect(operation).toMatchObject({ turnId: undefined, errorType: "AbortError" });
    expect(log.phasesOf(operation as object)).toEqual(failed);
  });

  test("that is interrupted has not failed; what it has left open ends with it", async () => {
    using log = new ChannelLog("turn", "item");
    await using pair = await linkedThread();
    const turn = pair.thread.turn("Hello");
    await turn.started;
    const item = { ...ids, item: command("inProgress") };
    pair.server.send(turnStarted(ids), { method: "item/started", params: item });
    pair.server.send(turnCompleted(ids, { status: "interrupted" }));
    await turn.run();
    const [operation] = log.operations<TurnOperation>("turn");
    const [open] = log.operations<ItemOperation>("item");
    expect(operation).toMatchObject({ status: "interrupted", errorType: undefined });
    expect(open).toMatchObject({ type: "commandExecution", completed: false });
    expect(open?.turn).toBe(operation);
    expect(log.phasesOf(open as object)).toEqual(whole);
  });

  test("that the connection is lost under fails, and its items end", async () => {
    using log = new ChannelLog("turn", "item");
    await using pair = await linkedThread();
    const turn = pair.thread.turn("Hello");
    await turn.started;
    const started = { method: "item/started", params: { ...ids, item: command("inProgress") } };
    pair.server.send(turnStarted(ids), started);
    pair.server.crash();
    await rejection(turn.run());
    const [operation] = log.operations<TurnOperation>("turn");
    expect(operation?.errorType).toBe("TRANSPORT_CLOSED");
    expect(log.phasesOf(log.operations("item")[0] as object)).toEqual(whole);
  });

  test("of which a second handle becomes a part is told from it", async () => {
    using log = new ChannelLog("turn");
    await using pair = await linkedThread();
    const first = pair.thread.turn("Hello");
    await first.started;
    pair.server.send(turnStarted(ids));
    pair.server.handle("turn/start", () => ({ turn: { id: "turn-1", items: [] } }));
    const second = pair.thread.turn("And more", { whenBusy: "steer" });
    await second.started;
    pair.server.send(turnCompleted(ids));
    await Promise.all([first.run(), second.run()]);
    expect(log.operations("turn")).toMatchObject([
      { turnId: "turn-1", joined: false },
      { turnId: "turn-1", joined: true },
    ]);
  });

  test("that nobody here has begun is one when it is followed", async () => {
    using log = new ChannelLog("turn");
    await using pair = await linkedThread();
    const turns = pair.thread.unsolicitedTurns();
    const next = turns.next();
    await pair.client.request("model/list", {});
    pair.server.turn({ ...ids, text: "Hi." });
    const { value } = await next;
    await value?.run();
    await turns.return?.();
    expect(log.operations("turn")).toMatchObject([
      { turnId: "turn-1", method: undefined, depth: 0, status: "completed" },
    ]);
  });

  test("of a sub-agent is one below the turn that has started it, with its own tokens", async () => {
    using log = new ChannelLog("turn", "item");
    await using pair = await linkedThread();
    const turn = pair.thread.turn("Delegate");
    await turn.started;
    const child = { threadId: "child-1", turnId: "child-turn" };
    const spawn = {
      ...{ type: "collabAgentToolCall", id: "spawn", tool: "spawnAgent", status: "inProgress" },
      ...{ senderThreadId: "thread-1", receiverThreadIds: ["child-1"], prompt: "Look" },
      ...{ model: "mini", reasoningEffort: null, agentsStates: {} },
    };
    pair.server.send(
      turnStarted(ids),
      { method: "item/started", params: { ...ids, item: spawn } },
      turnStarted(child),
      ...textMessages({ ...child, text: "Found" }),
      tokenUsage(child, 3),
      turnCompleted(child),
      { method: "item/completed", params: { ...ids, item: { ...spawn, status: "completed" } } },
      tokenUsage(ids, 5),
      turnCompleted(ids),
    );
    await turn.run();
    const [root, sub] = log.operations<TurnOperation>("turn");
    expect(root).toMatchObject({ depth: 0, usage: { outputTokens: 5 } });
    expect(sub).toMatchObject({
      ...{ ...child, depth: 1, parentThreadId: "thread-1", parentTurnId: "turn-1", model: "mini" },
      ...{ status: "completed", usage: { outputTokens: 3 } },
    });
    expect(sub?.parent).toBe(root);
    const items = log.operations<ItemOperation>("item");
    expect(items.map(({ type, turn }) => [type, turn])).toEqual([
      ["collabAgentToolCall", root],
      ["agentMessage", sub],
    ]);
    for (const operation of [root, sub, ...items]) {
      expect(log.phasesOf(operation as object)).toEqual(whole);
    }
  });

  test.each(["before it is named", "after it is named without a model"])(
    "of a sub-agent that begins %s has its parent and its model",
    async (order) => {
      using log = new ChannelLog("turn");
      await using pair = await linkedThread();
      const turn = pair.thread.turn("Delegate");
      await turn.started;
      const child = { threadId: "child-1", turnId: "child-turn" };
      const spawn = {
        ...{ type: "collabAgentToolCall", id: "spawn", tool: "spawnAgent", status: "inProgress" },
        ...{ senderThreadId: "thread-1", receiverThreadIds: [] as string[], prompt: "Look" },
        ...{ model: "", reasoningEffort: null, agentsStates: {} },
      };
      const named = { ...spawn, receiverThreadIds: ["child-1"] };
      const start = order === "before it is named" ? spawn : named;
      const end = { ...named, model: "mini", status: "completed" };
      pair.server.send(
        turnStarted(ids),
        { method: "item/started", params: { ...ids, item: start } },
        turnStarted(child),
        { method: "item/completed", params: { ...ids, item: end } },
        turnCompleted(child),
        turnCompleted(ids),
      );
      await turn.run();
      const [root, sub] = log.operations<TurnOperation>("turn");
      expect(sub).toMatchObject({ ...child, depth: 1, model: "mini", status: "completed" });
      expect(sub?.parent).toBe(root);
    },
  );
});

describe("an item", () => {
  test("begins and completes; deltas publish nothing", async () => {
    using log = new ChannelLog("item");
    await using pair = await linkedThread();
    const turn = pair.thread.turn("Hello");
    await turn.started;
    const item = { ...ids, item: command("completed", { exitCode: 3, durationMs: 5 }) };
    pair.server.send(
      turnStarted(ids),
      ...textMessages({ ...ids, text: "many words and so many deltas" }),
      { method: "item/started", params: { ...ids, item: command("inProgress") } },
      { method: "item/completed", params: item },
      // Its start was missed.
      { method: "item/completed", params: { ...ids, item: agentMessage("msg-2", "Late") } },
      turnCompleted(ids),
    );
    await turn.run();
    expect(log.entries).toHaveLength(12);
    expect(log.operations("item")).toMatchObject([
      { itemId: "msg-1", type: "agentMessage", turnId: "turn-1", completed: true },
      { itemId: "cmd-1", type: "commandExecution", status: "completed", exitCode: 3 },
      { itemId: "msg-2", type: "agentMessage", completed: true },
    ]);
  });

  test("that never completes is forgotten with its turn, however many there are", async () => {
    using log = new ChannelLog("item");
    await using pair = await linkedThread();
    const turn = pair.thread.turn("Hello");
    await turn.started;
    const starts = Array.from({ length: 3_000 }, (_, n) => ({
      method: "item/started",
      params: { ...ids, item: agentMessage(`m-${n}`, "") },
    }));
    pair.server.send(turnStarted(ids));
    pair.server.sendTogether([...starts, turnCompleted(ids)]);
    await turn.run();
    const begun = log.operations("item");
    expect(begun).toHaveLength(1_024);
    for (const item of begun.slice(-3)) expect(log.phasesOf(item)).toEqual(whole);
  });
});

describe("a request of the server", () => {
  const approval = { ...ids, itemId: "cmd-1", command: "rm secret", cwd: "/secret" };
  const method = "item/commandExecution/requestApproval";

  async function ask(pair: Awaited<ReturnType<typeof linkedThread>>): Promise<void> {
    pair.server.send({ id: 7, method, params: approval });
    await pair.client.request("model/list", {});
  }

  test("is one operation until its answer, with the decision and the time that it took", async () => {
    using log = new ChannelLog("server-request", "turn");
    await using pair = await linkedThread({ onApproval: "accept" });
    const turn = pair.thread.turn("Hello");
    await turn.started;
    pair.server.send(turnStarted(ids));
    await ask(pair);
    pair.server.send(turnCompleted(ids));
    await turn.run();
    const [operation] = log.operations<ServerRequestOperation>("server-request");
    expect(operation).toMatchObject({
      ...{ method, ...ids, itemId: "cmd-1", requestId: 7, outcome: "answered", decision: "accept" },
      errorType: undefined,
    });
    expect(operation?.waitedMs).toBeGreaterThanOrEqual(0);
    expect(operation?.turn).toBe(log.operations("turn")[0]);
    expect(log.phasesOf(operation as object)).toEqual(whole);
    expect(JSON.stringify(log.entries)).not.toContain("secret");
    expect(operation?.content).toMatchObject({
      params: { command: "rm secret" },
      answer: { decision: "accept" },
    });
  });

  test("that nobody handles is refused, and one whose handler throws has its error", async () => {
    using log = new ChannelLog("server-request");
    await using pair = await linkedThread();
    await ask(pair);
    const wrong = new RangeError("secret");
    await using other = await linkedThread({
      onApproval: () => {
        throw wrong;
      },
      onError: () => undefined,
    });
    await ask(other);
    const [refused, broken] = log.operations<ServerRequestOperation>("server-request");
    expect(refused).toMatchObject({ outcome: "refused", decision: "decline" });
    expect(broken).toMatchObject({ outcome: "refused", errorType: "RangeError" });
    expect(broken?.error).toBe(wrong);
    expect(log.phasesOf(broken as object)).toEqual(failed);
  });

  test("that waits for respond() ends with it, and one whose turn ends is over", async () => {
    using log = new ChannelLog("server-request");
    const { defer } = await import("../../../lib/index.js");
    await using pair = await linkedThread({ onApproval: () => defer() });
    await ask(pair);
    pair.server.send({ id: 8, method, params: { ...approval, itemId: "cmd-2" } });
    await pair.client.request("model/list", {});
    const [first, second] = log.operations<ServerRequestOperation>("server-request");
    expect([first?.outcome, second?.outcome]).toEqual([undefined, undefined]);
    pair.client.respond(first?.key ?? "", "decline");
    pair.server.send(turnCompleted(ids));
    await pair.client.request("model/list", {});
    expect([first, second]).toMatchObject([
      { outcome: "answered", decision: "decline" },
      { outcome: "over", decision: undefined },
    ]);
  });
});

describe("what runs here", () => {
  const place = new AsyncLocalStorage<string>();
  const call = {
    ...ids,
    callId: "call-1",
    namespace: null,
    tool: "find",
    arguments: { q: "secret" },
  };

  test("runs in the stores that are bound to its operation: turn, request, tool", async () => {
    const seen: unknown[] = [];
    const within = (name: string) => () => `${place.getStore() ?? ""}/${name}`;
    const stops = ["turn", "server-request", "tool", "request"].map((channel) =>
      bindStore(channel, place, within(channel)),
    );
    try {
      await using pair = await linked();
      const thread = await pair.client.startThread({
        onApproval: () => {
          seen.push(["approval", place.getStore()]);
          return "accept";
        },
        tools: [
          {
            name: "find",
            description: "Finds",
            inputSchema: { type: "object" },
            execute: async () => {
              await Promise.resolve();
              seen.push(["tool", place.getStore()]);
              return "found";
            },
          },
        ],
      });
      await place.run("caller", async () => {
        const turn = thread.turn("Hello");
        await turn.started;
        pair.server.send(turnStarted(ids), { id: 1, method: "item/tool/call", params: call });
        const method = "item/commandExecution/requestApproval";
        pair.server.send({ id: 2, method, params: { ...ids, itemId: "cmd-1", command: "ls" } });
        await pair.client.request("model/list", {});
        await pair.client.request("model/list", {});
        pair.server.send(turnCompleted(ids));
        await turn.run();
      });
    } finally {
      for (const stop of stops) stop();
    }
    expect(new Map(seen as [string, string][])).toEqual(
      new Map([
        ["approval", "caller/turn/server-request"],
        ["tool", "caller/turn/server-request/tool"],
      ]),
    );
  });

  test("runs within what a subscriber of `start` wraps around it, the first outermost", async () => {
    const order: string[] = [];
    const wrap = (name: string, times: number) => (operation: unknown) => {
      (operation as RequestOperation).within((run) => {
        order.push(`${name} in`);
        // Once is enough.
        for (let done = 0; done < times; done += 1) run();
        order.push(`${name} out`);
      });
    };
    const listeners = [wrap("first", 1), wrap("second", 2)];
    await using pair = await linked();
    for (const listener of listeners) {
      subscribe("tracing:codex-app-server-sdk:request:start", listener);
    }
    try {
      await pair.client.request("model/list", {});
    } finally {
      for (const listener of listeners) {
        unsubscribe("tracing:codex-app-server-sdk:request:start", listener);
      }
    }
    expect(order).toEqual(["first in", "second in", "second out", "first out"]);
    expect(pair.server.paramsOf("model/list")).toHaveLength(1);
  });

  test("a tool is one operation, which says whether it has succeeded", async () => {
    using log = new ChannelLog("tool");
    await using pair = await linked({ onError: () => undefined });
    let fails = false;
    const find = {
      ...{ name: "find", description: "Finds", inputSchema: { type: "object" } },
      execute: () =>
        fails ? Promise.reject(new TypeError("secret")) : Promise.resolve("a secret"),
    };
    await pair.client.startThread({ tools: [find] });
    for (const id of [1, 2]) {
      pair.server.send({ id, method: "item/tool/call", params: { ...call, callId: `call-${id}` } });
      await pair.client.request("model/list", {});
      await pair.client.request("model/list", {});
      fails = true;
    }
    const [good, bad] = log.operations<ToolOperation>("tool");
    expect(good).toMatchObject({ ...ids, tool: "find", callId: "call-1", success: true });
    expect(good?.content).toEqual({
      arguments: { q: "secret" },
      result: [{ type: "inputText", text: "a secret" }],
    });
    expect(bad).toMatchObject({ callId: "call-2", success: false, errorType: "TypeError" });
    expect(log.phasesOf(bad as object)).toEqual(failed);
    expect(JSON.stringify(log.entries)).not.toContain("secret");
  });
});

describe("the start of a server, and its status", () => {
  test("are shown, by Codex", async () => {
    using log = new ChannelLog("start");
    const messages: StatusMessage[] = [];
    const note = (message: unknown) => void messages.push(message as StatusMessage);
    subscribe("codex-app-server-sdk:status", note);
    try {
      const codex = new Codex({ server: new FakeAppServer() });
      await codex.ready();
      await codex.close();
    } finally {
      unsubscribe("codex-app-server-sdk:status", note);
    }
    expect(messages.map(({ state }) => state)).toEqual(["starting", "ready", "closed"]);
    expect(messages[0]).toMatchObject({ attempt: 1, codex: messages[1]?.codex });
    expect(log.operations("start")).toMatchObject([{ via: "connection" }]);
    expect(log.phasesOf(log.operations("start")[0] as object)).toEqual(whole);
  });

  test("that fails has the error", async () => {
    using log = new ChannelLog("start");
    const codex = new Codex({ codexPath: "/nowhere/codex" });
    await rejection(codex.ready());
    await codex.close();
    const [operation] = log.operations("start");
    expect(operation).toMatchObject({ via: "process", errorType: expect.any(String) });
    expect(log.phasesOf(operation as object)).toEqual(failed);
  });
});

test("nothing is kept or shown while nobody subscribes", async () => {
  await using pair = await linkedThread();
  const turn = pair.thread.turn("Hello");
  await turn.started;
  using log = new ChannelLog("turn", "item", "request");
  for (const message of turnMessages({ ...ids, text: "Hi." })) pair.server.send(message);
  await turn.run();
  expect(log.entries).toEqual([]);
});
