import { describe, expect, test } from "@jest/globals";
import {
  ServerRequestOverError,
  TransportClosedError,
  type RequestContext,
} from "../../../lib/index.js";
import { recordingLogger } from "../../contract/recording-logger.js";
import { linkedThread } from "../../support/linked-server.js";
import { turnCompleted } from "../../support/turn-messages.js";
import { Asking, methods, requests } from "./asking.js";

/** A client whose handlers wait for their signal, and the contexts that they got. */
async function waiting() {
  const logger = recordingLogger();
  const contexts: RequestContext[] = [];
  const answers: ((answer: unknown) => void)[] = [];
  const wait = (_: unknown, context: RequestContext): Promise<never> => {
    contexts.push(context);
    return new Promise((resolve) => answers.push(resolve as never));
  };
  const all = [...new Set(Object.values(methods))].map((method) => [method, wait] as const);
  const pair = await linkedThread({ handlers: Object.fromEntries(all), logger });
  return { ...pair, asking: new Asking(pair.server), contexts, answers, logger };
}

const turn = { threadId: "thread-1", turnId: "turn-1" };

function resolved(requestId: string | number) {
  return { method: "serverRequest/resolved", params: { threadId: "thread-1", requestId } };
}

function status(type: string, threadId = "thread-1") {
  return { method: "thread/status/changed", params: { threadId, status: { type } } };
}

function toolCallCompleted(fields: object = {}) {
  const item = { type: "dynamicToolCall", id: "item-1", status: "failed" };
  return { method: "item/completed", params: { ...turn, item, ...fields } };
}

describe("a handler's signal aborts, and its answer is not sent,", () => {
  test.each([
    ["resolved", "when the request is resolved elsewhere", "command", [resolved("asked")]],
    ["turnEnded", "when the turn ends", "command", [turnCompleted(turn)]],
    [
      "turnEnded",
      "when the turn is interrupted",
      "toolCall",
      [turnCompleted(turn, { status: "interrupted" })],
    ],
    ["turnEnded", "when its thread is idle", "command", [status("idle")]],
    ["turnEnded", "when its thread is not loaded", "command", [status("notLoaded")]],
    ["callEnded", "when the server ends a tool call", "toolCall", [toolCallCompleted()]],
    [
      "threadClosed",
      "when the thread is closed",
      "form",
      [{ method: "thread/closed", params: turn }],
    ],
    [
      "threadClosed",
      "when the thread is archived",
      "url",
      [{ method: "thread/archived", params: turn }],
    ],
    [
      "threadClosed",
      "when the thread is deleted",
      "exec",
      [{ method: "thread/deleted", params: turn }],
    ],
  ] as const)("with the reason %j, %s", async (why, _, kind, messages) => {
    await using pair = await waiting();
    pair.asking.ask(methods[kind], requests[kind], "asked");
    expect(await pair.asking.answered()).toEqual([]);
    const [context] = pair.contexts;
    expect(context?.signal.aborted).toBe(false);
    pair.server.send(...messages);
    expect(await pair.asking.answered()).toEqual([]);
    expect(context?.signal.aborted).toBe(true);
    const reason: unknown = context?.signal.reason;
    expect(reason).toBeInstanceOf(ServerRequestOverError);
    expect(reason).toMatchObject({ why, method: methods[kind], requestId: "asked" });
    expect(pair.client.pendingRequests()).toEqual([]);
    pair.answers[0]?.({ decision: "accept" });
    expect(await pair.asking.answered()).toEqual([]);
    expect(pair.logger.lines.filter((line) => line.includes(methods[kind]))).toEqual([
      `warn: An answer to ${methods[kind]} came too late.`,
    ]);
  });

  test("when the connection is lost", async () => {
    const pair = await waiting();
    for (const kind of ["command", "toolCall", "tokens"] as const) {
      pair.asking.ask(methods[kind], requests[kind]);
    }
    await pair.asking.answered();
    pair.server.crash({ exitCode: 1 });
    await pair.client.closed;
    const reasons = pair.contexts.map(({ signal }) => signal.reason as unknown);
    expect(reasons).toHaveLength(3);
    for (const reason of reasons) expect(reason).toBeInstanceOf(TransportClosedError);
    expect(pair.client.pendingRequests()).toEqual([]);
    for (const answer of pair.answers) answer({ decision: "accept" });
  });
});

describe("a handler's signal does not abort", () => {
  test.each([
    ["another request is resolved", [resolved("another"), resolved(0)]],
    ["another turn ends", [turnCompleted({ ...turn, turnId: "turn-2" })]],
    ["the same turn of another thread ends", [turnCompleted({ ...turn, threadId: "thread-2" })]],
    [
      "another tool call ends",
      [
        toolCallCompleted({ item: { type: "dynamicToolCall", id: "item-2" } }),
        toolCallCompleted({ item: { type: "commandExecution", id: "item-1" } }),
        toolCallCompleted({ turnId: "turn-2" }),
        toolCallCompleted({ item: null }),
      ],
    ],
    ["its thread works, or another is idle", [status("active"), status("idle", "thread-2")]],
    ["another thread is closed", [{ method: "thread/closed", params: { threadId: "thread-2" } }]],
  ] as const)("when %s", async (_, messages) => {
    await using pair = await waiting();
    pair.asking.ask(methods.toolCall, requests.toolCall, "0");
    await pair.asking.answered();
    pair.server.send(...messages);
    await pair.asking.answered();
    expect(pair.contexts.map(({ signal }) => signal.aborted)).toEqual([false]);
    pair.answers[0]?.({ contentItems: [], success: true });
    expect(await pair.asking.answerTo("0")).toEqual({
      result: { contentItems: [], success: true },
    });
    expect(pair.contexts.map(({ signal }) => signal.aborted)).toEqual([false]);
  });

  test("of a command whose item has another end than a tool call's", async () => {
    await using pair = await waiting();
    pair.asking.ask(methods.command, requests.command, "0");
    await pair.asking.answered();
    pair.server.send(toolCallCompleted());
    await pair.asking.answered();
    expect(pair.contexts.map(({ signal }) => signal.aborted)).toEqual([false]);
  });
});

test("a handler that gives up because of its signal is no failure", async () => {
  const logger = recordingLogger();
  await using pair = await linkedThread({
    logger,
    onApproval: (_, { signal }) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener("abort", () => {
          reject(signal.reason as Error);
        });
      }),
  });
  const asking = new Asking(pair.server);
  asking.ask(methods.command, requests.command);
  await asking.answered();
  pair.server.send(turnCompleted(turn));
  expect(await asking.answered()).toEqual([]);
  expect(logger.lines.filter((line) => line.includes(methods.command))).toEqual([]);
});

test("a request that is over before its handler is found never reaches one", async () => {
  let called = 0;
  await using pair = await linkedThread();
  const asking = new Asking(pair.server);
  pair.server.handle("turn/start", () => new Promise(() => undefined));
  pair.thread.turn("Hi", { onApproval: () => ((called += 1), "accept") });
  await pair.server.nextRequest("turn/start");
  asking.ask(methods.command, requests.command);
  pair.server.send(resolved(0));
  expect(await asking.answered()).toEqual([]);
  await pair.client.close();
  expect(called).toBe(0);
});

test("handlers hold up neither each other nor anything else, and may answer in any order", async () => {
  await using pair = await waiting();
  const ids = Array.from({ length: 200 }, (_, index) => `${index}`);
  for (const id of ids) pair.asking.ask(methods.command, requests.command, id);
  expect(await pair.client.request("config/read", {})).toEqual({});
  expect(pair.contexts.map(({ requestId }) => requestId)).toEqual(ids);
  for (const answer of pair.answers.toReversed()) answer({ decision: "accept" });
  expect(await pair.asking.answered()).toEqual(ids.toReversed());
});

test("a question that belongs to no turn stays open when its thread is idle", async () => {
  await using pair = await waiting();
  pair.asking.ask(methods.url, requests.url);
  pair.server.send(status("idle"));
  await pair.asking.answered();
  expect(pair.contexts.map(({ signal }) => signal.aborted)).toEqual([false]);
});
