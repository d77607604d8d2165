/**
 * Show the model a picture that your program holds in memory. The input is a list of texts and items,
 * in the order in which the model shall see them; bytes go inline.
 */
import assert from "node:assert/strict";
import { Codex, type InputItem } from "codex-app-server-sdk";
import { configFor, reply, startLoopbackModel } from "codex-app-server-sdk/testing";

await using model = await startLoopbackModel();
await using codex = new Codex(await configFor(model));
model.enqueue(reply.text("A single red pixel."), reply.text("Both are red."));

// In a server this may come from an upload or a screenshot: any Uint8Array will do.
const png: Uint8Array = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==",
  "base64",
);
const picture: InputItem = { type: "image", data: png, mediaType: "image/png" };

const thread = await codex.startThread();
const { finalResponse } = await thread.run(["What is in this picture?", picture]);
console.log(finalResponse);

// A data URL works as well. Remote URLs are refused by the server: fetch the bytes yourself.
const url = `data:image/png;base64,${Buffer.from(png).toString("base64")}`;
const comparison = await thread.run([
  "Compare this one:",
  picture,
  "with this one:",
  { type: "image", url },
]);
console.log(`${comparison.status}: ${comparison.finalResponse ?? "no answer"}`);

const [first, second] = model.requests;
assert.deepEqual(typesOfLastMessage(first?.input), ["input_text", "input_image"]);
assert.deepEqual(
  typesOfLastMessage(second?.input).filter((type) => type === "input_image").length,
  2,
);
assert.ok(JSON.stringify(first?.input).includes("data:image/png;base64,"));
await assert.rejects(thread.run({ type: "image", url: "https://example.com/a.png" }), {
  code: "INVALID_ARGUMENT",
});

function typesOfLastMessage(input: readonly Record<string, unknown>[] = []): unknown[] {
  const message = input.findLast(({ role }) => role === "user");
  const content = Array.isArray(message?.["content"]) ? (message["content"] as unknown[]) : [];
  return content.map((part) => (part as { type?: unknown }).type);
}
