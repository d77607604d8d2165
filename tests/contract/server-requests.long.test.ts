import { describe, expect, test } from "@jest/globals";
import { defer } from "../../lib/index.js";
import { methodIndex, validateServerRequestResult } from "../support/schemas.js";
import { type Json, type Message, startScripted, type Step } from "../support/scripted-server.js";
import { recordingLogger } from "./recording-logger.js";

interface Asked {
  readonly method: string;
  readonly id: string | number;
  readonly params?: Json;
}

/** What a client that decides nothing answers to these requests, which come in one chunk. */
async function answersTo(requests: Asked[], logger = recordingLogger()): Promise<Message[]> {
  const together = requests.map(({ method, id, params = {} }): Step => ({
    ask: method,
    id,
    params,
  }));
  const waits = requests.map(({ id }): Step => ({ waitForAnswer: id }));
  await using running = await startScripted(
    // Two requests with one id have two answers, so the last one is not told by its id.
    {
      on: {
        "config/read": [{ together }, ...waits, { respond: {} }],
        "account/read": [{ respond: {} }],
      },
    },
    { logger },
  );
  await running.client.request("config/read", {});
  await running.client.request("account/read", {});
  return await running.server.answers();
}

const denied = { decision: { denied: { rejection: "This client does not decide approvals." } } };
const refusals: Record<string, object> = {
  "item/commandExecution/requestApproval": { result: { decision: "decline" } },
  "item/fileChange/requestApproval": { result: { decision: "decline" } },
  "item/permissions/requestApproval": { result: { permissions: {}, scope: "turn" } },
  "item/tool/requestUserInput": { result: { answers: {} } },
  "item/tool/call": {
    result: {
      contentItems: [{ type: "inputText", text: "This client does not offer the tool." }],
      success: false,
    },
  },
  "mcpServer/elicitation/request": { result: { action: "decline", content: null, _meta: null } },
  "account/chatgptAuthTokens/refresh": {
    error: { code: -32_601, message: "this client does not manage logins" },
  },
  "attestation/generate": { error: { code: -32_601, message: "this client does not attest" } },
  "currentTime/read": { result: { currentTimeAt: expect.any(Number) } },
  applyPatchApproval: { result: denied },
  execCommandApproval: { result: denied },
};
/** What a method gets that is newer than this library. */
const unknownMethod = {
  error: { code: -32_601, message: "this client does not know the method" },
};
/** The option whose handler was missing. */
const options: Record<string, string> = {
  "item/commandExecution/requestApproval": "onApproval.command",
  "item/fileChange/requestApproval": "onApproval.fileChange",
  "item/permissions/requestApproval": "onApproval.permissions",
  "item/tool/requestUserInput": "onUserInput",
  "item/tool/call": "tools",
  "mcpServer/elicitation/request": "onElicitation",
  "account/chatgptAuthTokens/refresh": "onAuthTokenRefresh",
  "attestation/generate": "onAttestation",
  "currentTime/read": "onCurrentTime",
  applyPatchApproval: "handlers",
  execCommandApproval: "handlers",
};
const methods = Object.keys(methodIndex.serverRequests);

describe("a server request that nobody handles", () => {
  test("is one of eleven that have a refusal of their own, or newer than these", () => {
    expect(Object.keys(refusals)).toHaveLength(11);
    expect(methods).toEqual(expect.arrayContaining(Object.keys(refusals)));
  });

  test.each(methods)("is refused at once in its own shape: %s", async (method) => {
    const logger = recordingLogger();
    const [answer, ...others] = await answersTo([{ method, id: 0 }], logger);
    expect(answer).toEqual({ id: 0, ...(refusals[method] ?? unknownMethod) });
    expect(others).toEqual([]);
    if (answer?.error === undefined) {
      expect(validateServerRequestResult(method, answer?.result)).toEqual([]);
    }
    const line = `warn: ${method} was refused: nobody handles it (${options[method] ?? "handlers"}).`;
    expect(logger.lines).toEqual([line]);
  });

  test("tells the time in seconds", async () => {
    const before = Math.floor(Date.now() / 1_000);
    const [answer] = await answersTo([{ method: "currentTime/read", id: 1 }]);
    const { currentTimeAt } = answer?.result as { currentTimeAt: number };
    expect(currentTimeAt).toBeGreaterThanOrEqual(before);
    expect(currentTimeAt).toBeLessThanOrEqual(Date.now() / 1_000);
  });

  test.each(["item/brandNew/requestApproval", "constructor", "__proto__", "toString", ""])(
    "and that is not known is answered with an error: %j",
    async (method) => {
      const answers = await answersTo([{ method, id: 3 }]);
      expect(answers).toEqual([{ id: 3, ...unknownMethod }]);
    },
  );

  test("is refused whatever its params are", async () => {
    const method = "item/commandExecution/requestApproval";
    const odd: Json[] = [null, [], ["a", 1], "text", 7, { threadId: 7, turnId: {} }];
    const answers = await answersTo(odd.map((params, id) => ({ method, id, params })));
    expect(answers).toEqual(odd.map((_, id) => ({ id, result: { decision: "decline" } })));
  });

  test("is answered with the very id, number or text", async () => {
    const ids = [0, "0", 7, "7", -1, "", "a b", "ünïcode", 9_007_199_254_740_991];
    const method = "item/fileChange/requestApproval";
    const answers = await answersTo(ids.map((id) => ({ method, id })));
    expect(answers.map(({ id }) => id)).toEqual(ids);
  });

  test("is answered once, however often it comes", async () => {
    const request = { method: "item/fileChange/requestApproval", id: 4 };
    const answer = { id: 4, result: { decision: "decline" } };
    expect(await answersTo([request, request, request])).toEqual([answer]);
  });

  test("may use an id that a request of the client uses, too", async () => {
    await using running = await startScripted({
      on: {
        "config/read": [
          { line: '{"id":{{id}},"method":"item/tool/call","params":{}}' },
          { waitFor: "initialized", count: 2 },
          { respond: { mine: true } },
        ],
      },
    });
    const { client, server } = running;
    const asked = client.request("config/read", {});
    await client.notify("initialized");
    expect(await asked).toEqual({ mine: true });
    await client.close();
    const [sent] = await server.received("config/read");
    expect(await server.answers()).toMatchObject([{ id: sent?.id, result: { success: false } }]);
  });

  test("without a usable id is not answered, and holds up nobody", async () => {
    const steps: Step[] = [
      { ask: "item/tool/call", id: null, params: {} },
      { ask: "item/tool/call", id: 5, params: {} },
      { waitForAnswer: 5 },
      { respond: {} },
    ];
    await using running = await startScripted({ on: { "config/read": steps } });
    await running.client.request("config/read", {});
    expect((await running.server.answers()).map(({ id }) => id)).toEqual([5]);
  });

  test("is answered even before the handshake is", async () => {
    await using running = await startScripted({
      on: {
        initialize: [
          { ask: "item/tool/call", id: "early", params: {} },
          { waitForAnswer: "early" },
          { respond: {} },
        ],
      },
    });
    expect(await running.server.answers()).toHaveLength(1);
  });
});

describe("a server request that a handler answers", () => {
  const method = "item/commandExecution/requestApproval";
  const ask = (id: string | number): Step => ({
    ask: method,
    id,
    params: { threadId: "thread", turnId: "turn", itemId: `${id}`, command: `${id}` },
  });

  test("is answered when the handler is done, in any order, once, with the very id", async () => {
    const ids = [0, "0", 1, "one"];
    const steps: Step[] = [
      { together: [...ids, ...ids].map(ask) },
      ...ids.map((id): Step => ({ waitForAnswer: id })),
      { together: [...ids.map(ask), { respond: {} }] },
    ];
    const decide: (() => void)[] = [];
    await using running = await startScripted(
      { on: { "config/read": steps, "account/read": [{ respond: {} }] } },
      {
        onApproval: () =>
          new Promise((resolve) => {
            decide.push(() => {
              resolve("accept");
            });
            if (decide.length < ids.length) return;
            setImmediate(() => {
              for (const go of decide.toReversed()) go();
            });
          }),
      },
    );
    await running.client.request("config/read", {});
    await running.client.request("account/read", {});
    expect(await running.server.answers()).toEqual(
      ids.toReversed().map((id) => ({ id, result: { decision: "accept" } })),
    );
    expect(decide).toHaveLength(4);
  });

  test("is never answered when the server has resolved it, or its turn has ended", async () => {
    const signals: AbortSignal[] = [];
    const turn = { id: "turn", status: "interrupted", items: [] };
    await using running = await startScripted(
      {
        on: {
          "config/read": [
            ask(0),
            ask(1),
            { notify: "serverRequest/resolved", params: { threadId: "thread", requestId: 0 } },
            { notify: "turn/completed", params: { threadId: "thread", turn } },
            { respond: {} },
          ],
          "account/read": [{ respond: {} }],
        },
      },
      {
        onApproval: (_, { signal }) => {
          signals.push(signal);
          return new Promise((resolve) => {
            signal.addEventListener("abort", () => {
              resolve("accept");
            });
          });
        },
      },
    );
    await running.client.request("config/read", {});
    await running.client.request("account/read", {});
    expect(await running.server.answers()).toEqual([]);
    expect(signals.map(({ reason }) => (reason as { why: string }).why)).toEqual([
      "resolved",
      "turnEnded",
    ]);
  });

  test("stays open as long as a person takes, and other traffic goes on", async () => {
    await using running = await startScripted(
      {
        on: {
          "config/read": [ask("asked"), { respond: {} }],
          "account/read": [{ respond: {} }],
          "model/list": [{ waitForAnswer: "asked" }, { respond: {} }],
        },
      },
      { onApproval: () => defer() },
    );
    const { client, server } = running;
    await client.request("config/read", {});
    await client.request("account/read", {});
    expect(await server.answers()).toEqual([]);
    const [pending] = client.pendingRequests();
    client.respond(pending?.key ?? "", "accept");
    await client.request("model/list", {});
    expect(await server.answers()).toEqual([{ id: "asked", result: { decision: "accept" } }]);
  });
});
