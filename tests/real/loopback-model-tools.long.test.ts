import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import path from "node:path";

import { reply, type LoopbackModel, type ModelRequest } from "../../lib/testing/index.js";
import { mcpConfig } from "../support/mcp-config.js";
import { RawStage, type Params } from "../support/raw-stage.js";

// One server for all: each test has a thread of its own, and replies reserved for that thread.
let stage: RawStage;
let model: LoopbackModel;

beforeAll(async () => {
  stage = await RawStage.open({
    overrides: {
      config: {
        features: { default_mode_request_user_input: true, request_permissions_tool: true },
        mcp_servers: { local: mcpConfig("mcp-server") },
      },
    },
  });
  model = stage.model;
});
afterAll(() => stage.close());

function requestsOf(threadId: string): ModelRequest[] {
  return model.requests.filter((request) => request.threadId === threadId);
}

/** What the model was told about its last tool call. */
function lastOutput(threadId: string): string {
  return requestsOf(threadId).at(-1)?.toolOutputs.at(-1)?.output ?? "";
}

describe("tools", () => {
  test("commands of one reply really run, and the model sees their output", async () => {
    const threadId = await stage.startThread();
    model.enqueueFor(
      threadId,
      [
        reply.shell("echo one > one.txt; cat one.txt", { callId: "first" }),
        reply.shell("exit 3", { callId: "second" }),
      ],
      reply.text("Done."),
    );
    const turnId = await stage.startTurn(threadId, "Run");
    await stage.completed(turnId);

    expect(await readFile(path.join(stage.project, "one.txt"), "utf8")).toBe("one\n");
    const outputs = requestsOf(threadId).at(-1)?.toolOutputs ?? [];
    expect(outputs.map(({ callId }) => callId)).toEqual(["first", "second"]);
    expect(outputs[0]?.output).toContain("Output:\none\n");
    expect(outputs[1]?.output).toContain("code 3");
    expect(stage.itemsOf(turnId)).toContainEqual(
      expect.objectContaining({ type: "commandExecution", id: "first", exitCode: 0 }),
    );
  });

  test("a command that outlives its yield time goes on in the background", async () => {
    const threadId = await stage.startThread();
    const command = "while [ ! -e finish ]; do sleep 0.05; done; echo finished";
    model.enqueueFor(threadId, reply.shell(command, { yieldTimeMs: 250 }), reply.text("Started."));
    const turnId = await stage.startTurn(threadId, "Run");
    await stage.completed(turnId);
    expect(stage.itemsOf(turnId).some(({ type }) => type === "commandExecution")).toBe(false);
    await stage.client.request("fs/writeFile", {
      path: path.join(stage.project, "finish"),
      dataBase64: "",
    });
    const { params } = await stage.seen(
      "item/completed",
      (p) => p.turnId === turnId && (p.item as Params).type === "commandExecution",
    );
    expect(params?.item).toMatchObject({ aggregatedOutput: "finished\n", exitCode: 0 });
  });

  test("files are added and changed by patches", async () => {
    const threadId = await stage.startThread();
    model.enqueueFor(
      threadId,
      reply.addFile("patched.txt", "one\n\ntwo\n"),
      reply.applyPatch(
        "*** Begin Patch\n*** Update File: patched.txt\n@@\n-two\n+three\n*** End Patch",
      ),
      reply.text("Done."),
    );
    const turnId = await stage.startTurn(threadId, "Patch");
    await stage.completed(turnId);
    expect(await readFile(path.join(stage.project, "patched.txt"), "utf8")).toBe("one\n\nthree\n");
    const changes = stage.itemsOf(turnId).filter(({ type }) => type === "fileChange");
    expect(changes).toMatchObject([{ status: "completed" }, { status: "completed" }]);
  });

  test("a dynamic tool is called with its arguments, and its answer reaches the model", async () => {
    const inputSchema = { type: "object", properties: { city: { type: "string" } } };
    const tool = { type: "function", name: "weather", description: "Weather", inputSchema };
    const threadId = await stage.startThread({ dynamicTools: [tool] });
    model.enqueueFor(
      threadId,
      reply.functionCall("weather", { city: "Ulm" }),
      reply.text("Sunny it is."),
    );
    const turnId = await stage.startTurn(threadId, "Weather?");
    const call = await stage.seen("item/tool/call", (p) => p.threadId === threadId);
    expect(call.params).toMatchObject({ tool: "weather", arguments: { city: "Ulm" } });
    const contentItems = [{ type: "inputText", text: "sunny" }];
    stage.client.respond(call.id ?? "", { contentItems, success: true });
    await stage.completed(turnId);
    expect(lastOutput(threadId)).toBe("sunny");
  });

  test("a tool of an MCP server is called by its server's name", async () => {
    const threadId = await stage.startThread();
    await stage.seen(
      "mcpServer/startupStatus/updated",
      (p) => p.threadId === threadId && p.name === "local" && p.status === "ready",
    );
    model.enqueueFor(
      threadId,
      reply.mcpTool("local", "shout", { text: "hello" }),
      reply.text("Loud."),
    );
    const turnId = await stage.startTurn(threadId, "Shout");
    await stage.completed(turnId);
    expect(lastOutput(threadId)).toContain("HELLO");
    expect(stage.itemsOf(turnId)).toContainEqual(
      expect.objectContaining({ type: "mcpToolCall", server: "local", tool: "shout" }),
    );
  });

  test("a question to the user is asked, and the answer reaches the model", async () => {
    const threadId = await stage.startThread();
    const options = [
      { label: "Red", description: "A colour" },
      { label: "Blue", description: "Another" },
    ];
    model.enqueueFor(
      threadId,
      reply.requestUserInput([{ id: "q", header: "Colour", question: "Which?", options }]),
      reply.text("Blue."),
    );
    const turnId = await stage.startTurn(threadId, "Ask me");
    const asked = await stage.seen("item/tool/requestUserInput", (p) => p.threadId === threadId);
    stage.client.respond(asked.id ?? "", { answers: { q: { answers: ["Blue"] } } });
    await stage.completed(turnId);
    expect(lastOutput(threadId)).toContain("Blue");
  });

  test("permissions are asked for, and the grant reaches the model", async () => {
    const threadId = await stage.startThread({
      approvalPolicy: "on-request",
      sandbox: "read-only",
    });
    const permissions = { network: { enabled: true } };
    model.enqueueFor(
      threadId,
      reply.requestPermissions({ reason: "To look it up", permissions }),
      reply.text("Thanks."),
    );
    const turnId = await stage.startTurn(threadId, "Look it up");
    const asked = await stage.seen(
      "item/permissions/requestApproval",
      (p) => p.threadId === threadId,
    );
    expect(asked.params).toMatchObject({ reason: "To look it up", permissions });
    stage.client.respond(asked.id ?? "", { permissions, scope: "turn" });
    await stage.completed(turnId);
    expect(JSON.parse(lastOutput(threadId))).toMatchObject({ permissions });
  });

  test("a web search becomes an item", async () => {
    const threadId = await stage.startThread();
    model.enqueueFor(threadId, [reply.webSearch("weather in Ulm"), reply.text("Found.")]);
    const turnId = await stage.startTurn(threadId, "Search");
    await stage.completed(turnId);
    expect(stage.itemsOf(turnId)[1]).toMatchObject({ type: "webSearch", query: "weather in Ulm" });
  });

  test("a sub-agent asks under its own thread, and its answer reaches the parent", async () => {
    const threadId = await stage.startThread();
    const isChild = (request: ModelRequest) => request.parentThreadId === threadId;
    const gate = reply.hold();
    model.enqueueFor(isChild, [gate, reply.text("From the child.")]);
    model.enqueueFor(threadId, reply.spawnAgent("Find it", { callId: "spawn" }));
    const turnId = await stage.startTurn(threadId, "Delegate");

    const spawned = await model.nextRequest({
      where: (request) => request.threadId === threadId && request.toolOutputs.length > 0,
    });
    const { agent_id: agentId } = JSON.parse(spawned.toolOutputs[0]?.output ?? "") as Params;
    expect(typeof agentId).toBe("string");
    const child = await model.nextRequest({ where: isChild });
    expect(child).toMatchObject({ threadId: agentId, subagent: "collab_spawn" });
    expect(child.lastUserText).toContain("Find it");

    await stage.completed(turnId);
    model.enqueueFor(threadId, reply.waitAgent([String(agentId)]), reply.text("Got it."));
    const second = await stage.startTurn(threadId, "Wait for it");
    gate.release();
    await stage.completed(second);
    expect(lastOutput(threadId)).toContain("From the child.");
  });
});

describe("approvals", () => {
  test("a declined command does not run, and the model is told", async () => {
    const threadId = await stage.startThread({ approvalPolicy: "untrusted" });
    model.enqueueFor(threadId, reply.shell("touch declined.txt"), reply.text("I may not."));
    const turnId = await stage.startTurn(threadId, "Touch");
    const asked = await stage.seen(
      "item/commandExecution/requestApproval",
      (p) => p.threadId === threadId,
    );
    stage.client.respond(asked.id ?? "", { decision: "decline" });
    expect(await stage.completed(turnId)).toMatchObject({ status: "completed" });
    expect(existsSync(path.join(stage.project, "declined.txt"))).toBe(false);
    expect(lastOutput(threadId)).toContain("rejected by user");
    expect(stage.itemsOf(turnId)).toContainEqual(
      expect.objectContaining({ type: "commandExecution", status: "declined" }),
    );
  });

  test("a command that asks to leave the sandbox runs when it is accepted", async () => {
    const threadId = await stage.startThread({
      approvalPolicy: "on-request",
      sandbox: "read-only",
    });
    model.enqueueFor(
      threadId,
      reply.shell("touch accepted.txt", {
        sandboxPermissions: "require_escalated",
        justification: "It must be there",
      }),
      reply.text("Done."),
    );
    const turnId = await stage.startTurn(threadId, "Touch");
    const asked = await stage.seen(
      "item/commandExecution/requestApproval",
      (p) => p.threadId === threadId,
    );
    expect(asked.params?.reason).toBe("It must be there");
    stage.client.respond(asked.id ?? "", { decision: "accept" });
    await stage.completed(turnId);
    expect(existsSync(path.join(stage.project, "accepted.txt"))).toBe(true);
  });
});
