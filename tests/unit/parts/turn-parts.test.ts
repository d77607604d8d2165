import { describe, expect, test } from "@jest/globals";
import { InvalidArgumentError } from "../../../lib/errors/invalid-argument-error.js";
import type { PartOptions } from "../../../lib/parts/part-options.js";
import type { TurnPart } from "../../../lib/parts/turn-part.js";
import { TurnParts, type PartSource } from "../../../lib/parts/turn-parts.js";
import {
  agentMessage,
  turnCompleted,
  turnStarted,
  type Params,
} from "../../support/turn-messages.js";

const ids = { threadId: "thread-1", turnId: "turn-1" };
const event = (method: string, params: Params, rest: Params = {}): PartSource => ({
  method,
  params: { ...ids, ...params },
  ...rest,
});
const started = (item: Params): PartSource => event("item/started", { item });
const completed = (item: Params): PartSource => event("item/completed", { item });
const begin = turnStarted(ids) as unknown as PartSource;
const end = (fields: Params = {}): PartSource =>
  turnCompleted(ids, fields) as unknown as PartSource;

function partsOf(list: readonly PartSource[], options: PartOptions = { cwd: "/repo" }): TurnPart[] {
  const parts = new TurnParts(options);
  return list.flatMap((each) => parts.next(each));
}

const command = (fields: Params = {}): Params => ({
  type: "commandExecution",
  id: "c",
  command: "make",
  cwd: "/repo/lib",
  status: "inProgress",
  aggregatedOutput: null,
  exitCode: null,
  durationMs: null,
  ...fields,
});
const output = (delta: string): PartSource =>
  event("item/commandExecution/outputDelta", { itemId: "c", delta });
const make = { kind: "command", command: "make", cwd: "lib" };

const approval = event(
  "item/commandExecution/requestApproval",
  { itemId: "c", command: "make", cwd: "/repo/lib", reason: "To build" },
  { key: "key-1", requestId: 0 },
);

describe("a command", () => {
  test("that is asked about before it starts is announced once", () => {
    const parts = partsOf([
      begin,
      approval,
      event("serverRequest/resolved", { requestId: 0 }),
      started(command()),
      completed(command({ status: "completed", exitCode: 0, durationMs: 5 })),
    ]);
    expect(parts.slice(1)).toEqual([
      { type: "tool-start", id: "c", tool: make },
      {
        type: "request",
        key: "key-1",
        toolId: "c",
        request: { ...make, reason: "To build" },
      },
      { type: "request-end", key: "key-1", outcome: "answered" },
      { type: "tool-end", id: "c", tool: make, status: "completed", exitCode: 0, durationMs: 5 },
    ]);
  });

  test("that turns out to be another than was announced is corrected", () => {
    const parts = partsOf([begin, approval, started(command({ command: "make all" }))]);
    expect(parts.at(-1)).toEqual({
      type: "tool-update",
      id: "c",
      tool: { ...make, command: "make all" },
    });
  });

  test("whose output was not streamed to the end tells the rest when it ends", () => {
    const done = (text: string) =>
      completed(command({ status: "completed", aggregatedOutput: text }));
    const run = [begin, started(command()), output("one\n"), output("two\n")];
    const told = (parts: readonly TurnPart[]) => parts.filter(({ type }) => type === "tool-output");
    const goesOn = partsOf([...run, done("one\ntwo\nthree\n")]);
    expect(told(goesOn)).toHaveLength(3);
    expect(told(goesOn).at(-1)).toMatchObject({ delta: "three\n" });
    expect(goesOn.at(-1)).not.toHaveProperty("output");
    const whole = partsOf([...run, done("one\ntwo\n")]);
    expect(told(whole)).toHaveLength(2);
    expect(whole.at(-1)).not.toHaveProperty("output");
    // The beginning was missed.
    const other = partsOf([...run, done("zero\none\ntwo\n")]);
    expect(other.at(-1)).toMatchObject({ type: "tool-end", output: "zero\none\ntwo\n" });
    // The server does not tell the whole.
    const none = partsOf([...run, completed(command({ status: "failed", exitCode: 2 }))]);
    expect(none.at(-1)).toMatchObject({ status: "failed", exitCode: 2 });
    expect(none.at(-1)).not.toHaveProperty("output");
  });

  test("that was never heard to start starts with its end", () => {
    const parts = partsOf([
      begin,
      completed(command({ status: "completed", aggregatedOutput: "a" })),
    ]);
    expect(parts.slice(1).map(({ type }) => type)).toEqual([
      "tool-start",
      "tool-output",
      "tool-end",
    ]);
  });

  test.each([
    ["interrupted", "interrupted"],
    ["failed", "interrupted"],
    ["completed", "background"],
  ])("that is still running when its turn is %s ends as %s", (status, outcome) => {
    const parts = partsOf([begin, started(command()), end({ status })]);
    expect(parts.slice(-2)).toMatchObject([
      { type: "tool-end", id: "c", tool: make, status: outcome },
      { type: "end", status },
    ]);
  });

  test("that was refused before it began was declined, unless its beginning may have been missed", () => {
    const resolved = event("serverRequest/resolved", { requestId: 0 });
    const ended = end({ status: "completed" });
    const gap = event("connection/gap", { itemIds: [] });
    const outcomes = [
      [begin, approval, resolved, ended],
      [begin, approval, resolved, started(command()), ended],
      [begin, gap, approval, resolved, ended],
      [begin, approval, end({ status: "interrupted" })],
    ].map((events) => partsOf(events).find(({ type }) => type === "tool-end"));
    expect(outcomes).toMatchObject(
      ["declined", "background", "background", "interrupted"].map((status) => ({ status })),
    );
  });

  test("whose turn is interrupted while it is asked about needs no answer any more", () => {
    const parts = partsOf([
      begin,
      started(command()),
      approval,
      end({ status: "interrupted" }),
      event("serverRequest/resolved", { requestId: 0 }),
    ]);
    expect(parts.slice(-3)).toMatchObject([
      { type: "request-end", key: "key-1", outcome: "over" },
      { type: "tool-end", status: "interrupted" },
      { type: "end" },
    ]);
  });

  test("that has ended needs no answer either, though nobody said so", () => {
    const parts = partsOf([begin, approval, completed(command({ status: "declined" }))]);
    expect(parts.slice(-2)).toMatchObject([
      { type: "request-end", outcome: "over" },
      { type: "tool-end", status: "declined" },
    ]);
  });
});

test("a request about a host is about no call", () => {
  const parts = partsOf([
    begin,
    event(
      "item/commandExecution/requestApproval",
      { itemId: "network#1", networkApprovalContext: { host: "example.org", protocol: "https" } },
      { key: "k", requestId: 1 },
    ),
  ]);
  expect(parts.slice(1)).toEqual([
    {
      type: "request",
      key: "k",
      request: { kind: "command", command: null, reason: null, host: "example.org" },
    },
  ]);
});

test("a question that nobody knows is shown as one, by its method alone", () => {
  const asked = event("item/novel/ask", { itemId: "x", secret: "s" }, { key: "k", requestId: 1 });
  expect(partsOf([begin, asked]).at(-1)).toEqual({
    type: "request",
    key: "k",
    request: { kind: "other", method: "item/novel/ask" },
  });
});

test("permissions that are asked for are named, those that nobody knows as well", () => {
  const permissions = {
    network: { enabled: true },
    fileSystem: {
      read: ["/repo/a"],
      write: ["/etc"],
      entries: [
        { path: { type: "path", path: "/repo/b" }, access: "write" },
        { path: { type: "special", value: { kind: "tmpdir" } }, access: "read" },
      ],
    },
    teleport: { enabled: true },
    nothing: null,
  };
  const asked = event(
    "item/permissions/requestApproval",
    { itemId: "x", permissions, reason: "Why not" },
    { key: "k", requestId: 1 },
  );
  expect(partsOf([begin, asked]).at(-1)).toMatchObject({
    request: {
      kind: "permissions",
      reason: "Why not",
      permissions: ["network", "read a", "write [outside]", "write b", "read tmpdir", "teleport"],
    },
  });
});

test("a message that the model says anew is taken back first", () => {
  const delta = (itemId: string, text: string): PartSource =>
    event("item/agentMessage/delta", { itemId, delta: text });
  const notice = (message: string): PartSource =>
    event("error", { error: { message, codexErrorInfo: "serverOverloaded" }, willRetry: true });
  const parts = partsOf([
    begin,
    started(agentMessage("one", "")),
    delta("one", "Hel"),
    notice("Reconnecting... 1/5"),
    notice("Reconnecting... 2/5"),
    started(agentMessage("two", "")),
    delta("two", "Hello"),
    completed(agentMessage("two", "Hello", "final_answer")),
    end(),
  ]);
  expect(parts.slice(1)).toMatchObject([
    { type: "message-start", id: "one" },
    { type: "message-delta", id: "one", delta: "Hel" },
    { type: "retry", attempt: 1, maxAttempts: 5, reason: "serverOverloaded" },
    { type: "retry", attempt: 2, maxAttempts: 5, reason: "serverOverloaded" },
    { type: "retry-end" },
    { type: "message-reset", id: "one" },
    { type: "message-start", id: "two" },
    { type: "message-delta", id: "two", delta: "Hello" },
    { type: "message-end", id: "two", phase: "final_answer", cut: false },
    { type: "end", status: "completed", finalResponse: "Hello" },
  ]);
});

test("what a gap in the connection has left open comes whole at its end", () => {
  const parts = partsOf([
    begin,
    started(agentMessage("m", "")),
    event("item/agentMessage/delta", { itemId: "m", delta: "Half " }),
    started(command()),
    output("one\n"),
    event("connection/gap", { itemIds: ["m", "c"] }),
    completed(agentMessage("m", "Half of it.")),
    completed(command({ status: "completed", aggregatedOutput: "one\ntwo\n" })),
  ]);
  expect(parts.slice(1)).toMatchObject([
    { type: "message-start" },
    { type: "message-delta", delta: "Half " },
    { type: "tool-start" },
    { type: "tool-output", delta: "one\n" },
    { type: "gap", ids: ["m", "c"] },
    { type: "message-delta", delta: "of it." },
    { type: "message-end", cut: false },
    { type: "tool-output", delta: "two\n" },
    { type: "tool-end", status: "completed" },
  ]);
});

test("tools of MCP servers and of the application show their words, and nothing behind them", () => {
  const call = { id: "t", tool: "look", arguments: { at: "sea" }, durationMs: 3 };
  const content = [
    { type: "text", text: "Blue." },
    { type: "image", data: "AAAA" },
  ];
  const mcp = { ...call, type: "mcpToolCall", server: "eyes" };
  const result = { content, structuredContent: null, _meta: { token: "canary" } };
  const parts = partsOf([
    begin,
    started(mcp),
    event("item/mcpToolCall/progress", { itemId: "t", message: "Half way" }),
    completed({ ...mcp, status: "completed", result }),
    completed({
      ...{ ...call, type: "dynamicToolCall", id: "d", namespace: null },
      ...{
        status: "completed",
        success: false,
        contentItems: [{ type: "inputText", text: "No." }],
      },
    }),
    completed({ ...mcp, id: "f", status: "failed", error: { message: "It is dark." } }),
  ]);
  expect(parts.slice(1)).toMatchObject([
    { type: "tool-start", tool: { kind: "mcp", server: "eyes", arguments: { at: "sea" } } },
    { type: "tool-progress", id: "t", message: "Half way" },
    { type: "tool-output", id: "t", delta: "Blue.\n[image]" },
    { type: "tool-end", id: "t", status: "completed", durationMs: 3 },
    { type: "tool-start", id: "d", tool: { kind: "function", namespace: null, tool: "look" } },
    { type: "tool-output", id: "d", delta: "No." },
    { type: "tool-end", id: "d", status: "failed" },
    { type: "tool-start", id: "f" },
    { type: "tool-end", id: "f", status: "failed", error: "It is dark." },
  ]);
  expect(JSON.stringify(parts)).not.toMatch(/canary|AAAA/);
});

test("an item of an unknown kind is named, and nothing of it is shown", () => {
  const parts = partsOf([begin, started({ type: "novel", id: "n", secret: "canary" })]);
  expect(parts.at(-1)).toEqual({ type: "other", id: "n", item: "novel", ended: false });
});

describe("what is shown", () => {
  const list = [
    begin,
    event("warning", { message: "canary-warning in /home/me" }),
    started({ type: "reasoning", id: "r", summary: [], content: [] }),
    event("item/reasoning/summaryTextDelta", { itemId: "r", summaryIndex: 0, delta: "canary-sum" }),
    event("item/reasoning/textDelta", { itemId: "r", contentIndex: 0, delta: "canary-raw" }),
    completed({ type: "reasoning", id: "r", summary: ["canary-sum"], content: ["canary-raw"] }),
    started(command({ cwd: "/home/me/canary-cwd" })),
    output("canary-output"),
    completed(
      command({ cwd: "/home/me/canary-cwd", status: "failed", aggregatedOutput: "canary-output" }),
    ),
    started({
      type: "fileChange",
      id: "f",
      changes: [{ path: "/home/me/canary-file", kind: { type: "add" }, diff: "canary-diff" }],
    }),
    completed({
      ...{ type: "mcpToolCall", id: "t", server: "s", tool: "t", status: "completed" },
      arguments: { a: "canary-argument" },
      result: { content: [{ type: "text", text: "canary-answer" }] },
    }),
    event("turn/diff/updated", {
      diff: "diff --git a/me/canary-file b/me/canary-file\n--- /dev/null\n+++ b/me/canary-file\n@@ -0,0 +1 @@\n+canary-diff\n",
    }),
    event("thread/tokenUsage/updated", {
      tokenUsage: { total: { totalTokens: 7 }, last: { totalTokens: 7 }, modelContextWindow: null },
    }),
    event(
      "turn/started",
      {},
      {
        origin: { threadId: "canary-agent", turnId: "1", parentThreadId: "thread-1", depth: 1 },
      },
    ),
    end(),
  ];
  const seen = (options: PartOptions): string[] => {
    const text = JSON.stringify(partsOf(list, options));
    const canaries = text.match(/canary-\w+/g) ?? [];
    return [...new Set([...canaries, ...(text.includes('"usage"') ? [] : ["no usage"])])].sort();
  };
  const usual = ["agent", "answer", "argument", "diff", "output", "sum"].map(
    (one) => `canary-${one}`,
  );
  const without = (...names: string[]): string[] => usual.filter((one) => !names.includes(one));
  const withAlso = (...names: string[]): string[] => [...usual, ...names].sort();

  test.each<[string, PartOptions["show"], string[]]>([
    ["nothing else by default", {}, usual],
    ["raw reasoning", { rawReasoning: true }, withAlso("canary-raw")],
    ["warnings", { warnings: true }, withAlso("canary-warning")],
    ["paths outside", { outsidePaths: true }, withAlso("canary-cwd", "canary-file")],
    ["no summaries", { reasoning: false }, without("canary-sum")],
    ["no output of commands", { commandOutput: false }, without("canary-output")],
    ["no arguments", { toolArguments: false }, without("canary-argument")],
    ["no answers of tools", { toolOutput: false }, without("canary-answer")],
    ["no diffs", { diffs: false }, without("canary-diff")],
    ["no sub-agents", { subagents: false }, without("canary-agent")],
  ])("%s", (_name, show, expected) => {
    expect(seen({ cwd: "/repo", show })).toEqual(expected);
  });

  test("no token counts", () => {
    const parts = partsOf(list, { show: { usage: false, subagents: false } });
    expect(parts.filter(({ type }) => type === "usage")).toEqual([]);
    expect(parts.at(-1)).toMatchObject({ type: "end", usage: null });
  });

  test("paths of the turn's diff are looked up among the changed files, however they are written", () => {
    const change = (path: string): Params => ({ path, kind: { type: "add" }, diff: "" });
    const header = (path: string): string => `+++ b/${path}`;
    const diff = ["repo/in.txt", "other/out.txt", "repo/unheard.txt"].map(header).join("\n");
    const parts = partsOf(
      [
        started({
          ...{ type: "fileChange", id: "f" },
          changes: [change("/root/repo/in.txt"), change("/root/other/out.txt")],
        }),
        event("turn/diff/updated", { diff }),
        event("turn/diff/updated", { diff }),
      ],
      { cwd: "/root/repo" },
    );
    expect(parts.filter(({ type }) => type === "diff")).toEqual([
      { type: "diff", diff: "+++ b/in.txt\n+++ b/[outside]\n+++ b/[outside]" },
    ]);
  });
});

test.each([
  [{ cwdd: "/repo" }, "cwdd"],
  [{ cwd: "" }, "cwd"],
  [{ cwd: 5 }, "cwd"],
  [{ show: { stderr: true } }, "show.stderr"],
  [{ show: { diffs: "yes" } }, "show.diffs"],
  [{ show: true }, "show"],
])("the options %j are refused", (options, argument) => {
  const make = () => new TurnParts(options as PartOptions);
  expect(make).toThrow(InvalidArgumentError);
  expect(make).toThrow(argument);
});

test("nothing comes behind the end", () => {
  const parts = new TurnParts();
  expect(parts.next(end()).at(-1)).toMatchObject({ type: "end", status: "completed" });
  expect(parts.isOver).toBe(true);
  expect([...parts.next(begin), ...parts.end({ status: "lost" })]).toEqual([]);
});

test("a turn that ends in an unknown way is lost", () => {
  for (const turn of [null, { id: "turn-1", status: "evaporated" }]) {
    const parts = partsOf([begin, event("turn/completed", { turn })]);
    expect(parts.at(-1)).toMatchObject({ type: "end", status: "lost" });
  }
});

test("the words of the server on a failure are not shown, its name for it is", () => {
  const error = {
    message: "canary: /home/me",
    codexErrorInfo: { httpConnectionFailed: { httpStatusCode: 1 } },
  };
  const parts = partsOf([begin, end({ status: "failed", error })]);
  expect(parts.at(-1)).toMatchObject({
    status: "failed",
    error: {
      code: "httpConnectionFailed",
      title: expect.stringMatching(/^The model could not be/),
    },
  });
  expect(JSON.stringify(parts)).not.toContain("canary");
});
