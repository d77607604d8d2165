import { describe, expect, test } from "@jest/globals";
import type { ClientRequestHandlers } from "../../../lib/index.js";
import { isResultOf } from "../../../lib/server-requests/request-kinds.js";
import { recordingLogger } from "../../contract/recording-logger.js";
import { linkedThread } from "../../support/linked-server.js";
import { validateServerRequestResult } from "../../support/schemas.js";
import { Asking, methods, requests } from "./asking.js";

type Kind = keyof typeof requests;

const denied = { decision: { denied: { rejection: "This client does not decide approvals." } } };
const refusals: Record<Kind, object> = {
  command: { result: { decision: "decline" } },
  fileChange: { result: { decision: "decline" } },
  permissions: { result: { permissions: {}, scope: "turn" } },
  userInput: { result: { answers: {} } },
  toolCall: {
    result: {
      contentItems: [{ type: "inputText", text: "This client does not offer the tool." }],
      success: false,
    },
  },
  form: { result: { action: "decline", content: null, _meta: null } },
  url: { result: { action: "decline", content: null, _meta: null } },
  toolApproval: { result: { action: "decline", content: null, _meta: null } },
  tokens: { error: { code: -32_601, message: "this client does not manage logins" } },
  attestation: { error: { code: -32_601, message: "this client does not attest" } },
  time: { result: { currentTimeAt: expect.any(Number) as unknown } },
  patch: { result: denied },
  exec: { result: denied },
};
const kinds = Object.keys(requests) as Kind[];

/** Handlers of every kind, typed and by method, that do the same. */
function everywhere(act: () => unknown, how: "typed" | "raw"): ClientRequestHandlers {
  const handler = act as () => never;
  if (how === "raw") {
    const entries = Object.values(methods).map((method) => [method, handler] as const);
    return { handlers: Object.fromEntries(entries) };
  }
  return {
    onApproval: handler,
    onUserInput: handler,
    onElicitation: handler,
    onAuthTokenRefresh: handler,
    onAttestation: handler,
    onCurrentTime: handler,
  };
}

async function outcome(handlers: ClientRequestHandlers, kind: Kind) {
  const logger = recordingLogger();
  await using pair = await linkedThread({ ...handlers, logger });
  const answer = await new Asking(pair.server).answer(methods[kind], requests[kind]);
  return { answer, lines: logger.lines };
}

const typed = kinds.filter((kind) => !["toolCall", "patch", "exec"].includes(kind));

describe("a handler that fails is a refusal, and two log lines that do not say with which message", () => {
  const secret = new Error("rm -rf /home/user/secret");

  test.each([
    ...typed.map((kind) => ["typed", kind] as const),
    ...kinds.map((kind) => ["raw", kind] as const),
  ])("%s, for %s", async (how, kind) => {
    const refused = {
      answer: refusals[kind],
      lines: [
        expect.stringMatching(/^error: A handler of \S+ failed: Error\n {4}at .*\.test\.ts:\d+/),
        `warn: ${methods[kind]} was refused: its handler failed.`,
      ],
    };
    const throwing = () => {
      throw secret;
    };
    const rejecting = () => Promise.reject(secret);
    for (const failing of [throwing, rejecting]) {
      const found = await outcome(everywhere(failing, how), kind);
      expect(found).toEqual(refused);
      expect(found.lines.join()).not.toContain("rm -rf");
    }
  });
});

describe("an answer of the wrong shape is a refusal, and a log line that names the method alone", () => {
  const wrong = [
    undefined,
    null,
    true,
    0,
    1.5,
    "yes",
    "",
    [],
    ["accept"],
    {},
    { decision: 1 },
    () => 1,
  ];

  test.each([
    ...typed.map((kind) => ["typed", kind] as const),
    ...kinds.map((kind) => ["raw", kind] as const),
  ])("%s, for %s", async (how, kind) => {
    for (const value of wrong) {
      // No answers to the questions is an answer, and any text can be a token.
      if (how === "typed" && kind === "userInput" && JSON.stringify(value) === "{}") continue;
      if (how === "typed" && kind === "attestation" && typeof value === "string") continue;
      expect([
        value,
        await outcome(
          everywhere(() => value, how),
          kind,
        ),
      ]).toEqual([
        value,
        {
          answer: refusals[kind],
          lines: [
            `warn: ${methods[kind]} was refused: its handler returned something else than it should.`,
          ],
        },
      ]);
    }
  });

  test.each([
    ["command", { acceptWithExecpolicyAmendment: { execpolicy_amendment: "touch" } }],
    ["command", { acceptWithExecpolicyAmendment: { execpolicy_amendment: [1] } }],
    ["command", { applyNetworkPolicyAmendment: { network_policy_amendment: { host: "a" } } }],
    ["command", { decision: "accept" }],
    ["command", { permissions: {}, scope: "turn" }],
    ["fileChange", { acceptWithExecpolicyAmendment: { execpolicy_amendment: ["touch"] } }],
    ["permissions", "cancel"],
    ["permissions", { permissions: { network: true } }],
    ["permissions", { permissions: { fileSystem: { read: "/" } } }],
    ["permissions", { permissions: {}, scope: "forever" }],
    ["userInput", { colour: 1 }],
    ["userInput", { colour: ["red", 1] }],
    ["userInput", { colour: { answers: ["red"] } }],
    ["form", { action: "perhaps" }],
    ["form", { action: "accept", content: 1n }],
    ["form", { content: {} }],
    ["tokens", { accessToken: "token" }],
    ["tokens", { accessToken: 1, chatgptAccountId: "account" }],
    ["attestation", { token: "token" }],
    ["time", new Date(Number.NaN)],
    ["time", 1_767_225_600],
    ["time", { currentTimeAt: 1.5 }],
  ] as const)("also where it is nearly right: %s, %p", async (kind, value) => {
    const { answer, lines } = await outcome(
      everywhere(() => value, "typed"),
      kind,
    );
    expect(answer).toEqual(refusals[kind]);
    expect(lines).toHaveLength(1);
  });

  test("also for a method that is not known", async () => {
    await using pair = await linkedThread();
    const asking = new Asking(pair.server);
    const circle: Record<string, unknown> = {};
    circle["itself"] = circle;
    for (const value of [undefined, circle, 1n, () => 1]) {
      pair.client.handle("item/brandNew", () => value);
      expect(await asking.answer("item/brandNew", {})).toMatchObject({
        error: { code: -32_601 },
      });
    }
  });

  test("nor do odd params reach a typed handler", async () => {
    let called = 0;
    const count = () => {
      called += 1;
      return "accept" as const;
    };
    await using pair = await linkedThread({ onApproval: count });
    const asking = new Asking(pair.server);
    for (const params of [null, [], "text", 7, true, undefined]) {
      expect(await asking.answer(methods.command, params)).toEqual(refusals.command);
    }
    expect(called).toBe(0);
  });
});

describe("what is taken for a result is what the protocol takes", () => {
  const amendment = { host: "a", action: "deny" };
  const values: unknown[] = [
    ...["accept", "acceptForSession", "decline", "cancel", "approved", "abort", "yes"].map(
      (decision) => ({ decision }),
    ),
    { decision: { acceptWithExecpolicyAmendment: { execpolicy_amendment: [] } } },
    { decision: { acceptWithExecpolicyAmendment: { execpolicy_amendment: ["a"] } } },
    { decision: { acceptWithExecpolicyAmendment: {} } },
    { decision: { applyNetworkPolicyAmendment: { network_policy_amendment: amendment } } },
    { decision: { applyNetworkPolicyAmendment: { network_policy_amendment: { host: "a" } } } },
    { decision: { approved_execpolicy_amendment: { proposed_execpolicy_amendment: ["a"] } } },
    { decision: { network_policy_amendment: { network_policy_amendment: amendment } } },
    { decision: { denied: { rejection: "no" } } },
    { decision: { denied: {} } },
    ...["approved_for_session", "approved_mcp_policy_amendment", "timed_out"].map((decision) => ({
      decision,
    })),
    { permissions: {} },
    { permissions: null },
    { permissions: {}, scope: "session", strictAutoReview: null },
    { permissions: {}, strictAutoReview: "yes" },
    { permissions: { network: { enabled: null } }, scope: "turn" },
    { permissions: { network: { enabled: "yes" } }, scope: "turn" },
    { permissions: { network: null, fileSystem: { read: null, write: ["/a"] } } },
    { permissions: { fileSystem: { globScanMaxDepth: 3, entries: [] } } },
    { permissions: { fileSystem: { globScanMaxDepth: "3" } } },
    { answers: {} },
    { answers: { a: { answers: ["b"] } } },
    { answers: { a: ["b"] } },
    { answers: [] },
    { contentItems: [], success: true },
    { contentItems: [{ type: "inputText", text: "a" }], success: false },
    { contentItems: [{ type: "inputImage", imageUrl: "a" }], success: false },
    { contentItems: [{ type: "inputAudio", audioUrl: "a" }], success: false },
    { contentItems: [{ type: "inputText" }], success: false },
    { contentItems: [{ type: "text", text: "a" }], success: false },
    { contentItems: [], success: "yes" },
    { success: true },
    { action: "accept" },
    { action: "cancel", content: null, _meta: null },
    { action: "accept", content: { a: [1, "b", null] }, _meta: 1 },
    { action: "maybe" },
    { accessToken: "a", chatgptAccountId: "b" },
    { accessToken: "a", chatgptAccountId: "b", chatgptPlanType: "pro" },
    { accessToken: "a", chatgptAccountId: "b", chatgptPlanType: 1 },
    { accessToken: "a" },
    { token: "a" },
    { token: 1 },
    { currentTimeAt: 1 },
    { currentTimeAt: "1" },
    {},
    null,
    [],
    "text",
  ];

  test.each([...new Set(Object.values(methods))])("%s", (method) => {
    const ours = values.filter((value) => isResultOf(method, value));
    const theirs = values.filter(
      (value) => validateServerRequestResult(method, value).length === 0,
    );
    expect(ours).toEqual(theirs);
    expect(ours).not.toEqual([]);
  });
});
