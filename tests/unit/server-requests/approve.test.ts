import { describe, expect, test } from "@jest/globals";
import { approve, InvalidArgumentError, type RequestHandlers } from "../../../lib/index.js";
import { recordingLogger } from "../../contract/recording-logger.js";
import { linked } from "../../support/linked-server.js";
import { Asking, methods, requests } from "./asking.js";

const loose = approve as unknown as Readonly<
  Record<keyof typeof approve, (...args: unknown[]) => unknown>
>;

describe("a builder of an answer refuses what it does not understand:", () => {
  test.each([
    ...["forever", "", 1, 0, null, true, ["session"], {}].map(
      (persist) => ["tool", [{ persist }], "persist"] as const,
    ),
    ["tool", [{ persits: "session" }], "persits"],
    ["tool", ["session"], "options"],
    ["tool", [null], "options"],
    ...[[], [""], ["git", ""], "git", null, undefined, [1], {}].map(
      (words) => ["execPolicy", [words], "words"] as const,
    ),
    ["network", [{ host: "a.example", action: "permit" }], "rule.action"],
    ["network", [{ host: "a.example" }], "rule.action"],
    ["network", [{ host: "", action: "allow" }], "rule.host"],
    ["network", [{ host: 1, action: "deny" }], "rule.host"],
    ["network", [{ host: "a.example", action: "deny", port: 1 }], "rule.port"],
    ["network", [null], "rule"],
    ["permissions", [null], "permissions"],
    ["permissions", [{ network: true }], "permissions"],
    ["permissions", [{ fileSystem: { write: "/" } }], "permissions"],
    ["permissions", [{}, { scope: "forever" }], "scope"],
    ["permissions", [{}, { scope: null }], "scope"],
    ["permissions", [{}, { strictAutoReview: "yes" }], "strictAutoReview"],
    ["permissions", [{}, { strictReview: true }], "strictReview"],
    ["permissions", [{}, null], "options"],
  ] as const)("approve.%s(...%j)", (name, args, argument) => {
    expect(() => loose[name](...args)).toThrow(InvalidArgumentError);
    expect(() => loose[name](...args)).toThrow(expect.objectContaining({ argument }));
  });
});

describe("so in a handler it is a refusal, which the log explains:", () => {
  const cases: Record<string, readonly [method: string, params: object, RequestHandlers, object]> =
    {
      "an MCP tool for ever": [
        methods.toolApproval,
        requests.toolApproval,
        { onElicitation: () => loose.tool({ persist: "forever" }) as "accept" },
        { action: "decline" },
      ],
      "every command": [
        methods.command,
        requests.command,
        { onApproval: () => approve.execPolicy([]) },
        { decision: "decline" },
      ],
    };

  test.each(Object.entries(cases))("%s", async (_, [method, params, handlers, refusal]) => {
    const logger = recordingLogger();
    await using pair = await linked({ ...handlers, logger });
    const answer = await new Asking(pair.server).answer(method, params);
    expect(answer).toMatchObject({ result: refusal });
    expect(logger.lines).toEqual([
      expect.stringMatching(/^error: A handler of .* failed: InvalidArgumentError\n {4}at /),
      expect.stringMatching(/^warn: .* was refused: its handler failed: (persist|words) must be /),
    ]);
  });
});

describe("the same answers made by hand are refused:", () => {
  const reply = (answer: object) => ({ onElicitation: () => answer as never });
  const grant = (answer: object) => ({ onApproval: () => answer as never });

  test.each([
    ["toolApproval", reply({ action: "accept", _meta: { persist: "forever" } })],
    ["toolApproval", reply({ action: "accept", _meta: { persist: null } })],
    ["form", reply({ action: "accept", contents: { count: 1 } })],
    ["command", grant({ acceptWithExecpolicyAmendment: { execpolicy_amendment: [] as string[] } })],
    ["permissions", grant({ permissions: {}, strictAutoReveiw: true })],
  ] as const)("%s %#", async (kind, handlers) => {
    await using pair = await linked(handlers);
    const { result } = await new Asking(pair.server).answer(methods[kind], requests[kind]);
    const refusals = {
      toolApproval: { action: "decline" },
      form: { action: "decline" },
      command: { decision: "decline" },
      permissions: { permissions: {}, scope: "turn" },
    };
    expect(result).toMatchObject(refusals[kind]);
  });

  test("but other meta data of an answer to a form is the MCP server's own", async () => {
    const answer = { action: "accept", content: { count: 1 }, _meta: { persist: "forever" } };
    await using pair = await linked(reply(answer));
    const { result } = await new Asking(pair.server).answer(methods.form, requests.form);
    expect(result).toEqual(answer);
  });
});
