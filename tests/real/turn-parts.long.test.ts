import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import {
  defer,
  defineTool,
  type Codex,
  type StartThreadOptions,
  type Thread,
} from "../../lib/index.js";
import { partsOf } from "../../lib/parts/parts-of.js";
import type { PartOf, TurnPart } from "../../lib/parts/turn-part.js";
import { TurnView, type ViewEntry } from "../../lib/parts/turn-view.js";
import { reply, type LoopbackModel, type Reply } from "../../lib/testing/index.js";
import { collect } from "../support/collect.js";
import { mcpConfig } from "../support/mcp-config.js";
import { RealStage, untilSubagentEnded } from "../support/real.js";

let stage: RealStage;
let model: LoopbackModel;
let codex: Codex;

beforeAll(async () => {
  stage = await RealStage.open({
    config: { model_providers: { mock: { stream_max_retries: 2 } } },
  });
  model = stage.model;
  codex = stage.codex();
});
afterAll(() => stage.close());

async function scripted(options: StartThreadOptions, ...replies: Reply[]): Promise<Thread> {
  const thread = await codex.startThread(options);
  model.enqueueFor(thread.id, ...replies);
  return thread;
}

const here = () => ({ cwd: stage.project });
const partsIn = (thread: Thread) => collect(partsOf(thread.turn("Go"), here()));
const viewOf = (parts: readonly TurnPart[]) => parts.reduce(TurnView.apply, TurnView.empty);

function ofType<Type extends TurnPart["type"]>(parts: readonly TurnPart[], type: Type) {
  return parts.filter((part): part is PartOf<Type> & TurnPart => part.type === type);
}

/** The entries of a type in a view. */
function entriesOf<Type extends ViewEntry["type"]>({ entries }: TurnView, type: Type) {
  return entries.filter(
    (entry): entry is Extract<ViewEntry, { type: Type }> => entry.type === type,
  );
}

const usage = (total: number) => ({ input: total - 5, output: 5, total });

test("an approval that a page answers stands behind the start of its command", async () => {
  const thread = await scripted(
    { approvalPolicy: "untrusted", onApproval: () => defer() },
    reply.shell("touch marker", { callId: "call" }),
    reply.text("Made."),
  );
  const parts: TurnPart[] = [];
  for await (const part of partsOf(thread.turn("Go"), here())) {
    parts.push(part);
    if (part.type === "request") codex.respond(part.key, "accept");
  }
  const [request] = ofType(parts, "request");
  expect(request).toMatchObject({
    toolId: "call",
    request: { kind: "command", command: expect.stringContaining("touch marker"), cwd: "." },
  });
  const types = parts.filter((part) => /^(tool|request)/.test(part.type)).map(({ type }) => type);
  expect(types).toEqual(["tool-start", "request", "request-end", "tool-end"]);
  expect(ofType(parts, "request-end")).toEqual([
    { type: "request-end", key: request?.key, outcome: "answered" },
  ]);
  expect(ofType(parts, "tool-end")).toMatchObject([{ status: "completed", exitCode: 0 }]);
  expect(parts.at(-1)).toMatchObject({ type: "end", status: "completed", finalResponse: "Made." });
});

test("a command that runs when the turn is interrupted ends, and so does everything else", async () => {
  const thread = await scripted(
    {},
    reply.shell("echo begin; sleep 0.4; echo more; sleep 60", { callId: "call" }),
  );
  const turn = thread.turn("Go");
  const parts: TurnPart[] = [];
  for await (const part of partsOf(turn, here())) {
    parts.push(part);
    if (part.type === "tool-output") void turn.interrupt();
  }
  expect(ofType(parts, "tool-end")).toHaveLength(1);
  expect(viewOf(parts)).toMatchObject({ end: { status: "interrupted", finalResponse: null } });
  expect(entriesOf(viewOf(parts), "tool")).toMatchObject([
    { id: "call", status: expect.stringMatching(/^(interrupted|failed)$/) },
  ]);
});

test("a message that breaks off is taken back, and said anew", async () => {
  const thread = await scripted(
    {},
    [reply.unfinishedText("First try"), reply.drop()],
    reply.text("Second try."),
  );
  const parts = await partsIn(thread);
  expect(ofType(parts, "message-reset")).toHaveLength(1);
  expect(ofType(parts, "retry")).toMatchObject([{ attempt: 1 }]);
  expect(ofType(parts, "retry-end")).toHaveLength(1);
  const messages = entriesOf(viewOf(parts), "message");
  expect(messages).toMatchObject([{ text: "Second try.", state: "whole" }]);
});

test("a sub-agent has parts of its own, with its origin, and a view of its own", async () => {
  const thread = await codex.startThread();
  const gate = untilSubagentEnded(await codex.client(), thread);
  model.respond((request) => {
    if (request.parentThreadId === thread.id) return reply.text("The child's answer.");
    const [answer, notice] = request.input.slice(-2);
    const isTold = JSON.stringify(notice).includes("subagent_notification");
    if (isTold && answer?.["role"] === "assistant") return [];
    const [spawned, waited] = request.toolOutputs.filter(({ callId }) => callId !== "");
    if (!spawned) return reply.spawnAgent("Look into it.");
    const { agent_id: agentId } = JSON.parse(spawned.output) as { agent_id: string };
    return waited ? [gate, reply.text("The parent's answer.")] : reply.waitAgent([agentId]);
  });
  const view = viewOf(await partsIn(thread));
  model.respond(undefined);
  expect(view.end).toMatchObject({ status: "completed", finalResponse: "The parent's answer." });
  expect(view.agents).toMatchObject([
    {
      origin: { parentThreadId: thread.id, depth: 1 },
      view: { end: { finalResponse: "The child's answer." } },
    },
  ]);
  const [spawn] = entriesOf(view, "tool");
  expect(spawn).toMatchObject({
    status: "completed",
    tool: {
      kind: "subagent",
      action: "spawnAgent",
      prompt: "Look into it.",
      threadIds: [view.agents[0]?.origin.threadId],
    },
  });
});

test("a function of the application is called with its input, and answers", async () => {
  const weather = defineTool({
    name: "weather",
    description: "Tells the weather",
    input: { type: "object", properties: { city: { type: "string" } } },
    execute: () => "sunny",
  });
  const thread = await scripted(
    { tools: [weather] },
    reply.functionCall("weather", { city: "Ulm" }),
    reply.text("Sunny."),
  );
  const parts = await partsIn(thread);
  expect(ofType(parts, "request")).toEqual([]);
  expect(entriesOf(viewOf(parts), "tool")).toMatchObject([
    {
      tool: { kind: "function", tool: "weather", arguments: { city: "Ulm" } },
      status: "completed",
      output: "sunny",
    },
  ]);
});

test("a call of an MCP tool is approved under its own id", async () => {
  const asking = { ...mcpConfig("asking-mcp-server"), default_tools_approval_mode: "prompt" };
  const thread = await codex.startThread({
    approvalPolicy: "on-request",
    config: { mcp_servers: { asking } },
    onElicitation: () => "accept",
  });
  await codex.mcp.started(thread.id);
  const file = path.join(stage.project, "acted");
  model.enqueueFor(thread.id, reply.mcpTool("asking", "act", { file }), reply.text("Acted."));
  const parts = await partsIn(thread);
  const [tool] = ofType(parts, "tool-start");
  expect(tool?.tool).toEqual({ kind: "mcp", server: "asking", tool: "act", arguments: { file } });
  expect(ofType(parts, "request")).toMatchObject([
    { toolId: tool?.id, request: { kind: "toolApproval", server: "asking", tool: "act" } },
  ]);
  expect(entriesOf(viewOf(parts), "tool")).toMatchObject([
    { status: "completed", output: "Acted." },
  ]);
});

describe("files that are changed", () => {
  test("are named within the directory, and outside of it not, whatever the diff calls them", async () => {
    const outside = await mkdtemp(path.join(tmpdir(), "canary-"));
    await writeFile(path.join(outside, "old name.txt"), "one\ntwo\n");
    await mkdir(path.join(stage.project, "src"));
    const thread = await scripted(
      { sandbox: "danger-full-access", approvalPolicy: "never" },
      reply.applyPatch(`*** Begin Patch
*** Update File: ${outside}/old name.txt
*** Move to: ${outside}/new.txt
@@
 one
-two
+drei
*** Add File: ${outside}/more.txt
+hello
*** Add File: src/in.txt
+hello
*** End Patch`),
      reply.text("Done."),
    );
    const parts = await partsIn(thread);
    await rm(outside, { recursive: true });
    const changed = parts.filter(({ type }) => type === "tool-end" || type === "diff");
    expect(JSON.stringify(changed)).not.toMatch(/canary|old name|new\.txt|codex-test/);
    const [end] = ofType(parts, "tool-end");
    expect(end).toMatchObject({ status: "completed", tool: { kind: "fileChange" } });
    const changes = end?.tool.kind === "fileChange" ? end.tool.changes : [];
    expect([...changes].sort((a, b) => a.path.localeCompare(b.path))).toMatchObject([
      { path: "[outside]", change: "add", diff: "hello\n" },
      { path: "[outside]", movedTo: "[outside]", diff: "@@ -1,2 +1,2 @@\n one\n-two\n+drei\n" },
      { path: "src/in.txt", change: "add", diff: "hello\n" },
    ]);
    const { diff } = viewOf(parts);
    expect(diff).toContain("+++ b/src/in.txt\n@@ -0,0 +1 @@\n+hello\n");
    expect(diff).toContain("+++ b/[outside]\n@@ -1,2 +1,2 @@\n one\n-two\n+drei\n");
  });
});

test("a plan that is proposed is a message, and its steps are none", async () => {
  const thread = await scripted(
    {},
    reply.text("<proposed_plan>\n# Plan\n1. Look\n</proposed_plan>"),
  );
  const turn = thread.turn("Go", {
    collaborationMode: { mode: "plan", settings: { model: "mock-model" } } as never,
  });
  const view = viewOf(await collect(partsOf(turn, here())));
  expect(entriesOf(view, "message")).toMatchObject([
    { phase: "plan", text: "# Plan\n1. Look\n", state: "whole" },
  ]);
});

test("the usage is that of the turn, and the thread's stands beside it", async () => {
  const thread = await scripted({}, reply.text("One."), reply.shell("true"), reply.text("Two."));
  const first = viewOf(await partsIn(thread));
  expect(first.end?.usage).toMatchObject(usage(15));
  const second = viewOf(await partsIn(thread));
  expect(second.end?.usage).toMatchObject({ total: 30 });
  expect(second.usage).toMatchObject({ turn: { total: 30 }, thread: { total: 45 } });
});
