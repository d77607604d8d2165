import { runInNewContext } from "node:vm";
import { describe, expect, test } from "@jest/globals";
import {
  approve,
  type ApprovalRequest,
  type ClientRequestHandlers,
  type RequestContext,
} from "../../../lib/index.js";
import { linkedThread } from "../../support/linked-server.js";
import { validateServerRequest, validateServerRequestResult } from "../../support/schemas.js";
import { Asking, methods, requests } from "./asking.js";

type Kind = keyof typeof requests;

/** What the client answers to a request of this kind; it must be what the protocol takes. */
async function answer(handlers: ClientRequestHandlers, kind: Kind): Promise<unknown> {
  await using pair = await linkedThread(handlers);
  const { result, error } = await new Asking(pair.server).answer(methods[kind], requests[kind]);
  if (error !== undefined) return error;
  expect(validateServerRequestResult(methods[kind], result)).toEqual([]);
  return result;
}

test("the requests of these tests are those of the protocol", () => {
  const kinds = Object.keys(requests) as Kind[];
  expect(kinds.flatMap((kind) => validateServerRequest(methods[kind], requests[kind]))).toEqual([]);
});

describe("onApproval", () => {
  const asked = { network: { enabled: true }, fileSystem: null };

  test.each([
    ["command", "accept", { decision: "accept" }],
    ["command", "acceptForSession", { decision: "acceptForSession" }],
    ["command", "decline", { decision: "decline" }],
    ["fileChange", "accept", { decision: "accept" }],
    ["fileChange", "acceptForSession", { decision: "acceptForSession" }],
    ["fileChange", "decline", { decision: "decline" }],
    ["permissions", "accept", { permissions: asked, scope: "turn" }],
    ["permissions", "acceptForSession", { permissions: asked, scope: "session" }],
    ["permissions", "decline", { permissions: {}, scope: "turn" }],
  ] as const)(
    "takes for %s the word %j, from a handler and as a preset",
    async (kind, word, result) => {
      expect(await answer({ onApproval: word }, kind)).toEqual(result);
      expect(await answer({ onApproval: () => word }, kind)).toEqual(result);
      expect(await answer({ onApproval: { [kind]: word } }, kind)).toEqual(result);
      expect(await answer({ onApproval: { [kind]: () => Promise.resolve(word) } }, kind)).toEqual(
        result,
      );
    },
  );

  test.each(["command", "fileChange"] as const)("can cancel the turn of a %s", async (kind) => {
    expect(await answer({ onApproval: () => "cancel" }, kind)).toEqual({ decision: "cancel" });
  });

  test("takes compound decisions for commands", async () => {
    const words = ["touch", "marker.txt"];
    expect(await answer({ onApproval: () => approve.execPolicy(words) }, "command")).toEqual({
      decision: { acceptWithExecpolicyAmendment: { execpolicy_amendment: words } },
    });
    const rule = { host: "example.com", action: "allow" } as const;
    expect(await answer({ onApproval: () => approve.network(rule) }, "command")).toEqual({
      decision: { applyNetworkPolicyAmendment: { network_policy_amendment: rule } },
    });
  });

  test("takes one of the decisions that the server offers, as it is", async () => {
    const handlers: ClientRequestHandlers = {
      onApproval: {
        command: ({ availableDecisions }) => availableDecisions?.at(-1) ?? "decline",
      },
    };
    expect(await answer(handlers, "command")).toEqual({ decision: "cancel" });
  });

  test("grants a part of the permissions, for the turn or the session", async () => {
    const grant = (options?: object) => ({
      onApproval: () => approve.permissions({ fileSystem: { read: ["/srv"] } }, options),
    });
    const permissions = { fileSystem: { read: ["/srv"] } };
    expect(await answer(grant(), "permissions")).toEqual({ permissions, scope: "turn" });
    expect(await answer(grant({ scope: "session" }), "permissions")).toEqual({
      permissions,
      scope: "session",
    });
    expect(
      await answer(grant({ scope: undefined, strictAutoReview: true }), "permissions"),
    ).toEqual({ permissions, scope: "turn", strictAutoReview: true });
  });

  test("gets the request with all its params, told apart by its type", async () => {
    const seen: ApprovalRequest[] = [];
    const onApproval = (request: ApprovalRequest) => {
      seen.push(request);
      return "decline" as const;
    };
    await answer({ onApproval }, "command");
    await answer({ onApproval }, "fileChange");
    await answer({ onApproval }, "permissions");
    expect(seen).toEqual([
      { type: "command", ...requests.command },
      { type: "fileChange", ...requests.fileChange, changes: undefined },
      { type: "permissions", ...requests.permissions },
    ]);
  });

  test("leaves the types that it does not name to the default", async () => {
    expect(await answer({ onApproval: { command: "accept" } }, "fileChange")).toEqual({
      decision: "decline",
    });
  });
});

describe("the other typed handlers", () => {
  test("onUserInput answers by question, with one text or several", async () => {
    const say = (colour: string | readonly string[]) => ({
      onUserInput: () => Promise.resolve({ colour }),
    });
    expect(await answer(say("red"), "userInput")).toEqual({
      answers: { colour: { answers: ["red"] } },
    });
    expect(await answer(say(["red", "blue"]), "userInput")).toEqual({
      answers: { colour: { answers: ["red", "blue"] } },
    });
    expect(await answer({ onUserInput: () => ({}) }, "userInput")).toEqual({ answers: {} });
  });

  test("onUserInput gets the questions", async () => {
    let seen: unknown;
    const onUserInput: ClientRequestHandlers["onUserInput"] = (request) => {
      seen = request;
      return {};
    };
    await answer({ onUserInput }, "userInput");
    expect(seen).toEqual({ type: "userInput", ...requests.userInput });
  });

  test.each([
    ["accept", { action: "accept", content: {}, _meta: null }],
    ["decline", { action: "decline", content: null, _meta: null }],
    ["cancel", { action: "cancel", content: null, _meta: null }],
    [{ action: "accept", content: { count: 3 } } as const, undefined],
    [{ action: "accept", content: { count: 3 }, _meta: { persist: "always" } } as const, undefined],
  ] as const)("onElicitation answers %j", async (given, result) => {
    const wire = result ?? { _meta: null, ...(given as object) };
    expect(await answer({ onElicitation: () => given }, "form")).toEqual(wire);
    expect(await answer({ onElicitation: () => given }, "url")).toEqual(wire);
  });

  test("onElicitation tells forms, pages and tool approvals apart", async () => {
    const seen: unknown[] = [];
    const onElicitation: ClientRequestHandlers["onElicitation"] = (
      request,
      { threadId, turnId },
    ) => {
      seen.push({ request, threadId, turnId });
      return "decline";
    };
    await answer({ onElicitation }, "form");
    await answer({ onElicitation }, "url");
    await answer({ onElicitation }, "toolApproval");
    const threadId = "thread-1";
    expect(seen).toEqual([
      { request: { type: "form", ...requests.form }, threadId, turnId: "turn-1" },
      { request: { type: "url", ...requests.url }, threadId, turnId: undefined },
      {
        request: {
          type: "toolApproval",
          ...requests.toolApproval,
          toolName: "act",
          toolArguments: { file: "a" },
        },
        threadId,
        turnId: "turn-1",
      },
    ]);
  });

  test.each(["openai/form", "openaiForm", "openai/userVerification", "brandNew"])(
    "onElicitation gets the mode %j as another kind",
    async (mode) => {
      let type = "";
      await using pair = await linkedThread({
        onElicitation: (request) => {
          type = `${request.type} ${request.mode}`;
          return "cancel";
        },
      });
      const params = { ...requests.form, mode };
      const { result } = await new Asking(pair.server).answer(methods.form, params);
      expect(result).toMatchObject({ action: "cancel" });
      expect(type).toBe(`other ${mode}`);
    },
  );

  test("approve.tool() allows an MCP tool, once, for the session or for good", async () => {
    const allow = (options?: Parameters<typeof approve.tool>[0]) => ({
      onElicitation: () => approve.tool(options),
    });
    expect(await answer(allow(), "toolApproval")).toEqual({
      action: "accept",
      content: {},
      _meta: null,
    });
    for (const persist of ["session", "always"] as const) {
      expect(await answer(allow({ persist }), "toolApproval")).toMatchObject({
        action: "accept",
        _meta: { persist },
      });
    }
  });

  test("onAuthTokenRefresh gives tokens, for the account that they are asked for", async () => {
    const tokens = { accessToken: "token", chatgptAccountId: "account-1", chatgptPlanType: null };
    let asked: unknown;
    const onAuthTokenRefresh: ClientRequestHandlers["onAuthTokenRefresh"] = (request) => {
      asked = request;
      return Promise.resolve(tokens);
    };
    expect(await answer({ onAuthTokenRefresh }, "tokens")).toEqual(tokens);
    expect(asked).toEqual(requests.tokens);
  });

  test("onAttestation gives a token", async () => {
    expect(await answer({ onAttestation: () => "token" }, "attestation")).toEqual({
      token: "token",
    });
  });

  test("onCurrentTime may give a Date of another realm", async () => {
    const onCurrentTime = () => runInNewContext("new Date(1_000)") as Date;
    expect(await answer({ onCurrentTime }, "time")).toEqual({ currentTimeAt: 1 });
  });

  test("onCurrentTime gives the time that the agent is told", async () => {
    const onCurrentTime = () => new Date("2026-01-01T00:00:00.900Z");
    expect(await answer({ onCurrentTime }, "time")).toEqual({ currentTimeAt: 1_767_225_600 });
  });
});

describe("handlers by method", () => {
  const results = {
    command: { decision: "accept" },
    fileChange: { decision: "acceptForSession" },
    permissions: { permissions: { network: null }, scope: "session" },
    userInput: { answers: { colour: { answers: ["red"] } } },
    toolCall: { contentItems: [{ type: "inputText", text: "sunny" }], success: true },
    form: { action: "accept", content: { count: 1 } },
    tokens: { accessToken: "token", chatgptAccountId: "account-1" },
    attestation: { token: "token" },
    time: { currentTimeAt: 1 },
    patch: { decision: "approved" },
    exec: {
      decision: { approved_execpolicy_amendment: { proposed_execpolicy_amendment: ["ls"] } },
    },
  } as const;

  test.each(Object.entries(results) as [keyof typeof results, object][])(
    "answer in the shape of the protocol: %s",
    async (kind, result) => {
      let seen: unknown;
      const raw = (params: unknown): never => {
        seen = params;
        return result as never;
      };
      expect(await answer({ handlers: { [methods[kind]]: raw } }, kind)).toEqual(result);
      expect(seen).toEqual(requests[kind]);
    },
  );

  test("answer methods that the library does not know, through handle()", async () => {
    await using pair = await linkedThread();
    const asking = new Asking(pair.server);
    const stop = pair.client.handle("item/brandNew", (params, { threadId }) => ({
      params,
      threadId,
    }));
    const params = { threadId: "thread-1", what: 1 };
    expect(await asking.answer("item/brandNew", params)).toEqual({
      result: { params, threadId: "thread-1" },
    });
    stop();
    expect(await asking.answer("item/brandNew", params)).toMatchObject({
      error: { code: -32_601 },
    });
  });
});

test("a handler is told which request it answers", async () => {
  const contexts: RequestContext[] = [];
  const note = <T>(context: RequestContext, answer: T): T => {
    contexts.push(context);
    return answer;
  };
  await using pair = await linkedThread({
    onApproval: (_, context) => note(context, "decline"),
    handlers: {
      "item/tool/call": (_, context) => note(context, { contentItems: [], success: true }),
      execCommandApproval: (_, context) => note(context, { decision: "abort" }),
      "attestation/generate": (_, context) => note(context, { token: "" }),
    },
  });
  const asking = new Asking(pair.server);
  await asking.answerTo(asking.ask(methods.command, requests.command, "seven"));
  await asking.answerTo(asking.ask(methods.toolCall, requests.toolCall, 7));
  await asking.answerTo(asking.ask(methods.exec, requests.exec, "7"));
  await asking.answerTo(asking.ask(methods.attestation, requests.attestation, 0));
  const ids = { threadId: "thread-1", turnId: "turn-1", itemId: "item-1" };
  const none = { threadId: undefined, turnId: undefined, itemId: undefined };
  const signal = expect.objectContaining({ aborted: false }) as object;
  const key = expect.any(String) as unknown;
  expect(contexts).toEqual([
    { key, signal, requestId: "seven", method: methods.command, ...ids },
    { key, signal, requestId: 7, method: methods.toolCall, ...ids },
    { key, signal, requestId: "7", method: methods.exec, ...ids, turnId: undefined },
    { key, signal, requestId: 0, method: methods.attestation, ...none },
  ]);
  expect(new Set(contexts.map((context) => context.key)).size).toBe(4);
});
