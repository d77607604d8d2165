import { describe, expect, jest, test } from "@jest/globals";
import { createCodexHarness, createCodexSandbox } from "../../../lib/ai/index.js";
import { answersIn, questionsInput } from "../../../lib/ai/harness/builtin-tools.js";
import { HostAnswers } from "../../../lib/ai/harness/host-answers.js";
import { provideSkills } from "../../../lib/ai/harness/harness-skills.js";
import { HarnessAsks } from "../../../lib/ai/harness/harness-asks.js";
import type { HarnessPermissions } from "../../../lib/ai/harness/harness-permissions.js";
import { ToldParts } from "../../../lib/ai/harness/told-parts.js";
import type { HarnessSource } from "../../../lib/ai/index.js";
import type { Files } from "../../../lib/index.js";
import { rejection } from "../../support/real.js";

const never = () => {
  throw new Error("nothing may be sent");
};
const codex = {
  startThread: never,
  resumeThread: never,
  thread: never,
  exec: never,
  files: { write: never, mkdir: never },
} as unknown as HarnessSource;

/** Its directory is there. */
const sandboxSession = () => {
  const files = { mkdir: () => Promise.resolve() } as unknown as Files;
  return createCodexSandbox({
    codex: { ...codex, files },
    directory: "/srv/agents",
  }).createSession();
};

describe("createCodexHarness()", () => {
  test.each([
    [{ codex: {} as never }, "codex"],
    [{ codex, answerTimeoutMs: -1 }, "answerTimeoutMs"],
    [{ codex, toolsMayChange: "yes" as never }, "toolsMayChange"],
    [{ codex, thread: { cwd: "/repo" } as never }, "thread.cwd"],
    [{ codex, thread: { onApproval: "accept" } as never }, "thread.onApproval"],
    [{ codex, other: 1 } as never, "other"],
    [{ codex, show: { other: true } as never }, "show.other"],
  ])("refuses options that cannot work: %#", (options, argument) => {
    expect(() => createCodexHarness(options)).toThrow(expect.objectContaining({ argument }));
  });

  test.each([
    ["allow-all", "untrusted"],
    ["allow-all", "on-request"],
    ["allow-edits", "never"],
    ["allow-reads", "never"],
  ] as const)("never loosens what the application says: %s and %s", async (mode, policy) => {
    const harness = createCodexHarness({ codex, thread: { approvalPolicy: policy } });
    const starting = harness.doStart({
      sessionId: "one",
      sessionWorkDir: "/srv/agents/one",
      sandboxSession: await sandboxSession(),
      permissionMode: mode,
    });
    expect(await rejection(starting)).toMatchObject({ argument: "permissionMode" });
  });

  test.each([
    ["headers", { headers: { "x-one": "1" } }],
    ["permissionMode", { permissionMode: "allow-some" as never }],
    [
      "inactiveTools",
      {
        permissionMode: "allow-all",
        builtinToolFiltering: { mode: "deny", toolNames: ["applyPatch"] },
      },
    ],
    ["sandboxSession", { sandboxSession: { run: never } }],
  ] as const)("refuses a session with %s that it could not keep to", async (argument, options) => {
    const starting = createCodexHarness({ codex }).doStart({
      sessionId: "one",
      sessionWorkDir: "/srv/agents/one",
      sandboxSession: await sandboxSession(),
      ...options,
    });
    expect(await rejection(starting)).toMatchObject({ code: "INVALID_ARGUMENT", argument });
  });

  test.each([
    null,
    { threadId: 1 },
    { threadId: "", told: { instructions: "", skills: "", tools: {} } },
    { threadId: "a", told: { instructions: "", skills: "", tools: { a: 1 } } },
    { threadId: "a", told: { instructions: "", skills: "", tools: {} }, turn: { id: "" } },
  ])("has a schema for states: %#", (state) => {
    const { validate } = createCodexHarness({ codex }).lifecycleStateSchema["~standard"];
    expect(validate(state).issues).toHaveLength(1);
    const told = { instructions: "", skills: "", tools: {} };
    expect(validate({ threadId: null, told }).issues).toBeUndefined();
  });
});

test.each([
  [{ codex, directory: "relative" }, "directory"],
  [{ codex, directory: "" }, "directory"],
  [{ codex, directory: "/srv/agents", commands: "read-only" as never }, "commands"],
])("createCodexSandbox() refuses options that cannot work: %#", (options, argument) => {
  expect(() => createCodexSandbox(options)).toThrow(expect.objectContaining({ argument }));
});

describe("skills", () => {
  const skill = { name: "haiku", description: "Writes haikus", content: "5-7-5" };

  test.each([
    [{ ...skill, name: "../haiku" }, "skills[0].name"],
    [{ ...skill, description: " " }, "skills[0].description"],
    ...["../up", "/etc/passwd", "a//b", "a/../b", "SKILL.md", "a\\b"].map(
      (path) => [{ ...skill, files: [{ path, content: "" }] }, "skills[0].files[0].path"] as const,
    ),
  ] as const)(
    "that would lie elsewhere are refused before anything is written: %#",
    async (given, argument) => {
      const place = { files: codex.files, directory: "/srv/agents.skills", canRead: true };
      expect(await rejection(provideSkills([given], place))).toMatchObject({ argument });
    },
  );

  test("are told whole to a model that could not read them", async () => {
    const write = jest.fn<Files["write"]>();
    const files = { write, mkdir: write } as unknown as Files;
    const text = await provideSkills([skill], { files, directory: "/s", canRead: false });
    expect(text).toContain("haiku: Writes haikus\n5-7-5");
    expect(write).not.toHaveBeenCalled();
  });
});

describe("questions", () => {
  const question = { id: "q", header: "", question: "Which?", options: [] };

  test("say whether the answer is a secret, and whether another one than the options is welcome", () => {
    const options = [{ label: "Red", description: "Like blood" }];
    const { questions } = questionsInput([
      { ...question, secret: true, free: false },
      { ...question, secret: false, free: false, options },
      { ...question, secret: false, free: true, options },
      { ...question, secret: false, free: false },
    ]);
    expect(questions.map(({ allowFreeForm }) => allowFreeForm)).toEqual([
      { secret: true },
      false,
      true,
      true,
    ]);
    expect(questions[1]?.options).toEqual([{ id: "Red", label: "Red", description: "Like blood" }]);
  });

  test("may be answered in part, or with words of one's own", () => {
    const answers = { a: { optionIds: ["Red"] }, b: { optionIds: [], freeform: "Green" } };
    expect(answersIn({ action: "partially-answered", answers })).toEqual({
      a: ["Red"],
      b: ["Green"],
    });
    expect(answersIn({ action: "cancelled" })).toEqual({});
    expect(answersIn("nonsense")).toEqual({});
  });
});

describe("what was told", () => {
  test("is left out by who goes on, and text goes on where it was", () => {
    const first = new ToldParts();
    const start = { type: "text-start", id: "a" } as const;
    const call = { type: "tool-call", toolCallId: "c", toolName: "bash", input: "{}" } as const;
    for (const part of [start, { type: "text-delta", id: "a", delta: "Half " } as const, call]) {
      expect(first.rest(part)).toEqual(part);
      first.read(part);
    }
    const unread = { type: "tool-call", toolCallId: "d", toolName: "bash", input: "{}" } as const;
    expect(first.rest(unread)).toEqual(unread);
    expect(first.rest(unread)).toBeUndefined();
    const next = new ToldParts(first.state);
    expect(next.rest(unread)).toEqual(unread);
    expect(next.rest(call)).toBeUndefined();
    expect(next.rest(start)).toEqual(start);
    const whole = { type: "text-delta", id: "a", delta: "Half and whole." } as const;
    expect(next.rest(whole)).toMatchObject({ delta: "and whole." });
    const end = { type: "text-end", id: "a" } as const;
    expect(next.rest(end)).toEqual(end);
    next.read(end);
    const last = new ToldParts(next.state);
    expect([start, whole, end].map((part) => last.rest(part))).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });

  test("counts also when it comes in pieces again", () => {
    const next = new ToldParts({ calls: [], results: [], texts: { a: 4 } });
    const pieces = ["ab", "cde", "f"].map((delta) =>
      next.rest({ type: "text-delta", id: "a", delta }),
    );
    expect(pieces).toEqual([
      undefined,
      { type: "text-delta", id: "a", delta: "e" },
      { type: "text-delta", id: "a", delta: "f" },
    ]);
  });
});

describe("what a host has not read", () => {
  test("is left to tell, but for what is not needed any more, or is asked anew", () => {
    const all = { mode: "allow-all", has: () => true } as unknown as HarnessPermissions;
    const asks = new HarnessAsks(all, [{ name: "add" }]);
    const ask = asks.askOf("call", { tool: "add", input: {} });
    const text = { type: "text-delta", id: "a", delta: "Said." } as const;
    const approval = { type: "tool-approval-request", approvalId: "b", toolCallId: "c" } as const;
    const result = {
      type: "tool-result",
      toolCallId: "call",
      toolName: "add",
      result: "",
    } as const;
    const unread = [text, ...(ask?.parts ?? []), approval];
    expect(asks.leftOf(unread)).toEqual([text, ...(ask?.parts ?? [])]);
    asks.over("call");
    expect(asks.leftOf([...unread, result])).toEqual([text]);
  });
});

describe("answers", () => {
  test("may come before they are asked for, count once, and are not needed when it is over", async () => {
    const over: string[] = [];
    const asks = new HostAnswers<string>((id) => over.push(id));
    const { signal } = new AbortController();
    asks.answer("early", "yes");
    asks.answer("early", "no");
    expect(await asks.wait("early", signal)).toBe("yes");
    expect((await rejection(asks.wait("early", signal))).message).toContain("lost");
    const waiting = asks.wait("open", signal);
    asks.answer("open", "later");
    expect(await waiting).toBe("later");
    const ended = new AbortController();
    const lost = asks.wait("lost", ended.signal);
    ended.abort(new Error("over"));
    expect((await rejection(lost)).message).toBe("over");
    expect(over).toEqual(["lost"]);
  });
});
