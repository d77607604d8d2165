import { expect, test } from "@jest/globals";
import { InvalidArgumentError } from "../../../lib/errors/invalid-argument-error.js";
import { TurnStreamError } from "../../../lib/turns/turn-errors.js";
import { collect, rejection, settled } from "../../support/collect.js";
import { linkedThread } from "../../support/linked-server.js";
import { textMessages, turnCompleted, turnMessages } from "../../support/turn-messages.js";

const ids = { threadId: "thread-1", turnId: "turn-1" };
const script = { ...ids, text: "Hello there" };
const methods = turnMessages(script).map(({ method }) => method);

test("run() alone collects the result", async () => {
  await using pair = await linkedThread();
  const { server, thread } = pair;
  const turn = thread.turn("Hi");
  await turn.started;
  const result = turn.run();
  server.turn(script);
  expect(await result).toEqual({
    id: "turn-1",
    threadId: "thread-1",
    status: "completed",
    error: null,
    finalResponse: "Hello there",
    items: [{ type: "agentMessage", id: "msg-1", text: "Hello there", phase: null }],
    warnings: [],
    usage: null,
    usageWithSubagents: null,
    startedAt: 1_767_225_600,
    completedAt: 1_767_225_601,
    durationMs: 1_000,
  });
});

test.each([
  ["iterating first", true],
  ["run() first", false],
])("one tick may hold both iterating and run(): %s", async (_name, iterateFirst) => {
  await using pair = await linkedThread();
  const { server, thread } = pair;
  const turn = thread.turn("Hi");
  const iterate = () => collect(turn);
  const run = () => turn.run();
  const both = iterateFirst ? [iterate(), run()] : [run(), iterate()];
  await turn.started;
  server.turn(script);
  const outcomes = await Promise.all(both);
  const [events, result] = iterateFirst ? outcomes : outcomes.reverse();
  expect((events as { method: string }[]).map(({ method }) => method)).toEqual(methods);
  expect(result).toMatchObject({ finalResponse: "Hello there" });
});

test("run() may be called inside the loop, after it, and again", async () => {
  await using pair = await linkedThread();
  const { server, thread } = pair;
  const turn = thread.turn("Hi");
  await turn.started;
  server.turn(script);
  const results = [];
  for await (const event of turn) {
    if (event.method === "turn/completed") results.push(await turn.run());
  }
  results.push(await turn.run(), await turn.run());
  expect(results.map(({ finalResponse }) => finalResponse)).toEqual(Array(3).fill("Hello there"));
});

test("run() may be called several times at once", async () => {
  await using pair = await linkedThread();
  const { server, thread } = pair;
  const turn = thread.turn("Hi");
  const runs = Promise.all([turn.run(), turn.run(), turn.run()]);
  await turn.started;
  server.turn(script);
  const [first, ...others] = await runs;
  expect(first.finalResponse).toBe("Hello there");
  expect(others).toEqual([first, first]);
});

test("thread.run() is a turn and its run() in one call", async () => {
  await using pair = await linkedThread();
  const { server, thread } = pair;
  server.handle("turn/start", () => {
    setImmediate(() => {
      server.turn(script);
    });
    return { turn: { id: "turn-1" } };
  });
  const result = await thread.run("Hi", { model: "gpt-x", throwOnFailure: false });
  expect(result.finalResponse).toBe("Hello there");
  expect(server.paramsOf("turn/start")).toEqual([
    expect.objectContaining({ threadId: "thread-1", model: "gpt-x" }),
  ]);
  expect(server.paramsOf("turn/start")[0]).not.toHaveProperty("throwOnFailure");
});

test("a second consumer is told so, while the first goes on", async () => {
  await using pair = await linkedThread();
  const { server, thread } = pair;
  const turn = thread.turn("Hi");
  const events = collect(turn);
  expect(() => turn.stream()).toThrow(TurnStreamError);
  expect(() => turn[Symbol.asyncIterator]()).toThrow("already being iterated");
  expect(await rejection(collect(turn.textStream()))).toBeInstanceOf(TurnStreamError);
  await turn.started;
  server.turn(script);
  expect(await events).toHaveLength(methods.length);
  expect(() => turn.stream()).toThrow(TurnStreamError);
});

test("events wait for a consumer that comes late", async () => {
  await using pair = await linkedThread();
  const { server, thread } = pair;
  const turn = thread.turn("Hi");
  await turn.started;
  server.turn(script);
  await settled();
  expect(turn.state.status).toBe("completed");
  expect((await collect(turn)).map(({ method }) => method)).toEqual(methods);
});

test("textStream yields the deltas of messages without a mark, with a blank line between two", async () => {
  await using pair = await linkedThread();
  const { server, thread } = pair;
  const turn = thread.turn("Hi");
  await turn.started;
  const second = textMessages({ ...ids, text: "And bye" }, "msg-2");
  server.send(...textMessages(script), ...second, turnCompleted(ids));
  expect(await collect(turn.textStream())).toEqual(["Hello ", "there", "\n\nAnd ", "bye"]);
});

test("textStream yields a message that comes whole", async () => {
  await using pair = await linkedThread();
  const { server, thread } = pair;
  const turn = thread.turn("Hi");
  await turn.started;
  const isDelta = (message: { method?: unknown }) => message.method === "item/agentMessage/delta";
  const whole = textMessages(script, "msg-1").filter((message) => !isDelta(message));
  server.send(...whole, ...textMessages({ ...ids, text: "And bye" }, "msg-2"), turnCompleted(ids));
  expect(await collect(turn.textStream())).toEqual(["Hello there", "\n\nAnd ", "bye"]);
});

test("textStream throws at the end of a failed turn, after its text", async () => {
  await using pair = await linkedThread();
  const { server, thread } = pair;
  const turn = thread.turn("Hi");
  await turn.started;
  const error = { message: "quota", codexErrorInfo: "usageLimitExceeded" };
  server.send(...textMessages(script), turnCompleted(ids, { status: "failed", error }));
  const texts: string[] = [];
  const reading = (async () => {
    for await (const text of turn.textStream()) texts.push(text);
  })();
  expect(await rejection(reading)).toMatchObject({
    code: "TURN_FAILED",
    reason: "usageLimitExceeded",
  });
  expect(texts).toEqual(["Hello ", "there"]);
});

test("textStream refuses options that it does not know, at once", async () => {
  await using pair = await linkedThread();
  const turn = pair.thread.turn("Hi");
  expect(() => turn.textStream({ message: "all" } as never)).toThrow(InvalidArgumentError);
  expect(() => turn.textStream({ messages: "some" as never })).toThrow('"answer" or "all"');
  expect(() => turn.textStream("all" as never)).toThrow(InvalidArgumentError);
});
