import { describe, expect, test } from "@jest/globals";
import {
  approve,
  defer,
  InvalidArgumentError,
  RequestNotPendingError,
  ServerRequestOverError,
  type ClientRequestHandlers,
  type RequestAnswer,
} from "../../../lib/index.js";
import { OpenRequests } from "../../../lib/server-requests/open-requests.js";
import { recordingLogger } from "../../contract/recording-logger.js";
import { linkedThread } from "../../support/linked-server.js";
import { turnCompleted } from "../../support/turn-messages.js";
import { Asking, methods, requests } from "./asking.js";

type Kind = keyof typeof requests;

const deferring: ClientRequestHandlers = {
  onApproval: () => defer(),
  onUserInput: () => Promise.resolve(defer()),
  onElicitation: () => defer(),
  onAuthTokenRefresh: () => defer(),
  onAttestation: () => defer(),
  onCurrentTime: () => defer(),
  handlers: {
    "item/tool/call": () => defer(),
    applyPatchApproval: () => defer(),
    execCommandApproval: () => defer(),
  },
};

async function waiting(handlers: ClientRequestHandlers = deferring) {
  const logger = recordingLogger();
  const pair = await linkedThread({ ...handlers, logger });
  return { ...pair, asking: new Asking(pair.server), logger };
}

function thrown(action: () => void): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  throw new Error("it did not throw");
}

describe("pendingRequests()", () => {
  test("lists what is open, oldest first, with what a person needs to decide", async () => {
    await using pair = await waiting();
    const before = Date.now();
    for (const kind of ["command", "form", "toolCall", "tokens"] as const) {
      pair.asking.ask(methods[kind], requests[kind], kind);
    }
    await pair.asking.answered();
    const pending = pair.client.pendingRequests();
    const turn = { threadId: "thread-1", turnId: "turn-1" };
    const anyText = expect.any(String) as unknown;
    const anyTime = expect.any(Date) as unknown;
    const none = { threadId: undefined, turnId: undefined, itemId: undefined };
    expect(pending).toEqual([
      {
        key: anyText,
        receivedAt: anyTime,
        requestId: "command",
        method: methods.command,
        ...turn,
        itemId: "item-1",
        request: { type: "command", ...requests.command },
        params: requests.command,
        deferred: true,
      },
      {
        key: anyText,
        receivedAt: anyTime,
        requestId: "form",
        method: methods.form,
        ...turn,
        itemId: undefined,
        request: { type: "form", ...requests.form },
        params: requests.form,
        deferred: true,
      },
      {
        key: anyText,
        receivedAt: anyTime,
        requestId: "toolCall",
        method: methods.toolCall,
        ...turn,
        itemId: "item-1",
        request: undefined,
        params: requests.toolCall,
        deferred: true,
      },
      {
        key: anyText,
        receivedAt: anyTime,
        requestId: "tokens",
        method: methods.tokens,
        ...none,
        request: undefined,
        params: requests.tokens,
        deferred: true,
      },
    ]);
    for (const { receivedAt } of pending) {
      expect(receivedAt.getTime()).toBeGreaterThanOrEqual(before);
    }
    pair.client.respond("form", "accept");
    expect(pair.client.pendingRequests().map(({ requestId }) => requestId)).toEqual([
      "command",
      "toolCall",
      "tokens",
    ]);
  });

  test("tells a handler that is still at it from one that has deferred", async () => {
    await using pair = await waiting({
      onApproval: { command: () => new Promise(() => undefined), fileChange: () => defer() },
    });
    pair.asking.ask(methods.command, requests.command);
    pair.asking.ask(methods.fileChange, requests.fileChange);
    pair.asking.ask(methods.permissions, requests.permissions);
    await pair.asking.answered();
    expect(pair.client.pendingRequests().map(({ deferred }) => deferred)).toEqual([false, true]);
  });

  test("is empty when nothing is open", async () => {
    await using pair = await waiting({ onApproval: "accept" });
    await pair.asking.answer(methods.command, requests.command);
    expect(pair.client.pendingRequests()).toEqual([]);
  });
});

describe("respond()", () => {
  const tokens = { accessToken: "token", chatgptAccountId: "account" };
  const output = { contentItems: [], success: true };

  test.each<readonly [Kind, RequestAnswer, object]>([
    ["command", "accept", { decision: "accept" }],
    ["command", { decision: "accept" }, { decision: "accept" }],
    ["command", approve.execPolicy(["ls"]), { decision: approve.execPolicy(["ls"]) }],
    ["fileChange", "acceptForSession", { decision: "acceptForSession" }],
    ["permissions", "accept", { permissions: requests.permissions.permissions, scope: "turn" }],
    ["permissions", approve.permissions({}), { permissions: {}, scope: "turn" }],
    ["userInput", { colour: "red" }, { answers: { colour: { answers: ["red"] } } }],
    [
      "userInput",
      { answers: { colour: { answers: ["red"] } } },
      { answers: { colour: { answers: ["red"] } } },
    ],
    ["userInput", {}, { answers: {} }],
    ["form", "accept", { action: "accept", content: {}, _meta: null }],
    [
      "form",
      { action: "accept", content: { count: 1 } },
      { action: "accept", content: { count: 1 }, _meta: null },
    ],
    ["url", "cancel", { action: "cancel", content: null, _meta: null }],
    ["toolApproval", approve.tool(), { action: "accept", content: {}, _meta: null }],
    ["tokens", tokens, tokens],
    ["attestation", { token: "token" }, { token: "token" }],
    ["time", new Date(1_000), { currentTimeAt: 1 }],
    ["toolCall", output, output],
    ["patch", { decision: "approved" }, { decision: "approved" }],
    ["exec", { decision: "abort" }, { decision: "abort" }],
  ])("answers %s with %j", async (kind, answer, result) => {
    await using pair = await waiting();
    const id = pair.asking.ask(methods[kind], requests[kind]);
    await pair.asking.answered();
    pair.client.respond(id, answer);
    expect(await pair.asking.answerTo(id)).toEqual({ result });
    expect(await pair.asking.answered()).toEqual([id]);
  });

  test("takes the key as well as the id", async () => {
    await using pair = await waiting();
    pair.asking.ask(methods.command, requests.command, "0");
    pair.asking.ask(methods.fileChange, requests.fileChange, 0);
    await pair.asking.answered();
    const [first, second] = pair.client.pendingRequests();
    pair.client.respond(second?.key ?? "", "accept");
    expect(await pair.asking.answerTo(0)).toEqual({ result: { decision: "accept" } });
    pair.client.respond(first?.key ?? "", "cancel");
    expect(await pair.asking.answerTo("0")).toEqual({ result: { decision: "cancel" } });
  });

  test("of the wrong shape throws, and leaves the request open", async () => {
    await using pair = await waiting();
    const id = pair.asking.ask(methods.command, requests.command);
    await pair.asking.answered();
    for (const answer of ["yes", {}, [], null, undefined, { decision: "yes" }, 1n]) {
      const error = thrown(() => {
        pair.client.respond(id, answer as never);
      });
      expect(error).toBeInstanceOf(InvalidArgumentError);
      expect(error).toMatchObject({ argument: "answer" });
    }
    expect(pair.client.pendingRequests()).toHaveLength(1);
    pair.client.respond(id, "accept");
    expect(await pair.asking.answerTo(id)).toEqual({ result: { decision: "accept" } });
  });

  test("throws for what is not open: unknown, answered, over", async () => {
    await using pair = await waiting();
    const expectGone = (id: string | number) => {
      const error = thrown(() => {
        pair.client.respond(id, "accept");
      });
      expect(error).toBeInstanceOf(RequestNotPendingError);
      expect(error).toMatchObject({ requestId: id, code: "REQUEST_NOT_PENDING" });
    };
    expectGone(7);
    expectGone("key");
    const id = pair.asking.ask(methods.command, requests.command);
    await pair.asking.answered();
    expectGone(`${id}`);
    const [{ key } = { key: "" }] = pair.client.pendingRequests();
    pair.client.respond(id, "accept");
    expectGone(id);
    expectGone(key);
    const over = pair.asking.ask(methods.fileChange, requests.fileChange);
    await pair.asking.answered();
    pair.server.send(turnCompleted({ threadId: "thread-1", turnId: "turn-1" }));
    await pair.asking.answered();
    expectGone(over);
    const last = pair.asking.ask(methods.tokens, requests.tokens);
    await pair.asking.answered();
    await pair.client.close();
    expectGone(last);
  });

  test("while the handler is at it aborts the handler's signal, and its own answer is dropped", async () => {
    const answers: ((decision: "cancel") => void)[] = [];
    const signals: AbortSignal[] = [];
    await using pair = await waiting({
      onApproval: (_, { signal }) => {
        signals.push(signal);
        return new Promise((resolve) => answers.push(resolve));
      },
    });
    const id = pair.asking.ask(methods.command, requests.command);
    await pair.asking.answered();
    pair.client.respond(id, "accept");
    expect(await pair.asking.answerTo(id)).toEqual({ result: { decision: "accept" } });
    const [signal] = signals;
    expect(signal?.reason).toBeInstanceOf(ServerRequestOverError);
    expect(signal?.reason).toMatchObject({ why: "answered" });
    answers[0]?.("cancel");
    expect(await pair.asking.answered()).toEqual([id]);
    expect(pair.logger.lines).toContain(`warn: An answer to ${methods.command} came too late.`);
  });

  test("tells a handler that has deferred, too", async () => {
    let signal: AbortSignal | undefined;
    await using pair = await waiting({
      onApproval: (_, context) => {
        ({ signal } = context);
        return defer();
      },
    });
    const id = pair.asking.ask(methods.command, requests.command);
    await pair.asking.answered();
    expect(signal?.aborted).toBe(false);
    pair.client.respond(id, "accept");
    expect(signal?.reason).toMatchObject({ why: "answered" });
  });

  test("may be called by the handler itself", async () => {
    const pair = await waiting({
      onApproval: (_, { key }) => {
        pair.client.respond(key, "accept");
        return "cancel";
      },
    });
    const id = pair.asking.ask(methods.command, requests.command);
    expect(await pair.asking.answerTo(id)).toEqual({ result: { decision: "accept" } });
    expect(await pair.asking.answered()).toEqual([id]);
    await pair.client.close();
  });

  test("answers a method that is not known", async () => {
    await using pair = await waiting();
    pair.client.handle("item/brandNew", () => defer());
    const id = pair.asking.ask("item/brandNew", { what: 1 });
    await pair.asking.answered();
    expect(pair.client.pendingRequests()).toMatchObject([{ params: { what: 1 } }]);
    pair.client.respond(id, { done: true });
    expect(await pair.asking.answerTo(id)).toEqual({ result: { done: true } });
  });
});

describe("a request that is sent again", () => {
  test("reaches its handler once, and is answered once", async () => {
    const seen: unknown[] = [];
    await using pair = await waiting({
      onApproval: (_, { requestId }) => (seen.push(requestId), defer()),
    });
    for (let times = 0; times < 3; times += 1)
      pair.asking.ask(methods.command, requests.command, 0);
    // The same number as text is another id.
    pair.asking.ask(methods.command, requests.command, "0");
    await pair.asking.answered();
    expect(seen).toEqual([0, "0"]);
    pair.client.respond(0, "accept");
    pair.asking.ask(methods.command, requests.command, 0);
    pair.client.respond("0", "decline");
    expect(await pair.asking.answered()).toEqual([0, "0"]);
    expect(seen).toEqual([0, "0"]);
  });

  test("is not asked anew when somebody else has answered it", async () => {
    let called = 0;
    await using pair = await waiting({ onApproval: () => ((called += 1), defer()) });
    pair.asking.ask(methods.command, requests.command, 0);
    pair.server.notify("serverRequest/resolved", { threadId: "thread-1", requestId: 0 });
    pair.asking.ask(methods.command, requests.command, 0);
    expect(await pair.asking.answered()).toEqual([]);
    expect([called, pair.client.pendingRequests()]).toEqual([1, []]);
  });

  test("is a new one when it is about something else", async () => {
    await using pair = await waiting({ onApproval: "accept" });
    for (const itemId of ["a", "b", "b", "c"]) {
      pair.asking.ask(methods.command, { ...requests.command, itemId }, 0);
      await pair.asking.answered();
    }
    expect(await pair.asking.answered()).toEqual([0, 0, 0]);
  });

  test("is known among the last 1,024, and nothing more is kept of them", () => {
    const open = new OpenRequests();
    const message = (id: number) => ({ id, method: "m", params: { threadId: "t", large: "x" } });
    for (let id = 0; id < 3_000; id += 1) {
      const arrival = open.open(message(id));
      if (arrival.kind === "new") arrival.request.settle({ result: "large" });
    }
    expect(open.size).toBe(0);
    expect(open.subjectOf(2_999)).toEqual({
      method: "m",
      threadId: "t",
      namedTurnId: undefined,
      turnId: undefined,
      itemId: undefined,
      isEvent: false,
      connection: 0,
      answer: undefined,
    });
    expect(open.open(message(2_000))).toEqual({ kind: "known" });
    expect(open.subjectOf(1_000)).toBeUndefined();
  });
});
