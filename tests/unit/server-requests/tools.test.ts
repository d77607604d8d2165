import { describe, expect, test } from "@jest/globals";
import type { RequestHandlers } from "../../../lib/index.js";
import type { Tool, ToolContext } from "../../../lib/tools/tool.js";
import { linked } from "../../support/linked-server.js";
import { turnCompleted } from "../../support/turn-messages.js";
import { Asking, methods, requests } from "./asking.js";

function tool(name: string, execute: Tool["execute"]): Tool {
  return { name, description: name, inputSchema: { type: "object" }, execute };
}

const sunny = tool("weather", () => Promise.resolve("sunny"));
const output = (text: string) => ({ contentItems: [{ type: "inputText", text }], success: true });

async function stage(tools: readonly Tool[], handlers: RequestHandlers = {}) {
  const pair = await linked();
  await pair.client.startThread({ ...handlers, tools });
  return { ...pair, asking: new Asking(pair.server) };
}

describe("a tool call", () => {
  test("reaches the thread's tool of that name", async () => {
    const calls: unknown[] = [];
    const other = tool("news", (args, { threadId, turnId, callId }) => {
      calls.push({ args, threadId, turnId, callId });
      return Promise.resolve("none");
    });
    await using pair = await stage([sunny, other]);
    expect(await pair.asking.answer(methods.toolCall, requests.toolCall)).toEqual({
      result: output("sunny"),
    });
    expect(
      await pair.asking.answer(methods.toolCall, { ...requests.toolCall, tool: "news" }),
    ).toEqual({ result: output("none") });
    const ids = { threadId: "thread-1", turnId: "turn-1", callId: "item-1" };
    expect(calls).toEqual([{ args: { city: "Ulm" }, ...ids }]);
  });

  test.each([
    ["of another name", { tool: "unknown" }],
    ["of a name in a namespace", { namespace: "mcp" }],
    ["on another thread", { threadId: "thread-2" }],
  ])("%s is refused", async (_, fields) => {
    await using pair = await stage([sunny]);
    await pair.client.startThread();
    const answer = await pair.asking.answer(methods.toolCall, { ...requests.toolCall, ...fields });
    expect(answer).toMatchObject({ result: { success: false } });
  });

  const raw = () => ({ contentItems: [], success: true });

  test("goes to a handler by method of the same handle first", async () => {
    await using pair = await stage([sunny], { handlers: { "item/tool/call": raw } });
    expect(await pair.asking.answer(methods.toolCall, requests.toolCall)).toEqual({
      result: { contentItems: [], success: true },
    });
  });

  test("goes to the tools of a later handle rather than to an older handler by method", async () => {
    await using pair = await stage([], { handlers: { "item/tool/call": raw } });
    await pair.client.resumeThread("thread-1", { tools: [sunny] });
    expect(await pair.asking.answer(methods.toolCall, requests.toolCall)).toEqual({
      result: output("sunny"),
    });
  });

  test("of a sub-agent reaches its parent's tools", async () => {
    await using pair = await stage([sunny]);
    const item = {
      type: "collabAgentToolCall",
      tool: "spawnAgent",
      receiverThreadIds: ["child"],
    };
    pair.server.notify("item/completed", { threadId: "thread-1", turnId: "turn-1", item });
    const params = { ...requests.toolCall, threadId: "child" };
    expect(await pair.asking.answer(methods.toolCall, params)).toEqual({ result: output("sunny") });
  });

  test("that is cut short aborts the tool's signal, and is not answered", async () => {
    const contexts: ToolContext[] = [];
    const slow = tool("weather", (_, context) => {
      contexts.push(context);
      return new Promise(() => undefined);
    });
    await using pair = await stage([slow]);
    pair.asking.ask(methods.toolCall, requests.toolCall);
    await pair.asking.answered();
    pair.server.send(turnCompleted({ threadId: "thread-1", turnId: "turn-1" }));
    expect(await pair.asking.answered()).toEqual([]);
    expect(contexts.map(({ signal }) => signal.aborted)).toEqual([true]);
  });
});

test("tools that a later handle brings take the place of the earlier ones; handlers leave them", async () => {
  await using pair = await stage([sunny]);
  await pair.client.resumeThread("thread-1", { onApproval: "accept" });
  expect(await pair.asking.answer(methods.toolCall, requests.toolCall)).toEqual({
    result: output("sunny"),
  });
  pair.client.session.memory.bind("thread-1", { tools: [] });
  expect(
    await pair.asking.answer(methods.toolCall, { ...requests.toolCall, callId: "item-2" }),
  ).toMatchObject({ result: { success: false } });
});
