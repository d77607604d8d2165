import { expect } from "@jest/globals";
import { Deferred } from "../../lib/async/deferred.js";
import {
  defineTool,
  type Codex,
  type Thread,
  type Tool,
  type ToolContext,
  type ToolOutput,
} from "../../lib/index.js";
import { reply, type LoopbackModel, type ModelRequest } from "../../lib/testing/index.js";

type Arguments = Parameters<typeof reply.functionCall>[1];

/** A tool that takes any arguments and does this. */
export function tool(
  name: string,
  execute: (args: unknown, context: ToolContext) => ToolOutput | Promise<ToolOutput>,
): Tool {
  return defineTool({ name, description: `Does ${name}`, input: { type: "object" }, execute });
}

/** Has the model call tools, and then say "Done."; gives what it saw of their results. */
export async function callTools(
  model: LoopbackModel,
  thread: Thread,
  ...calls: [name: string, args?: Arguments][]
): Promise<string[]> {
  model.enqueueFor(
    thread.id,
    calls.map(([name, args]) => reply.functionCall(name, args)),
    reply.text("Done."),
  );
  const result = await thread.run("Go");
  expect(result).toMatchObject({ status: "completed", finalResponse: "Done." });
  return outputsOf(model, thread).slice(-calls.length);
}

/** What the model has seen of the results of all calls on the thread. */
export function outputsOf(model: LoopbackModel, thread: Thread): string[] {
  return (lastRequest(model, thread)?.toolOutputs ?? []).map(({ output }) => output);
}

export function lastRequest(model: LoopbackModel, thread: Thread): ModelRequest | undefined {
  return model.requests.findLast(({ threadId }) => threadId === thread.id);
}

/** A thread whose model calls a tool that waits for its signal to abort, whatever it returns then. */
export async function waitingTool(model: LoopbackModel, codex: Codex) {
  const began = new Deferred<void>();
  const aborted = new Deferred<unknown>();
  const wait = tool("wait", async (_args, { signal }) => {
    signal.addEventListener("abort", () => {
      aborted.resolve(signal.reason);
    });
    began.resolve();
    await aborted.promise;
    return "too late";
  });
  const thread = await codex.startThread({ tools: [wait] });
  model.enqueueFor(thread.id, reply.functionCall("wait"));
  return { thread, began: began.promise, aborted: aborted.promise };
}
