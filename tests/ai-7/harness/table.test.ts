/** What docs/ai-sdk.md says of the harness that is a detail of a line, and has no other test. */
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { reply, type LoopbackModel } from "../../../lib/testing/index.js";
import { png, wav } from "../../support/images.js";
import { mcpConfig } from "../../support/mcp-config.js";
import { rejection } from "../../support/real.js";
import { HarnessStage, partOf, partsIn, textOf } from "./harness-stage.js";

let stage: HarnessStage;
let model: LoopbackModel;

beforeAll(async () => {
  stage = await HarnessStage.open();
  model = stage.model;
});
afterAll(() => stage.close());

const outputs = () => JSON.stringify(model.requests.at(-1)?.toolOutputs);

describe("a command that only looks", () => {
  test.each(["allow-reads", "allow-edits"] as const)("is asked about under %s", async (mode) => {
    const agent = stage.agent({ permissionMode: mode });
    const session = await agent.createSession();
    model.enqueue(reply.shell("ls"));
    const parts = await partsIn(await agent.stream({ session, prompt: "Look" }));
    expect(partOf(parts, "tool-approval-request")["toolCall"]).toMatchObject({ toolName: "bash" });
    await session.destroy();
  });

  test("is not with the policy on-request, inside the sandbox", async () => {
    const thread = { approvalPolicy: "on-request" } as const;
    const agent = stage.agent({ permissionMode: "allow-reads", options: { thread } });
    const session = await agent.createSession();
    model.enqueue(reply.shell("echo seen"), reply.text("Looked."));
    const { steps, text } = await agent.generate({ session, prompt: "Look" });
    expect(steps[0]?.toolResults).toMatchObject([{ output: { output: "seen\n" } }]);
    expect(text).toBe("Looked.");
    await session.destroy();
  });
});

test("every path of a change is told: added, changed, moved and deleted", async () => {
  const agent = stage.agent();
  const session = await agent.createSession();
  const patch = (...lines: string[]) =>
    reply.applyPatch(["*** Begin Patch", ...lines, "*** End Patch"].join("\n"));
  model.enqueue(
    patch("*** Add File: a", "+one", "*** Add File: b", "+two"),
    patch(
      ...["*** Update File: a", "@@", "-one", "+three"],
      ...["*** Update File: b", "*** Move to: c", "@@", "-two", "+four"],
    ),
    patch("*** Delete File: a"),
    reply.text("Changed."),
  );
  const parts = await partsIn(await agent.stream({ session, prompt: "Change" }));
  const told = parts.filter((part) => part["toolName"] === "fileChange" && "output" in part);
  expect(told.map((part) => part["output"])).toEqual([
    { event: "create", path: "a" },
    { event: "create", path: "b" },
    { event: "modify", path: "a" },
    { event: "delete", path: "b" },
    { event: "create", path: "c" },
    { event: "delete", path: "a" },
  ]);
  expect(await readFile(path.join(stage.directoryOf(session), "c"), "utf8")).toBe("four\n");
  await session.destroy();
  // What it made stays.
  expect(existsSync(path.join(stage.directoryOf(session), "c"))).toBe(true);
});

test("each step has its usage", async () => {
  const used = (inputTokens: number) => reply.usage({ inputTokens, outputTokens: 1 });
  model.enqueue([reply.shell("true"), used(5)], [reply.text("Done."), used(7)]);
  const agent = stage.agent();
  const session = await agent.createSession();
  const { steps, usage } = await agent.generate({ session, prompt: "Go" });
  expect(steps.map((step) => step.usage.inputTokens)).toEqual([5, 7]);
  expect(usage.inputTokens).toBe(12);
  await session.destroy();
});

test("a prompt may have texts as files, and images as data: URLs", async () => {
  const agent = stage.agent();
  const session = await agent.createSession();
  const url = `data:image/png;base64,${png.toString("base64")}`;
  const content = [
    { type: "file", data: Buffer.from("in a file"), mediaType: "text/plain" },
    { type: "file", data: new URL(url), mediaType: "image/png" },
  ] as const;
  await agent.generate({ session, prompt: [{ role: "user", content: [...content] }] });
  const input = JSON.stringify(model.requests.at(-1)?.input);
  expect(input).toContain("in a file");
  expect(input).toContain(png.toString("base64"));
  await session.destroy();
});

test("a prompt may have sounds, and says so where the model cannot hear", async () => {
  const agent = stage.agent();
  const session = await agent.createSession();
  const content = [
    { type: "text", text: "Listen" },
    { type: "file", data: wav, mediaType: "audio/wav" },
  ] as const;
  await agent.generate({ session, prompt: [{ role: "user", content: [...content] }] });
  // The scripted model has no ears: the server tells it what it would have heard.
  expect(JSON.stringify(model.requests.at(-1)?.input)).toContain("you do not support audio input");
  const asked = model.requests.length;
  const flac = { type: "file", data: wav, mediaType: "audio/flac" } as const;
  const refused = agent.generate({ session, prompt: [{ role: "user", content: [flac] }] });
  expect(await rejection(refused)).toMatchObject({ code: "INVALID_ARGUMENT" });
  expect(model.requests.length).toBe(asked);
  await session.destroy();
});

test("a compaction says how many tokens there were, and how many are left", async () => {
  const used = reply.usage({ inputTokens: 900, outputTokens: 1 });
  model.enqueue([reply.text("Long."), used], [reply.text("Summary"), used], reply.text("On."));
  const agent = stage.agent();
  const session = await agent.createSession();
  await agent.generate({ session, prompt: "Go" });
  await session.compact();
  const parts = await partsIn(await agent.stream({ session, prompt: "Go on" }));
  const { tokensBefore, tokensAfter } = partOf(parts, "tool-result")["output"] as {
    tokensBefore: number;
    tokensAfter: number;
  };
  expect(tokensBefore).toBe(901);
  expect(tokensAfter).toBeGreaterThan(0);
  await session.destroy();
});

test("a compaction is told by the next turn also when the session was detached before", async () => {
  const agent = stage.agent();
  const session = await agent.createSession();
  await agent.generate({ session, prompt: "Go" });
  await session.compact();
  const { sessionId } = session;
  const resumeFrom = JSON.parse(JSON.stringify(await session.detach())) as never;
  const again = await agent.createSession({ sessionId, resumeFrom });
  const told = async () => {
    const parts = await partsIn(await agent.stream({ session: again, prompt: "Go on" }));
    return parts.filter((part) => part.type === "tool-result").map((part) => part["toolName"]);
  };
  expect(await told()).toEqual(["compaction"]);
  expect(await told()).toEqual([]);
  await again.destroy();
});

test("questions say which answers are secret, and some may stay without one", async () => {
  const options = [{ label: "One", description: "The first" }];
  const question = (id: string) => ({ id, header: id, question: `Which ${id}?`, options });
  model.enqueue(
    reply.requestUserInput([{ ...question("token"), isSecret: true }, question("name")]),
    reply.text("Thanks."),
  );
  const agent = stage.agent();
  const session = await agent.createSession();
  const parts = await partsIn(await agent.stream({ session, prompt: "Ask" }));
  const call = partOf(parts, "tool-call");
  expect(call["input"]).toMatchObject({
    allowPartialAnswers: true,
    questions: [
      { id: "token", allowFreeForm: { secret: true } },
      { id: "name", allowFreeForm: true },
    ],
  });
  const answers = { name: { optionIds: [], freeform: "Ada" } };
  const value = { action: "partially-answered", answers };
  const result = await agent.continueStream({
    session,
    toolResultContinuations: [
      {
        type: "tool-result",
        toolCallId: String(call["toolCallId"]),
        toolName: "askUserQuestions",
        output: { type: "json", value },
      },
    ],
  });
  expect(textOf(await partsIn(result))).toBe("Thanks.");
  expect(outputs()).toContain("Ada");
  await session.destroy();
});

test.each(["ask", "visit"])("what an MCP server asks is declined: %s", async (name) => {
  const asking = JSON.parse(JSON.stringify(mcpConfig("asking-mcp-server"))) as object;
  const config = { mcp_servers: { asking } } as never;
  const agent = stage.agent({ options: { thread: { config } } });
  const session = await agent.createSession();
  const { providerMetadata } = await agent.generate({ session, prompt: "Hello" });
  const { threadId } = (providerMetadata as { codex: { threadId: string } }).codex;
  await stage.codex.mcp.started(threadId);
  model.enqueue(reply.mcpTool("asking", name, {}), reply.text("Declined."));
  expect((await agent.generate({ session, prompt: "Ask" })).text).toBe("Declined.");
  expect(outputs()).toContain("The user chose to decline.");
  await session.destroy();
});
