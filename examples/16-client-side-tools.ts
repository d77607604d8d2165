/**
 * Functions of this process that the model can call: described and checked by a schema, cancelled
 * with the turn, and carried out again after a restart.
 */
import assert from "node:assert/strict";
import { Codex, defineTool } from "codex-app-server-sdk";
import { configFor, reply, startLoopbackModel } from "codex-app-server-sdk/testing";
import * as z from "zod";

await using model = await startLoopbackModel();
const options = await configFor(model);
const orders = new Map([["A-17", { state: "shipped", total: 42.5 }]]);

// Zod says what the arguments are, to the model, to the check before each call, and to TypeScript.
const findOrder = defineTool({
  name: "find_order",
  description: "Looks up an order by its number. Numbers look like A-17.",
  input: z.object({ number: z.string().regex(/^[A-Z]-\d+$/) }),
  execute: ({ number }) => {
    const order = orders.get(number);
    if (!order) throw new Error(`There is no order ${number}.`); // the model sees this sentence
    return order; // objects become JSON
  },
});

// The signal aborts when the turn is interrupted: what the tool still returns is dropped.
const waitForDelivery = defineTool({
  name: "wait_for_delivery",
  description: "Waits until an order has arrived.",
  input: z.object({ number: z.string() }),
  execute: async (_args, { signal }) => {
    await new Promise((resolve) => {
      signal.addEventListener("abort", resolve);
    });
    console.log("waiting was cancelled");
  },
});

const tools = [findOrder, waitForDelivery];
const first = new Codex(options);
const thread = await first.startThread({ tools });

// The model gets it wrong twice, is told why, and then gets it right.
model.enqueue(
  reply.functionCall("find_order", { number: "17" }),
  reply.functionCall("find_order", { number: "B-1" }),
  reply.functionCall("find_order", { number: "A-17" }),
  reply.text("Your order A-17 has been shipped."),
);
const { status, finalResponse, items } = await thread.run("Where is my order 17?");
const calls = items.filter((item) => item.type === "dynamicToolCall");
for (const { arguments: args, status: outcome, contentItems } of calls) {
  const [content] = contentItems ?? [];
  const text = content?.type === "inputText" ? content.text : "";
  console.log(`find_order(${JSON.stringify(args)}) ${outcome}: ${text.replaceAll("\n", " ")}`);
}
console.log(`${status}: ${finalResponse ?? ""}`);

model.enqueue(reply.functionCall("wait_for_delivery", { number: "A-17" }));
const waiting = thread.turn("Tell me when it is there.");
for await (const { method } of waiting) if (method === "item/tool/call") break;
const { status: afterBreak } = await waiting.run();
await first.close();

// Another process: the server has stored the definitions of the tools, and this binds their
// functions.
await using second = new Codex(options);
const resumed = await second.resumeThread(thread.id, { tools });
model.enqueue(reply.functionCall("find_order", { number: "A-17" }), reply.text("Still shipped."));
const again = await resumed.run("And now?");
console.log(`after a restart: ${again.finalResponse ?? ""}`);

assert.deepEqual(
  calls.map((call) => call.status),
  ["failed", "failed", "completed"],
);
assert.equal(afterBreak, "interrupted");
assert.equal(model.requests.at(-1)?.toolOutputs.at(-1)?.output, '{"state":"shipped","total":42.5}');
