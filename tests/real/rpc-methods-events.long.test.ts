import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import type { AppServerClient } from "../../lib/index.js";
import { reply, type ModelRequest } from "../../lib/testing/index.js";
import { testWhere } from "../support/offers.js";
import { next, RealStage } from "../support/real.js";

let stage: RealStage;
let client: AppServerClient;

beforeAll(async () => {
  stage = await RealStage.open({
    config: { features: { apply_patch_streaming_events: true } },
  });
  client = await stage.client();
});
afterAll(() => stage.close());

async function runThread(options: { model?: string } = {}) {
  const thread = await client.startThread({ cwd: stage.project, ...options });
  stage.model.enqueue(reply.text("Hello!"));
  await thread.run("Hello?");
  return thread;
}

const readTest = await testWhere("thread/readState/changed");

describe("threads", () => {
  test("resuming with the whole history is said to be deprecated", async () => {
    const { id: threadId } = await runThread();
    const notice = next(client, "deprecationNotice");
    await client.rpc.thread.unsubscribe({ threadId });
    await client.rpc.thread.resume({ threadId });
    expect((await notice).summary).toMatch(/excludeTurns/);
  });

  test("a thread is told when it comes to belong to a project", async () => {
    const { id: threadId } = await runThread();
    const changed = next(client, "project/changed");
    const { project } = await client.rpc.project.create({
      name: "Work",
      roots: [{ path: stage.project }],
      idempotencyKey: "work",
    });
    expect(await changed).toEqual({ projectId: project.id, changeType: "created" });
    const updated = next(client, "thread/project/updated");
    await client.rpc.thread.metadata.update({ threadId, projectId: project.id });
    expect(await updated).toEqual({ threadId, projectId: project.id });
  });

  readTest("a turn that nobody has read yet is noted, and so is that it was read", async () => {
    const thread = await client.startThread();
    const threadId = thread.id;
    const ofThread = (params: { threadId: string }) => params.threadId === threadId;
    const unread = next(client, "thread/readState/changed", ofThread);
    stage.model.enqueue(reply.text("Hello!"));
    await thread.run("Hello?");
    const { readState } = await unread;
    expect(readState.firstUnread).toMatchObject({ type: "turn" });
    const read = next(client, "thread/readState/changed", ofThread);
    await client.rpc.thread.readState.update({
      threadId,
      operation: { type: "read" },
      expectedRevision: readState.revision,
    });
    expect(await read).toMatchObject({ threadId, readState: { firstUnread: null } });
  });

  test("going to the archive and coming back is told", async () => {
    const { id: threadId } = await runThread();
    const archived = next(client, "thread/archived");
    await client.rpc.thread.archive({ threadId });
    expect(await archived).toEqual({ threadId });
    const unarchived = next(client, "thread/unarchived");
    await client.rpc.thread.unarchive({ threadId });
    expect(await unarchived).toEqual({ threadId });
  });

  test("a thread with raw events shows what the model said, as it said it", async () => {
    const { thread } = await client.rpc.thread.start({ experimentalRawEvents: true });
    stage.model.enqueue(reply.text("Hello!"));
    const events = Promise.all([
      next(client, "rawResponseItem/completed", ({ item }) =>
        JSON.stringify(item).includes("Hello!"),
      ),
      next(client, "rawResponse/completed"),
    ]);
    const { id: turnId } = await client.thread(thread.id).run("Hello?");
    expect(await events).toMatchObject([
      { threadId: thread.id, turnId, item: { type: "message", role: "assistant" } },
      { threadId: thread.id, turnId, usage: { inputTokens: 10, outputTokens: 5 } },
    ]);
  });
});

test("an import tells how it goes and what it did, under the id of the answer", async () => {
  const project = path.join(stage.project, "imported");
  await mkdir(path.join(project, ".git"), { recursive: true });
  await writeFile(path.join(project, "CLAUDE.md"), "# Be polite");
  const { items } = await client.rpc.externalAgentConfig.detect({ cwds: [project] });
  const progress = next(client, "externalAgentConfig/import/progress");
  const completed = next(client, "externalAgentConfig/import/completed");
  const { importId } = await client.rpc.externalAgentConfig.import({ migrationItems: items });
  const itemTypeResults = [{ itemType: "AGENTS_MD", failures: [], successes: [{ cwd: project }] }];
  expect(await progress).toMatchObject({ importId, itemTypeResults });
  expect(await completed).toMatchObject({ importId, itemTypeResults });
});

if (process.platform !== "win32") {
  test("setting up the sandbox of Windows ends at once where there is no Windows", async () => {
    const completed = next(client, "windowsSandbox/setupCompleted");
    expect(await client.rpc.windowsSandbox.setupStart({ mode: "unelevated" })).toEqual({
      started: true,
    });
    expect(await completed).toMatchObject({ mode: "unelevated", success: false });
  });
}

test("a turn is told what the provider says beside the answer: of a verification, of moderation, and of another model", async () => {
  const thread = await runThread();
  const metadata = (values: { readonly [key: string]: string[] | { readonly flag: string } }) =>
    reply.event({ type: "response.metadata", metadata: values });
  stage.model.enqueue([
    reply.headers({ "openai-model": "another-model" }),
    metadata({ openai_verification_recommendation: ["trusted_access_for_cyber"] }),
    metadata({ openai_chatgpt_moderation_metadata: { flag: "none" } }),
    reply.text("Hello!"),
  ]);
  const events = Promise.all([
    next(client, "model/rerouted"),
    next(client, "model/verification"),
    next(client, "turn/moderationMetadata"),
  ]);
  const { id: turnId } = await thread.run("Again?");
  const threadId = thread.id;
  expect(await events).toMatchObject([
    { threadId, turnId, fromModel: "mock-model", toModel: "another-model" },
    { threadId, turnId, verifications: ["trustedAccessForCyber"] },
    { threadId, turnId, metadata: { flag: "none" } },
  ]);
});

describe("tools", () => {
  test("a patch is shown while the model writes it, and then as the turn's diff", async () => {
    const patch = "*** Begin Patch\n*** Add File: poem.txt\n+Roses\n+are red\n*** End Patch\n";
    const call = { type: "custom_tool_call", id: "patch", call_id: "patch", name: "apply_patch" };
    // Only some models are offered the tool itself.
    const thread = await runThread({ model: "gpt-5.5" });
    stage.model.enqueue(
      [
        reply.event({ type: "response.output_item.added", item: { ...call, input: "" } }),
        ...patch.split(/(?<=\n)/).map((delta) =>
          reply.event({
            type: "response.custom_tool_call_input.delta",
            item_id: call.id,
            call_id: call.call_id,
            delta,
          }),
        ),
        reply.event({ type: "response.output_item.done", item: { ...call, input: patch } }),
      ],
      reply.text("Done."),
    );
    const patched = next(client, "item/fileChange/patchUpdated");
    const diff = next(client, "turn/diff/updated");
    const { id: turnId } = await thread.run("Write a poem");
    expect(await patched).toMatchObject({
      turnId,
      itemId: "patch",
      changes: [{ path: "poem.txt" }],
    });
    expect(await diff).toMatchObject({ turnId, diff: expect.stringContaining("+are red") });
  });

  test("what the model types into a running command is shown", async () => {
    const thread = await runThread();
    stage.model.respond(({ toolOutputs }: ModelRequest) => {
      const [started, typed] = toolOutputs;
      if (!started) {
        const args = { cmd: "read line; echo got $line", tty: true, yield_time_ms: 300 };
        return reply.functionCall("exec_command", args);
      }
      const sessionId = Number(/session ID (\d+)/.exec(started.output)?.[1]);
      return typed
        ? reply.text("Done.")
        : reply.functionCall("write_stdin", { session_id: sessionId, chars: "hello\n" });
    });
    const typed = next(client, "item/commandExecution/terminalInteraction");
    const { id: turnId } = await thread.run("Type something");
    stage.model.respond(undefined);
    expect(await typed).toMatchObject({ threadId: thread.id, turnId, stdin: "hello\n" });
  });
});

test.each([
  ["allow", "approved", true],
  ["deny", "denied", false],
] as const)(
  "a reviewer that says %s is shown at work, and decides",
  async (outcome, status, runs) => {
    const marker = path.join(stage.project, `marker-${outcome}`);
    const { thread } = await client.rpc.thread.start({
      cwd: stage.project,
      approvalPolicy: "on-request",
      sandbox: "read-only",
      approvalsReviewer: "auto_review",
    });
    const verdict = {
      risk_level: runs ? "low" : "high",
      user_authorization: runs ? "high" : "low",
      outcome,
      rationale: "It is what it is.",
    };
    stage.model.respond(({ subagent, toolOutputs }: ModelRequest) => {
      if (subagent === "guardian") return reply.text(JSON.stringify(verdict));
      if (toolOutputs.length > 0) return reply.text("Done.");
      return reply.functionCall("exec_command", {
        cmd: `touch '${marker}'`,
        sandbox_permissions: "require_escalated",
        justification: "It needs to be there.",
      });
    });
    const events = Promise.all([
      next(client, "item/autoApprovalReview/started"),
      next(client, "item/autoApprovalReview/completed"),
      next(client, "guardianWarning"),
    ]);
    const { id: turnId } = await client.thread(thread.id).run("Make a marker");
    stage.model.respond(undefined);
    expect(await events).toMatchObject([
      { threadId: thread.id, turnId },
      { threadId: thread.id, turnId, review: { status } },
      { threadId: thread.id, message: expect.stringContaining(status) },
    ]);
    const { entries } = await client.rpc.fs.readDirectory({ path: stage.project });
    expect(entries.some(({ fileName }) => fileName === path.basename(marker))).toBe(runs);
  },
);
