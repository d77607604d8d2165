import { tool } from "ai";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { existsSync } from "node:fs";
import path from "node:path";
import { reply, type LoopbackModel } from "../../../lib/testing/index.js";
import { addTool, saidIn } from "../../support/ai-model.js";
import { mcpConfig } from "../../support/mcp-config.js";
import { rejection } from "../../support/real.js";
import { HarnessStage, partOf, partsIn, textOf, type SeenPart } from "./harness-stage.js";

let stage: HarnessStage;
let model: LoopbackModel;

beforeAll(async () => {
  stage = await HarnessStage.open();
  model = stage.model;
});
afterAll(() => stage.close());

const callAdd = (a: number, b: number) => reply.functionCall("add", { a, b });
const outputs = () => JSON.stringify(model.requests.at(-1)?.toolOutputs);
const answer = (part: SeenPart, approved: boolean) => ({
  toolApprovalContinuations: [
    { type: "tool-approval-response" as const, approvalId: String(part["approvalId"]), approved },
  ],
});

/** A tool that the page carries out, or a person. */
const pageTool = (needsApproval = false) => {
  const { execute: _, ...rest } = addTool(undefined, needsApproval);
  return tool(rest as never);
};

describe("an approval of a tool of Codex", () => {
  test.each([true, false])("of a command decides whether it runs: %s", async (approved) => {
    const agent = stage.agent({ permissionMode: "allow-edits" });
    const session = await agent.createSession();
    const marker = path.join(stage.directoryOf(session), "marker");
    model.enqueue(reply.shell("printf done > marker; cat marker"), reply.text("That was it."));
    const parts = await partsIn(await agent.stream({ session, prompt: "Go" }));
    const asked = partOf(parts, "tool-approval-request");
    expect(asked["toolCall"]).toMatchObject({
      toolName: "bash",
      input: { command: expect.stringContaining("printf done") },
      providerExecuted: true,
    });
    expect(existsSync(marker)).toBe(false);
    expect(session.hasUnfinishedTurn()).toBe(true);
    const result = await agent.continueStream({ session, ...answer(asked, approved) });
    const rest = await partsIn(result);
    expect(existsSync(marker)).toBe(approved);
    expect(textOf(rest)).toBe("That was it.");
    expect(await result.text).toBe("That was it.");
    if (approved) {
      expect(partOf(rest, "tool-result")).toMatchObject({
        output: { output: "done", exitCode: 0 },
      });
    } else {
      expect(partOf(rest, "tool-error")).toMatchObject({ toolName: "bash" });
    }
    expect(session.hasUnfinishedTurn()).toBe(false);
    await session.destroy();
  });

  test("that is refused with a reason tells the model why, with the refusal", async () => {
    const agent = stage.agent({ permissionMode: "allow-reads" });
    const session = await agent.createSession();
    model.enqueue(reply.shell("touch refused"), reply.text("Then not."));
    const parts = await partsIn(await agent.stream({ session, prompt: "Go" }));
    const asked = model.requests.length;
    const [refusal] = answer(partOf(parts, "tool-approval-request"), false)
      .toolApprovalContinuations as [object];
    const given = { ...refusal, reason: "Touch nothing on a Sunday." } as never;
    const result = await agent.continueStream({ session, toolApprovalContinuations: [given] });
    expect(textOf(await partsIn(result))).toBe("Then not.");
    expect(model.requests.length - asked).toBe(1);
    expect(saidIn(model.requests.at(-1)?.input ?? []).slice(-2)).toEqual([
      expect.stringContaining("rejected by user"),
      "user I have declined this call: Touch nothing on a Sunday.",
    ]);
    await session.destroy();
  });

  test("of a command is asked for one after the other", async () => {
    const agent = stage.agent({ permissionMode: "allow-reads" });
    const session = await agent.createSession();
    model.enqueue([reply.shell("touch one"), reply.shell("touch two")], reply.text("Both."));
    let parts = await partsIn(await agent.stream({ session, prompt: "Go" }));
    for (const approved of [true, false]) {
      const asked = partOf(parts, "tool-approval-request");
      parts = await partsIn(await agent.continueStream({ session, ...answer(asked, approved) }));
    }
    expect(textOf(parts)).toBe("Both.");
    const made = ["one", "two"].filter((name) =>
      existsSync(path.join(stage.directoryOf(session), name)),
    );
    expect(made).toHaveLength(1);
    await session.destroy();
  });

  test("of a change of files is asked for, or not, by the mode; the files are told either way", async () => {
    for (const permissionMode of ["allow-reads", "allow-edits", "allow-all"] as const) {
      const agent = stage.agent({ permissionMode });
      const session = await agent.createSession();
      model.enqueue(reply.addFile("new.txt", "new"), reply.text("Added."));
      let parts = await partsIn(await agent.stream({ session, prompt: "Go" }));
      const requests = parts.filter(({ type }) => type === "tool-approval-request");
      expect(requests).toHaveLength(permissionMode === "allow-reads" ? 1 : 0);
      for (const asked of requests) {
        expect(asked["toolCall"]).toMatchObject({ toolName: "applyPatch" });
        parts = await partsIn(await agent.continueStream({ session, ...answer(asked, true) }));
      }
      const told = parts.filter((part) => part["toolName"] === "fileChange");
      expect(told.map((part) => part["output"] ?? part["input"])).toEqual([
        { event: "create", path: "new.txt" },
        { event: "create", path: "new.txt" },
      ]);
      expect(textOf(parts)).toBe("Added.");
      expect(existsSync(path.join(stage.directoryOf(session), "new.txt"))).toBe(true);
      await session.destroy();
    }
  });

  test("that changes a file outside the directory is asked for under allow-edits, too", async () => {
    const agent = stage.agent({ permissionMode: "allow-edits" });
    const session = await agent.createSession();
    const outside = path.join(stage.real.project, "outside.txt");
    model.enqueue(reply.addFile(outside, "new"), reply.text("Added."));
    const parts = await partsIn(await agent.stream({ session, prompt: "Go" }));
    const asked = partOf(parts, "tool-approval-request");
    const rest = await partsIn(await agent.continueStream({ session, ...answer(asked, false) }));
    expect(textOf(rest)).toBe("Added.");
    expect(existsSync(outside)).toBe(false);
    await session.destroy();
  });

  test("is not asked for what is inactive: it is declined", async () => {
    const inactiveTools = ["applyPatch"] as never;
    const agent = stage.agent({ permissionMode: "allow-edits", inactiveTools });
    const session = await agent.createSession();
    model.enqueue(reply.addFile("new.txt", "new"), reply.text("Not added."));
    expect((await agent.generate({ session, prompt: "Go" })).text).toBe("Not added.");
    expect(existsSync(path.join(stage.directoryOf(session), "new.txt"))).toBe(false);
    await session.destroy();
    // Under allow-all nothing is asked that could be declined.
    const all = stage.agent({ inactiveTools });
    expect((await rejection(all.createSession())).message).toContain("applyPatch");
  });

  test("of more permissions is a call that stands for it", async () => {
    const config = { "features.request_permissions_tool": true };
    const agent = stage.agent({
      permissionMode: "allow-edits",
      options: { thread: { config, sandbox: "read-only", approvalPolicy: "on-request" } },
    });
    const session = await agent.createSession();
    model.enqueue(
      reply.requestPermissions({
        reason: "To fetch.",
        permissions: { network: { enabled: true } },
      }),
      reply.text("Fetched."),
    );
    const parts = await partsIn(await agent.stream({ session, prompt: "Go" }));
    const asked = partOf(parts, "tool-approval-request");
    expect(asked["toolCall"]).toMatchObject({
      toolName: "request-permissions",
      input: { permissions: ["network"], reason: "To fetch." },
    });
    const rest = await partsIn(await agent.continueStream({ session, ...answer(asked, true) }));
    expect(partOf(rest, "tool-result")).toMatchObject({ output: { outcome: "answered" } });
    expect(textOf(rest)).toBe("Fetched.");
    await session.destroy();
  });

  test.each([true, false])("of a tool of an MCP server is about its call: %s", async (approved) => {
    const asking = JSON.parse(JSON.stringify(mcpConfig("asking-mcp-server"))) as object;
    const config = { mcp_servers: { asking } } as never;
    const agent = stage.agent({
      permissionMode: "allow-edits",
      options: { thread: { config } },
    });
    const session = await agent.createSession();
    const { providerMetadata } = await agent.generate({ session, prompt: "Hello" });
    const { threadId } = (providerMetadata as { codex: { threadId: string } }).codex;
    await stage.codex.mcp.started(threadId);
    const file = path.join(stage.directoryOf(session), "acted");
    model.enqueue(reply.mcpTool("asking", "act", { file }), reply.text("Tried."));
    const parts = await partsIn(await agent.stream({ session, prompt: "Act" }));
    const asked = partOf(parts, "tool-approval-request");
    expect(asked["toolCall"]).toMatchObject({ toolName: "asking.act", providerExecuted: true });
    expect(existsSync(file)).toBe(false);
    const rest = await partsIn(await agent.continueStream({ session, ...answer(asked, approved) }));
    expect(textOf(rest)).toBe("Tried.");
    expect(existsSync(file)).toBe(approved);
    await session.destroy();
  });

  test("that is not answered in time stops the turn", async () => {
    const agent = stage.agent({
      permissionMode: "allow-reads",
      options: { answerTimeoutMs: 200 },
    });
    const session = await agent.createSession();
    model.enqueue(reply.shell("touch late"));
    const parts = await partsIn(await agent.stream({ session, prompt: "Go" }));
    const asked = partOf(parts, "tool-approval-request");
    await untilIdle();
    const rest = await partsIn(await agent.continueStream({ session, ...answer(asked, true) }));
    expect(partOf(rest, "error")["error"]).toMatchObject({
      message: "The host has not answered in time.",
    });
    expect(existsSync(path.join(stage.directoryOf(session), "late"))).toBe(false);
    await session.destroy();
  });
});

async function untilIdle(): Promise<void> {
  while (stage.codex.runningTurns.length > 0) await new Promise((r) => setTimeout(r, 10));
}

describe("the caller's tools", () => {
  test("are carried out by the host, several at once, and their results are told", async () => {
    let running = 0;
    let most = 0;
    let both: () => void = () => undefined;
    const together = new Promise<void>((resolve) => (both = resolve));
    const add = addTool(async ({ a, b }) => {
      running += 1;
      most = Math.max(most, running);
      if (running === 2) both();
      await together;
      running -= 1;
      return { sum: a + b };
    });
    model.enqueue([callAdd(1, 2), callAdd(3, 4)], reply.text("3 and 7"));
    const agent = stage.agent({ tools: { add } as never });
    const session = await agent.createSession();
    const result = await agent.generate({ session, prompt: "Add" });
    expect(most).toBe(2);
    expect(result.text).toBe("3 and 7");
    expect(result.toolCalls).toHaveLength(2);
    expect(result.steps[0]?.toolResults.map(({ output }) => output)).toEqual(
      expect.arrayContaining([{ sum: 3 }, { sum: 7 }]),
    );
    expect(outputs()).toContain('{\\"sum\\":7}');
    await session.destroy();
  });

  test("that fail are told to the model", async () => {
    const add = addTool(() => {
      throw new Error("no numbers");
    });
    model.enqueue(callAdd(1, 2), reply.text("Pity."));
    const agent = stage.agent({ tools: { add } as never });
    const session = await agent.createSession();
    const parts = await partsIn(await agent.stream({ session, prompt: "Add" }));
    expect(outputs()).toContain("no numbers");
    expect(textOf(parts)).toBe("Pity.");
    await session.destroy();
  });

  test("that the page carries out wait for their results, all of one response together", async () => {
    model.enqueue([callAdd(1, 2), callAdd(3, 4)], reply.text("3 and 7"));
    const agent = stage.agent({ tools: { add: pageTool() } as never });
    const session = await agent.createSession();
    const parts = await partsIn(await agent.stream({ session, prompt: "Add" }));
    const calls = parts.filter(({ type }) => type === "tool-call");
    expect(calls).toHaveLength(2);
    const result = await agent.continueStream({
      session,
      toolResultContinuations: calls.map((call, index) => ({
        type: "tool-result" as const,
        toolCallId: String(call["toolCallId"]),
        toolName: "add",
        output: { type: "json" as const, value: { sum: [3, 7][index] ?? 0 } },
      })),
    });
    expect(textOf(await partsIn(result))).toBe("3 and 7");
    expect(await result.text).toBe("3 and 7");
    expect(outputs()).toContain('{\\"sum\\":3}');
    await session.destroy();
  });

  test("need none any more when their turn is interrupted", async () => {
    model.enqueue(callAdd(1, 2));
    const agent = stage.agent({ tools: { add: pageTool() } as never });
    const session = await agent.createSession();
    const parts = await partsIn(await agent.stream({ session, prompt: "Add" }));
    const [running] = stage.codex.runningTurns;
    if (running?.turnId === undefined) throw new Error("There is no turn.");
    await stage.codex.thread(running.threadId).attachTurn({ id: running.turnId }).interrupt();
    const output = { type: "text" as const, value: "too late" };
    const toolCallId = String(partOf(parts, "tool-call")["toolCallId"]);
    const late = { type: "tool-result" as const, toolCallId, toolName: "add", output };
    const result = await agent.continueStream({ session, toolResultContinuations: [late] });
    expect(partOf(await partsIn(result), "finish")).toMatchObject({
      rawFinishReason: "interrupted",
    });
    expect(session.hasUnfinishedTurn()).toBe(false);
    await session.destroy();
  });

  test("wait for the results one by one, if the page gives them so", async () => {
    model.enqueue([callAdd(1, 2), callAdd(3, 4)], reply.text("Both."));
    const agent = stage.agent({ tools: { add: pageTool() } as never });
    const session = await agent.createSession();
    let parts = await partsIn(await agent.stream({ session, prompt: "Add" }));
    for (const call of parts.filter(({ type }) => type === "tool-call")) {
      const result = await agent.continueStream({
        session,
        toolResultContinuations: [
          {
            type: "tool-result",
            toolCallId: String(call["toolCallId"]),
            toolName: "add",
            output: { type: "text", value: "a sum" },
          },
        ],
      });
      parts = await partsIn(result);
    }
    expect(textOf(parts)).toBe("Both.");
    await session.destroy();
  });

  test.each([true, false])("that need an approval are carried out by it: %s", async (approved) => {
    let ran = 0;
    const add = addTool(({ a, b }) => {
      ran += 1;
      return a + b;
    });
    model.enqueue(callAdd(1, 2), reply.text("Well."));
    const agent = stage.agent({
      tools: { add } as never,
      toolApproval: { add: "user-approval" } as never,
    });
    const session = await agent.createSession();
    const parts = await partsIn(await agent.stream({ session, prompt: "Add" }));
    const asked = partOf(parts, "tool-approval-request");
    const rest = await partsIn(await agent.continueStream({ session, ...answer(asked, approved) }));
    expect(ran).toBe(approved ? 1 : 0);
    expect(textOf(rest)).toBe("Well.");
    expect(outputs()).toContain(approved ? '"3"' : "declined");
    await session.destroy();
  });

  test("may be others with a later turn of the same thread, if the harness is made for it", async () => {
    let names = ["add"];
    const tools = { add: addTool(), subtract: addTool(({ a, b }) => a - b) };
    const chosen = () =>
      Object.fromEntries(Object.entries(tools).filter(([n]) => names.includes(n)));
    const prepareCall = (call: object) => ({ ...call, tools: chosen() }) as never;
    const fixed = stage.agent({ tools: tools as never, prepareCall });
    const session = await fixed.createSession();
    await fixed.generate({ session, prompt: "Add" });
    names = ["add", "subtract"];
    const refused = await rejection(fixed.generate({ session, prompt: "Subtract" }));
    expect(refused).toMatchObject({ code: "INVALID_ARGUMENT", argument: "tools" });
    await session.destroy();

    names = ["add"];
    const changing = stage.agent({
      tools: tools as never,
      prepareCall,
      options: { toolsMayChange: true },
    });
    const other = await changing.createSession();
    await changing.generate({ session: other, prompt: "Add" });
    names = ["subtract"];
    const input = { tool: "subtract", input: { a: 5, b: 2 } };
    model.enqueue(reply.functionCall("call_added_tool", input), reply.text("3"));
    const result = await changing.generate({ session: other, prompt: "Subtract" });
    expect(result.text).toBe("3");
    expect(result.toolCalls).toMatchObject([{ toolName: "subtract", input: { a: 5, b: 2 } }]);
    expect(outputs()).toContain("3");
    expect(JSON.stringify(model.requests.at(-1)?.input)).toContain("there is the tool subtract");
    await other.destroy();
  });
});

describe("questions of the agent", () => {
  const questions = [
    {
      id: "colour",
      header: "Colour",
      question: "Which colour?",
      options: [
        { label: "Red", description: "Like blood" },
        { label: "Blue", description: "Like the sea" },
      ],
    },
  ];

  test.each([
    ["answered", { action: "answered", answers: { colour: { optionIds: ["Blue"] } } }, "Blue"],
    ["declined", { action: "declined" }, '{\\"answers\\":{}}'],
  ])("are a tool of the page: %s", async (_, value, told) => {
    model.enqueue(reply.requestUserInput(questions), reply.text("Painted."));
    const agent = stage.agent();
    const session = await agent.createSession();
    const parts = await partsIn(await agent.stream({ session, prompt: "Paint" }));
    const call = partOf(parts, "tool-call");
    expect(call).toMatchObject({
      toolName: "askUserQuestions",
      input: {
        questions: [
          {
            id: "colour",
            question: "Which colour?",
            options: [{ id: "Red", label: "Red" }, { id: "Blue" }],
          },
        ],
      },
    });
    const result = await agent.continueStream({
      session,
      toolResultContinuations: [
        {
          type: "tool-result",
          toolCallId: String(call["toolCallId"]),
          toolName: "askUserQuestions",
          output: { type: "json", value: value as never },
        },
      ],
    });
    expect(textOf(await partsIn(result))).toBe("Painted.");
    expect(outputs()).toContain(told);
    await session.destroy();
  });

  test("are not asked where the tool is inactive", async () => {
    model.enqueue(reply.requestUserInput(questions), reply.text("Painted."));
    const agent = stage.agent({ inactiveTools: ["askUserQuestions"] as never });
    const session = await agent.createSession();
    expect((await agent.generate({ session, prompt: "Paint" })).text).toBe("Painted.");
    await session.destroy();
  });
});

describe("a sub-agent", () => {
  test("is a call of its own, and its approval stands for it", async () => {
    const agent = stage.agent({ permissionMode: "allow-reads" });
    const session = await agent.createSession();
    const marker = path.join(stage.directoryOf(session), "by-child");
    model.respond((request) => {
      const [first, second] = request.toolOutputs;
      if (request.parentThreadId !== null && request.parentThreadId !== undefined) {
        return first ? reply.text("Child.") : reply.shell("touch by-child");
      }
      if (!first) return reply.spawnAgent("Touch it");
      const { agent_id: agentId } = JSON.parse(first.output) as { agent_id: string };
      return second ? reply.text("Parent.") : reply.waitAgent([agentId]);
    });
    const parts = await partsIn(await agent.stream({ session, prompt: "Go" }));
    const calls = parts.filter(({ type }) => type === "tool-call");
    expect(calls[0]).toMatchObject({ toolName: "subagent" });
    const asked = partOf(parts, "tool-approval-request");
    expect(asked["toolCall"]).toMatchObject({
      toolName: "request-command",
      input: { command: expect.stringContaining("touch by-child"), origin: { depth: 1 } },
    });
    const rest = await partsIn(await agent.continueStream({ session, ...answer(asked, true) }));
    expect(textOf(rest)).toBe("Parent.");
    expect(existsSync(marker)).toBe(true);
    await session.destroy();
  });
});
