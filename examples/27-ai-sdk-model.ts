/**
 * Codex as a language model of the AI SDK: generateText() with a tool of your own, which the model calls in the
 * middle of its turn, and streamText() on the same thread.
 */
import assert from "node:assert/strict";
import { generateText, stepCountIs, streamText, tool } from "ai";
import { Codex } from "codex-app-server-sdk";
import { createCodex } from "codex-app-server-sdk/ai";
import { configFor, reply, startLoopbackModel } from "codex-app-server-sdk/testing";
import * as z from "zod";

await using loopback = await startLoopbackModel();
await using codex = new Codex(await configFor(loopback));

// One provider for the process: it knows the turns that wait for your tools. "v3" is for `ai` 6; with `ai` 7,
// leave it out.
const provider = createCodex({
  codex,
  specificationVersion: "v3",
  thread: { sandbox: "read-only", onApproval: "decline" },
});

const orders = new Map([["A-17", { state: "shipped", total: 42.5 }]]);
const findOrder = tool({
  description: "Looks up an order by its number.",
  inputSchema: z.object({ number: z.string() }),
  execute: ({ number }) => orders.get(number) ?? { state: "unknown" },
});

loopback.enqueue(
  [reply.commentary("I look it up."), reply.functionCall("findOrder", { number: "A-17" })],
  reply.text("Your order has been shipped."),
);
const answer = await generateText({
  model: provider(), // or a name: provider("gpt-5")
  system: "You help customers of a shop.",
  prompt: "Where is my order A-17?",
  tools: { findOrder },
  stopWhen: stepCountIs(5),
});
console.log(`${String(answer.steps.length)} steps: ${answer.text}`);

// The thread goes on: of the messages, only those behind the last one of the assistant are sent.
const { threadId } = answer.providerMetadata?.["codex"] ?? {};
loopback.enqueue([reply.reasoning("A sum."), reply.text(["42.50 ", "in all."])]);
const stream = streamText({
  model: provider(),
  prompt: "What did it cost?",
  providerOptions: { codex: { threadId: threadId ?? null } },
});
let text = "";
for await (const part of stream.fullStream) {
  if (part.type === "reasoning-delta") console.log(`(${part.text})`);
  if (part.type === "text-delta") text += part.text;
}
console.log(text);
const finishReason = await stream.finishReason;
console.log(`completed, ${finishReason}: ${String((await stream.usage).totalTokens)} tokens`);

assert.equal(answer.text, "Your order has been shipped.");
assert.equal(text, "42.50 in all.");
assert.equal(loopback.requests.at(-1)?.threadId, threadId);
assert.equal(loopback.requests.at(-1)?.toolOutputs[0]?.output, '{"state":"shipped","total":42.5}');
