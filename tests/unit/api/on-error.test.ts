import { describe, expect, test } from "@jest/globals";
import { AsyncLocalStorage } from "node:async_hooks";
import {
  approve,
  defineTool,
  type ConnectionSettings,
  type ErrorOrigin,
  type RequestHandlers,
} from "../../../lib/index.js";
import { linked } from "../../support/linked-server.js";
import { Asking, methods, requests } from "../server-requests/asking.js";

const boom = new TypeError("boom, and a secret");

type Told = readonly [error: unknown, origin: ErrorOrigin];

async function stage(options: ConnectionSettings = {}) {
  const told: Told[] = [];
  const logged: string[] = [];
  const pair = await linked({
    onError: (error, origin) => {
      told.push([error, origin]);
    },
    logger: { error: (line) => logged.push(line) },
    ...options,
  });
  return { ...pair, told, logged, asking: new Asking(pair.server) };
}

const ways: readonly (readonly [string, () => never])[] = [
  [
    "throws",
    () => {
      throw boom;
    },
  ],
  ["rejects with", () => Promise.reject(boom) as never],
];

const ids = { threadId: "thread-1", turnId: "turn-1" };

describe.each(ways)("onError gets what a function %s", (_, fail) => {
  test.each<[string, keyof typeof methods, RequestHandlers]>([
    ["onApproval", "command", { onApproval: fail }],
    ["onApproval.command", "command", { onApproval: { command: fail } }],
    ["onUserInput", "userInput", { onUserInput: fail }],
    ["onElicitation", "form", { onElicitation: fail }],
    ["onCurrentTime", "time", { onCurrentTime: fail }],
    ["handlers", "permissions", { handlers: { [methods.permissions]: fail } }],
  ])("in %s, given to a thread", async (_option, kind, handlers) => {
    await using pair = await stage();
    await pair.client.startThread(handlers);
    const params = { ...requests[kind], threadId: "thread-1" };
    await pair.asking.answer(methods[kind], params);
    const { turnId } = params as { turnId?: string };
    const origin = { where: "handler", method: methods[kind], threadId: "thread-1", turnId };
    expect(pair.told).toEqual([[boom, origin]]);
    expect(pair.logged).toEqual([]);
  });

  test("in what only a client handles, and in handle()", async () => {
    await using pair = await stage({ onAuthTokenRefresh: fail });
    pair.client.handle("test/thing", fail);
    await pair.asking.answer(methods.tokens, requests.tokens);
    await pair.asking.answer("test/thing", {});
    const nobody = { threadId: undefined, turnId: undefined };
    expect(pair.told).toEqual([
      [boom, { where: "handler", method: methods.tokens, ...nobody }],
      [boom, { where: "handler", method: "test/thing", ...nobody }],
    ]);
  });

  test("in a tool, of which the model learns as before", async () => {
    await using pair = await stage();
    const weather = defineTool({
      name: "weather",
      description: "-",
      input: { type: "object", properties: { city: { type: "string" } } },
      execute: fail,
    });
    await pair.client.startThread({ tools: [weather] });
    const answer = await pair.asking.answer(methods.toolCall, requests.toolCall);
    expect(answer).toMatchObject({ result: { success: false } });
    expect(pair.told).toEqual([[boom, { where: "tool", method: methods.toolCall, ...ids }]]);
    // Arguments that do not fit are the model's mistake.
    await pair.asking.answer(methods.toolCall, { ...requests.toolCall, arguments: { city: 1 } });
    expect(pair.told).toHaveLength(1);
  });

  test("in a listener of notifications, and of the connection's status", async () => {
    const pair = await stage();
    pair.client.on("turn/diff/updated", fail);
    pair.client.onConnectionStatus(fail);
    pair.server.notify("turn/diff/updated", { ...ids, diff: "-" });
    await pair.asking.answered();
    await pair.client.close();
    const nothing = { method: undefined, threadId: undefined, turnId: undefined };
    expect(pair.told).toEqual([
      [boom, { where: "listener", method: "turn/diff/updated", ...ids }],
      [boom, { where: "onConnectionStatus", ...nothing }],
    ]);
  });

  test("in the logger, unless it is being told of an error", async () => {
    await using pair = await stage({ logger: { warn: fail, error: fail } });
    await pair.asking.answer(methods.command, requests.command);
    expect(pair.told).toEqual([[boom, expect.objectContaining({ where: "logger" })]]);
  });

  test("in itself no more than once: the logger is told then, and survives itself too", async () => {
    const lines: string[] = [];
    const error = (line: string): unknown => {
      lines.push(line.split("\n")[0] ?? "");
      return fail();
    };
    await using pair = await stage({ onApproval: fail, onError: fail, logger: { error } });
    await pair.asking.answer(methods.command, requests.command);
    await pair.asking.answered();
    expect(lines).toEqual([
      `A handler of ${methods.command} failed: TypeError`,
      "onError failed: TypeError",
    ]);
  });
});

describe("without onError", () => {
  test("the logger gets the class and the place, and never the message", async () => {
    const fail = () => {
      throw boom;
    };
    await using pair = await stage({ onError: undefined, onApproval: fail });
    pair.client.on("warning", fail);
    pair.server.notify("warning", { threadId: null, message: "-" });
    await pair.asking.answer(methods.command, requests.command);
    expect(pair.logged.map((line) => line.split("\n")[0])).toEqual([
      "A listener of warning failed: TypeError",
      `A handler of ${methods.command} failed: TypeError`,
    ]);
    for (const line of pair.logged) expect(line).toMatch(/\n {4}at .*on-error\.test\.ts:\d+/);
    expect(pair.logged.join()).not.toContain("boom");
  });

  test("and without a logger, nothing happens to anybody else", async () => {
    const fail = () => Promise.reject(boom);
    await using pair = await stage({ onError: undefined, logger: undefined, onApproval: fail });
    expect(await pair.asking.answer(methods.command, requests.command)).toEqual({
      result: { decision: "decline" },
    });
  });
});

describe("what is no failure", () => {
  test("is that a handler gives up because its signal has aborted, but anything else is", async () => {
    const gaveUp: ((error: unknown) => void)[] = [];
    await using pair = await stage({
      onApproval: () => new Promise((_, reject) => gaveUp.push(reject)),
    });
    const signals: AbortSignal[] = [];
    await pair.client.startThread({
      onApproval: (_, { signal }) => {
        signals.push(signal);
        return new Promise((_resolve, reject) => gaveUp.push(reject));
      },
    });
    for (let itemId = 0; itemId < 4; itemId += 1) {
      pair.asking.ask(methods.command, { ...requests.command, itemId: `item-${itemId}` });
    }
    await pair.asking.answered();
    pair.server.notify("thread/closed", { threadId: "thread-1" });
    await pair.asking.answered();
    const reason: unknown = signals[0]?.reason;
    gaveUp[0]?.(reason);
    gaveUp[1]?.(new DOMException("x", "AbortError"));
    gaveUp[2]?.(new Error("given up", { cause: signals[2]?.reason }));
    gaveUp[3]?.(boom);
    await pair.asking.answered();
    expect(pair.told).toEqual([[boom, { where: "handler", method: methods.command, ...ids }]]);
  });
});

test("a mistake in a decision is told to onError as well as in the refusal", async () => {
  await using pair = await stage({ onApproval: () => approve.execPolicy([]) });
  await pair.asking.answer(methods.command, requests.command);
  expect(pair.told).toMatchObject([[{ code: "INVALID_ARGUMENT" }, { where: "handler" }]]);
});

test("an answer that cannot be written is told, too", async () => {
  const circle: Record<string, unknown> = { decision: "accept" };
  circle["itself"] = circle;
  await using pair = await stage({ handlers: { [methods.command]: () => circle as never } });
  await pair.asking.answer(methods.command, requests.command);
  expect(pair.told).toMatchObject([[expect.any(Error), { where: "handler", ...ids }]]);
});

test("onError is called in the context of the function that failed", async () => {
  const user = new AsyncLocalStorage<string>();
  const seen: unknown[] = [];
  const pair = await linked({
    onError: (_, { where }) => {
      seen.push([where, user.getStore()]);
    },
    onApproval: () => Promise.reject(boom),
  });
  const asking = new Asking(pair.server);
  const thread = await pair.client.startThread();
  const fail = () => Promise.reject(boom) as never;
  user.run("first", () => pair.client.on("warning", fail));
  const turn = user.run("second", () => thread.turn("Hi"));
  const { id } = await turn.started;
  pair.server.notify("warning", { threadId: null, message: "-" });
  await asking.answer(methods.command, { ...requests.command, turnId: id });
  expect(seen).toEqual([
    ["listener", "first"],
    ["handler", "second"],
  ]);
  await pair.client.close();
});

test.each([5, "x", {}, null])("onError must be a function: %p is refused", async (onError) => {
  await expect(linked({ onError: onError as never })).rejects.toMatchObject({
    code: "INVALID_ARGUMENT",
    message: expect.stringContaining("onError") as unknown,
  });
});
