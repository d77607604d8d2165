import { describe, expect, test } from "@jest/globals";
import { TurnFailedError } from "../../../lib/turns/turn-errors.js";
import { collect, rejection } from "../../support/collect.js";
import { linkedThread, ResponseError } from "../../support/linked-server.js";
import {
  textMessages,
  turnCompleted,
  turnStarted,
  type Params,
} from "../../support/turn-messages.js";

const ids = { threadId: "thread-1", turnId: "turn-1" };

/** Runs a turn that fails with this error. */
async function fail(error: Params | null): Promise<TurnFailedError> {
  await using pair = await linkedThread();
  const { server, thread } = pair;
  const turn = thread.turn("Hi");
  await turn.started;
  const text = textMessages({ ...ids, text: "So far" });
  server.send(turnStarted(ids), ...text, turnCompleted(ids, { status: "failed", error }));
  const thrown = await rejection(turn.run());
  expect(thrown).toBeInstanceOf(TurnFailedError);
  return thrown as TurnFailedError;
}

test("run() of a failed turn throws, with everything the turn did", async () => {
  const details = { message: "You have no quota left.", codexErrorInfo: "usageLimitExceeded" };
  const error = await fail(details);
  expect(error).toMatchObject({
    name: "TurnFailedError",
    code: "TURN_FAILED",
    message: "The turn failed: You have no quota left.",
    reason: "usageLimitExceeded",
    codexErrorInfo: "usageLimitExceeded",
    httpStatusCode: null,
  });
  expect(error.result).toMatchObject({
    id: "turn-1",
    status: "failed",
    error: details,
    finalResponse: "So far",
  });
});

test.each<[string, unknown, Partial<TurnFailedError>]>([
  ["a name", "contextWindowExceeded", { reason: "contextWindowExceeded", httpStatusCode: null }],
  ["a name that is new", "solarFlare", { reason: "solarFlare", httpStatusCode: null }],
  [
    "an object with a status",
    { responseTooManyFailedAttempts: { httpStatusCode: 429 } },
    { reason: "responseTooManyFailedAttempts", httpStatusCode: 429 },
  ],
  [
    "an object without a status",
    { responseStreamDisconnected: { httpStatusCode: null } },
    { reason: "responseStreamDisconnected", httpStatusCode: null },
  ],
  [
    "an object that is new",
    { solarFlare: { strength: "X9" } },
    { reason: "solarFlare", httpStatusCode: null },
  ],
  [
    "an object with a name only",
    { solarFlare: "X9" },
    { reason: "solarFlare", httpStatusCode: null },
  ],
  ["an empty object", {}, { reason: "other", httpStatusCode: null }],
  ["null", null, { reason: "other", httpStatusCode: null }],
])("codexErrorInfo that is %s", async (_name, codexErrorInfo, expected) => {
  const error = await fail({ message: "no", codexErrorInfo });
  expect(error).toMatchObject(expected);
  expect(error.codexErrorInfo).toEqual(codexErrorInfo);
});

test.each([
  ["unauthorized", "unauthorized"],
  ["status 401", { httpConnectionFailed: { httpStatusCode: 401 } }],
  ["status 403", { httpConnectionFailed: { httpStatusCode: 403 } }],
])("without a login it names the ways to log in: %s", async (_name, codexErrorInfo) => {
  const { message } = await fail({ message: "no", codexErrorInfo });
  expect(message).toContain("`codex login`");
  expect(message).toContain("codex.login.apiKey");
  expect(message).toContain("env_key");
});

test("with a login it does not", async () => {
  const info = { httpConnectionFailed: { httpStatusCode: 500 } };
  const { message } = await fail({ message: "no", codexErrorInfo: info });
  expect(message).toBe("The turn failed: no");
});

test("a failure without a reason says that there is none", async () => {
  const error = await fail(null);
  expect(error.message).toBe("The turn failed: the server gave no reason");
  expect(error.result.error).toBeNull();
});

test("the last error notification stands in for a missing reason", async () => {
  await using pair = await linkedThread();
  const { server, thread } = pair;
  const turn = thread.turn("Hi");
  await turn.started;
  const error = { message: "stream cut", codexErrorInfo: "other" };
  server.notify("error", { ...ids, error, willRetry: false });
  server.send(turnCompleted(ids, { status: "failed" }));
  expect(await rejection(turn.run())).toMatchObject({
    message: "The turn failed: stream cut",
    result: { error },
  });
});

test("an error that the server retried does not stay in the result", async () => {
  await using pair = await linkedThread();
  const { server, thread } = pair;
  const turn = thread.turn("Hi");
  await turn.started;
  server.notify("error", { ...ids, error: { message: "Reconnecting... 1/5" }, willRetry: true });
  const events = turn.stream();
  await events.next();
  expect(turn.state.error).toMatchObject({ message: "Reconnecting... 1/5" });
  server.send(...textMessages({ ...ids, text: "Hello" }), turnCompleted(ids));
  expect(await turn.run()).toMatchObject({ status: "completed", error: null });
});

describe("a failed turn", () => {
  const failed = turnCompleted(ids, { status: "failed", error: { message: "no" } });

  test("ends its iteration without an error: the loop has seen turn/completed", async () => {
    await using pair = await linkedThread();
    const { server, thread } = pair;
    const turn = thread.turn("Hi");
    await turn.started;
    server.send(turnStarted(ids), failed);
    expect((await collect(turn)).at(-1)).toMatchObject({ params: { turn: { status: "failed" } } });
  });

  test("has a result with throwOnFailure: false", async () => {
    await using pair = await linkedThread();
    const { server, thread } = pair;
    const turn = thread.turn("Hi");
    await turn.started;
    server.send(failed);
    const result = await turn.run({ throwOnFailure: false });
    expect(result).toMatchObject({ status: "failed", error: { message: "no" } });
    expect(await rejection(turn.run({ throwOnFailure: true }))).toMatchObject({ result });
  });

  test("leaves the thread usable", async () => {
    await using pair = await linkedThread();
    const { server, thread } = pair;
    const turn = thread.turn("Hi");
    await turn.started;
    server.send(failed);
    await rejection(turn.run());
    const next = thread.turn("Again");
    const { id } = await next.started;
    server.turn({ threadId: "thread-1", turnId: id, text: "Hello" });
    expect((await next.run()).finalResponse).toBe("Hello");
  });
});

test("a refused turn/start rejects run(), iteration, started and textStream", async () => {
  await using pair = await linkedThread();
  const { server, thread } = pair;
  server.handle("turn/start", () => {
    throw new ResponseError(-32_602, "input too large", { input_error_code: "input_too_large" });
  });
  const refused = { code: "INVALID_PARAMS", data: { input_error_code: "input_too_large" } };
  const turn = thread.turn("Hi");
  expect(await rejection(turn.run())).toMatchObject(refused);
  expect(await rejection(turn.started)).toMatchObject(refused);
  expect(await rejection(collect(turn))).toMatchObject(refused);
  expect(await rejection(collect(thread.turn("Hi").textStream()))).toMatchObject(refused);
});

test("input and options that cannot work are refused by turn() itself", async () => {
  await using pair = await linkedThread();
  const { server, thread } = pair;
  expect(() => thread.turn([])).toThrow("input must not be empty");
  expect(() => thread.turn("Hi", { timeoutMs: 0 })).toThrow("timeoutMs must be a positive number");
  expect(server.paramsOf("turn/start")).toHaveLength(0);
});

test("a missing file rejects the turn, and nothing is sent", async () => {
  await using pair = await linkedThread();
  const { server, thread } = pair;
  const turn = thread.turn({ type: "localImage", path: "/does/not/exist.png" });
  expect(await rejection(turn.run())).toMatchObject({ code: "INVALID_ARGUMENT" });
  expect(server.paramsOf("turn/start")).toHaveLength(0);
});
