import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { getEventListeners } from "node:events";
import {
  InvalidArgumentError,
  InvalidParamsError,
  InvalidRequestError,
  maxInputCharacters,
  MethodNotFoundError,
  ThreadBusyError,
  ThreadNotFoundError,
  TurnNotActiveError,
  type AppServerClient,
  type ClientRequestMethod,
  type InputItem,
  type ParamsOf,
  type StartThreadOptions,
  type Thread,
} from "../../lib/index.js";
import { reply } from "../../lib/testing/index.js";
import { RealStage, rejection } from "../support/real.js";

const noSuchThread = "019a0000-0000-7000-8000-000000000000";
const secret = "secret-value";

let stage: RealStage;
let client: AppServerClient;
let thread: Thread;

beforeAll(async () => {
  stage = await RealStage.open();
  client = await stage.client();
  thread = await client.startThread();
  await thread.run("Hi");
});
afterAll(() => stage.close());

/** Sends what the types would not let pass. */
function send(method: string, params: unknown): Promise<unknown> {
  return client.request(method as "turn/start", params as ParamsOf<"turn/start">);
}

function textInput(text: string) {
  return [{ type: "text" as const, text, text_elements: [] }];
}

describe("a call that the server cannot read", () => {
  test("of an unknown method says so shortly", async () => {
    const error = await rejection(send("thread/noSuchMethod", { secret }));
    expect(error).toBeInstanceOf(MethodNotFoundError);
    expect(error).toMatchObject({ rpcCode: -32_600, method: "thread/noSuchMethod" });
    expect(error.message.length).toBeLessThan(200);
  });

  test.each<[ClientRequestMethod, unknown, string]>([
    ["thread/read", {}, "missing field `threadId`"],
    ["thread/read", { threadId: 5 }, "expected a string"],
    ["thread/read", { threadId: secret }, "invalid thread id"],
    ["turn/start", { threadId: noSuchThread, input: secret }, "expected a sequence"],
    ["turn/start", { threadId: noSuchThread, input: [{ type: secret }] }, "expected one of `text`"],
    ["thread/start", { sandbox: secret }, "expected one of `read-only`"],
  ])("of %s with %j names the problem, not the value", async (method, params, problem) => {
    const error = await rejection(send(method, params));
    expect(error).toBeInstanceOf(InvalidParamsError);
    expect(error.message).toContain(problem);
    expect(error.message).not.toContain(secret);
  });

  test.each<[StartThreadOptions, string]>([
    [{ config: { model_providers: secret } }, "in `model_providers`"],
    [{ config: { approvals_reviewer: secret } }, "in `approvals_reviewer`"],
    [{ modelProvider: secret }, "Model provider not found"],
  ])("because of the configuration %j names the key, not the value", async (options, problem) => {
    const error = await rejection(client.startThread(options));
    expect(error).toBeInstanceOf(InvalidRequestError);
    expect(error.message).toContain("failed to load configuration");
    expect(error.message).toContain(problem);
    expect(error.message).not.toContain(secret);
  });

  test("keeps the server's structured details", async () => {
    const params = { keyPath: "sandbox_mode", value: secret, mergeStrategy: "replace" } as const;
    const error = await rejection(client.request("config/value/write", params));
    expect(error).toMatchObject({ data: { config_write_error_code: "configValidationError" } });
    expect(error.message).not.toContain(secret);
  });
});

describe("a thread that does not exist", () => {
  test.each<[string, () => Promise<unknown>]>([
    ["run", () => client.thread(noSuchThread).run(secret)],
    ["read", () => client.thread(noSuchThread).read()],
    ["setName", () => client.thread(noSuchThread).setName(secret)],
    ["compact", () => client.thread(noSuchThread).compact().run()],
    ["review", () => client.thread(noSuchThread).review({ type: "uncommittedChanges" }).run()],
    ["shellCommand", () => client.thread(noSuchThread).shellCommand("true").run()],
    ["turns", () => client.thread(noSuchThread).turns().page()],
    ["items", () => client.thread(noSuchThread).items().page()],
    ["searchOccurrences", () => client.thread(noSuchThread).searchOccurrences("a").page()],
    ["resume", () => client.resumeThread(noSuchThread)],
    ["fork", () => client.forkThread(noSuchThread)],
    ["archive", () => client.archiveThread(noSuchThread)],
    ["unarchive", () => client.unarchiveThread(noSuchThread)],
    ["turn/start", () => send("turn/start", { threadId: noSuchThread, input: textInput(secret) })],
  ])("is not found by %s", async (_, call) => {
    const error = await rejection(call());
    expect(error).toBeInstanceOf(ThreadNotFoundError);
    expect(error.message).toContain(noSuchThread);
    expect(error.message).not.toContain(secret);
  });
});

describe("a thread that never ran a turn", () => {
  let fresh: Thread;
  beforeAll(async () => {
    fresh = await client.startThread();
  });

  test.each<[string, () => Promise<unknown>]>([
    ["resumed", () => client.resumeThread(fresh.id)],
    ["forked", () => client.forkThread(fresh.id)],
  ])("cannot be %s, and the error says why", async (_, call) => {
    const error = await rejection(call());
    expect(error).toBeInstanceOf(ThreadNotFoundError);
    expect(error.message).toMatch(/[.] A thread has no stored history before its first turn/);
  });

  test("has neither turns nor items nor anything to be found in them", async () => {
    expect(await fresh.turns().all()).toEqual([]);
    expect(await fresh.items().all()).toEqual([]);
    expect(await fresh.searchOccurrences("Hi").all()).toEqual([]);
  });

  test("cannot be asked for them by hand, and the error says why", async () => {
    const threadId = fresh.id;
    const turns = await rejection(client.request("thread/turns/list", { threadId }));
    expect(turns).toBeInstanceOf(ThreadNotFoundError);
    expect(turns.message).toContain("A thread has no stored history before its first turn");
    const items = await rejection(client.request("thread/items/list", { threadId }));
    expect(items).toBeInstanceOf(MethodNotFoundError);
    expect(items.message).toContain("A thread has no stored items before its first turn");
  });

  test("can be read, and can be forked once it has a name", async () => {
    await expect(fresh.read()).resolves.toMatchObject({ id: fresh.id, turns: [] });
    const named = await client.startThread();
    await named.setName("Named before its first turn");
    const fork = await client.forkThread(named.id);
    expect(fork.id).not.toBe(named.id);
    await expect(fork.run("Hi")).resolves.toMatchObject({ status: "completed" });
  });
});

describe("a turn that does not run", () => {
  test("can neither be steered nor interrupted by hand", async () => {
    const input = textInput(secret);
    const threadId = thread.id;
    const gate = reply.hold();
    stage.model.enqueueFor(threadId, reply.text(["Still ", gate, "here."]));
    for (const running of [false, true]) {
      const turn = running ? thread.turn("Talk") : undefined;
      if (turn) await gate.reached;
      for (const error of await Promise.all([
        rejection(client.request("turn/steer", { threadId, expectedTurnId: "other", input })),
        rejection(client.request("turn/interrupt", { threadId, turnId: "other" })),
      ])) {
        expect(error).toBeInstanceOf(TurnNotActiveError);
        expect(error.message).not.toContain(secret);
      }
      gate.release();
      if (turn) expect(await turn.run()).toMatchObject({ finalResponse: "Still here." });
    }
  });

  test("cannot be steered through its handle, while interrupting it does nothing", async () => {
    const turn = thread.turn("Hi");
    await turn.run();
    await turn.interrupt();
    expect(await rejection(turn.steer("Too late"))).toBeInstanceOf(TurnNotActiveError);
  });
});

describe("input that the server would refuse", () => {
  const tooLong = "x".repeat(maxInputCharacters + 1);
  const remote: InputItem = { type: "image", url: `https://127.0.0.1/${secret}.png` };

  test("is refused before it is sent", () => {
    for (const input of [tooLong, ["x", tooLong.slice(1)], remote, ["Look:", remote]]) {
      expect(() => thread.turn(input)).toThrow(InvalidArgumentError);
    }
    expect(() => thread.turn(remote)).not.toThrow(secret);
  });

  test("of the longest allowed size arrives, counted in characters as the server counts", async () => {
    const longest = `${"🙂".repeat(maxInputCharacters - 1)}!`;
    await expect(thread.run(longest)).resolves.toMatchObject({ status: "completed" });
    expect(stage.model.requests.at(-1)?.lastUserText).toHaveLength(longest.length);
  });

  test("is refused by the server when it is sent by hand", async () => {
    const threadId = thread.id;
    const long = await rejection(send("turn/start", { threadId, input: textInput(tooLong) }));
    expect(long).toBeInstanceOf(InvalidParamsError);
    expect(long).toMatchObject({
      rpcCode: -32_602,
      data: { input_error_code: "input_too_large", max_chars: maxInputCharacters },
    });
    const image = await rejection(send("turn/start", { threadId, input: [remote] }));
    expect(image).toBeInstanceOf(InvalidRequestError);
    expect(image.message).toContain("remote image URLs are not supported");
    expect(image.message).not.toContain(secret);
  });
});

describe("two servers on one home", () => {
  test("cannot both write a thread, and the second says so", async () => {
    await using second = await stage.client();
    const error = await rejection(second.resumeThread(thread.id));
    expect(error).toBeInstanceOf(ThreadBusyError);
    expect(error.message).toContain("Another process has this thread open");
    expect(await rejection(second.thread(thread.id).run("Hi"))).toBeInstanceOf(ThreadBusyError);
    await expect(second.thread(thread.id).read()).resolves.toMatchObject({ id: thread.id });
    await expect(second.thread(thread.id).turns().all()).resolves.not.toHaveLength(0);
  });
});

test("nothing listens to the client's own end after all this", () => {
  expect(getEventListeners(client.signal, "abort")).toHaveLength(0);
});
