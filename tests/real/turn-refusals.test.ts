import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { existsSync } from "node:fs";
import path from "node:path";
import type { Codex, StartThreadOptions, Thread } from "../../lib/index.js";
import { reply, type LoopbackModel, type Reply } from "../../lib/testing/index.js";
import { mcpConfig } from "../support/mcp-config.js";
import { next, RealStage } from "../support/real.js";

// Until somebody decides, every question of the server is answered with a no, at once.

let stage: RealStage;
let model: LoopbackModel;
let codex: Codex;
const warnings: string[] = [];

beforeAll(async () => {
  stage = await RealStage.open({
    config: {
      features: { default_mode_request_user_input: true, request_permissions_tool: true },
    },
  });
  model = stage.model;
  codex = stage.codex({ logger: { warn: (message) => warnings.push(message) } });
});
afterAll(() => stage.close());

/** Runs a turn in which the model calls a tool, and gives what the model was told of it. */
async function call(thread: Thread, tool: Reply): Promise<string> {
  model.enqueueFor(thread.id, tool, reply.text("So be it."));
  const { status, finalResponse } = await thread.run("Go");
  expect([status, finalResponse]).toEqual(["completed", "So be it."]);
  const asked = model.requests.findLast(({ threadId }) => threadId === thread.id);
  return asked?.toolOutputs.at(-1)?.output ?? "";
}

function start(options: StartThreadOptions = {}): Promise<Thread> {
  return codex.startThread({ approvalPolicy: "on-request", sandbox: "read-only", ...options });
}

describe("nothing runs that nobody approved:", () => {
  test("a command is declined, and the turn ends by itself", async () => {
    const marker = path.join(stage.project, "command-marker");
    const thread = await start({ approvalPolicy: "untrusted", sandbox: "danger-full-access" });
    model.enqueueFor(thread.id, reply.shell(`touch ${marker}`), reply.text("I may not."));
    const result = await thread.run("Touch it");
    expect(existsSync(marker)).toBe(false);
    expect(result).toMatchObject({ status: "completed", finalResponse: "I may not." });
    expect(result.items).toContainEqual(
      expect.objectContaining({ type: "commandExecution", status: "declined", exitCode: null }),
    );
    expect(warnings.join("\n")).toContain("item/commandExecution/requestApproval was refused");
    expect(warnings.join("\n")).not.toContain(marker);
  });

  test("a command that wants to leave the sandbox is declined", async () => {
    const marker = path.join(stage.project, "escalated-marker");
    const told = await call(
      await start(),
      reply.shell(`touch ${marker}`, {
        sandboxPermissions: "require_escalated",
        justification: "It must be there",
      }),
    );
    expect(existsSync(marker)).toBe(false);
    expect(told).toContain("rejected by user");
  });

  test("a patch is declined, and the file is not there", async () => {
    const thread = await start();
    model.enqueueFor(thread.id, reply.addFile("patched.txt", "text"), reply.text("I may not."));
    const { items } = await thread.run("Patch it");
    expect(existsSync(path.join(stage.project, "patched.txt"))).toBe(false);
    expect(items).toContainEqual(
      expect.objectContaining({ type: "fileChange", status: "declined" }),
    );
  });

  test("two commands at once are both declined", async () => {
    const markers = ["first", "second"].map((name) => path.join(stage.project, name));
    const thread = await start({ approvalPolicy: "untrusted", sandbox: "danger-full-access" });
    const commands = markers.map((marker) => reply.shell(`touch ${marker}`));
    model.enqueueFor(thread.id, commands, reply.text("Neither."));
    const { items } = await thread.run("Touch them");
    expect(markers.map((marker) => existsSync(marker))).toEqual([false, false]);
    expect(items.filter((item) => "status" in item && item.status === "declined")).toHaveLength(2);
  });

  test("a tool of an MCP server is declined", async () => {
    const marker = path.join(stage.project, "mcp-marker");
    const thread = await startWithMcp();
    const told = await call(thread, reply.mcpTool("asking", "act", { file: marker }));
    expect(existsSync(marker)).toBe(false);
    expect(told).toContain("user rejected MCP tool call");
  });
});

describe("nobody is kept waiting:", () => {
  test("more permissions are not granted", async () => {
    const permissions = { network: { enabled: true } };
    const told = await call(
      await start(),
      reply.requestPermissions({ reason: "To look it up", permissions }),
    );
    expect(JSON.parse(told)).toMatchObject({ permissions: {} });
    expect(told).not.toContain("true");
  });

  test("a question to the user gets no answer", async () => {
    const options = [{ label: "Red", description: "A colour" }];
    const question = { id: "q", header: "Colour", question: "Which?", options };
    const told = await call(await start(), reply.requestUserInput([question]));
    expect(JSON.parse(told)).toEqual({ answers: {} });
  });

  test("a dynamic tool fails, and the model is told why", async () => {
    const inputSchema = { type: "object", properties: {} };
    const tool = {
      type: "function",
      name: "weather",
      description: "Weather",
      inputSchema,
    } as const;
    const thread = await start({ dynamicTools: [tool] });
    model.enqueueFor(thread.id, reply.functionCall("weather"), reply.text("No idea."));
    const { items, finalResponse } = await thread.run("Weather?");
    expect(finalResponse).toBe("No idea.");
    expect(items).toContainEqual(
      expect.objectContaining({ type: "dynamicToolCall", tool: "weather", success: false }),
    );
    const asked = model.requests.findLast(({ threadId }) => threadId === thread.id);
    expect(asked?.toolOutputs.at(-1)?.output).toContain("does not offer the tool");
  });

  test("a question of an MCP server is declined", async () => {
    const told = await call(await startWithMcp(), reply.mcpTool("asking", "ask"));
    expect(told).toContain("The user chose to decline.");
  });
});

/** A thread with an MCP server of its own, which the server starts beside it. */
async function startWithMcp(): Promise<Thread> {
  const client = await codex.client();
  const ready = new Set<string | null>();
  const stop = client.on("mcpServer/startupStatus/updated", ({ params }) => {
    if (params.status === "ready") ready.add(params.threadId);
  });
  const thread = await start({
    config: { mcp_servers: { asking: mcpConfig("asking-mcp-server") } },
  });
  while (!ready.has(thread.id)) await next(client, "mcpServer/startupStatus/updated");
  stop();
  return thread;
}
