/**
 * Show the assistant's messages as they grow, as a chat does. Each update says which message it belongs
 * to, of which phase, and has its whole text so far. When the model breaks off and is asked again, its
 * text is taken back; a message that a steer cuts stays. For the text alone, `textStream()` is enough.
 */
import assert from "node:assert/strict";
import { Codex, type MessageUpdate } from "codex-app-server-sdk";
import { configFor, reply, startLoopbackModel } from "codex-app-server-sdk/testing";

await using model = await startLoopbackModel();
const retrying = { model_providers: { mock: { stream_max_retries: 2 } } };
await using codex = new Codex(await configFor(model, { config: retrying }));
const thread = await codex.startThread();

/** What a user sees: the messages, in the order in which they began. */
class Chat {
  readonly #messages = new Map<string, MessageUpdate>();

  show(update: MessageUpdate): void {
    const key = `${update.turnId} ${update.id}`;
    if (update.type === "reset") this.#messages.delete(key);
    else this.#messages.set(key, update);
  }

  get lines(): string[] {
    return [...this.#messages.values()].map(({ type, phase, text }) => {
      const mark = phase === "commentary" ? "… " : "";
      return `${mark}${text}${type === "cut" ? " (stopped)" : ""}`;
    });
  }
}

// A remark, a command, an answer that breaks off in the middle, and the answer once more.
model.enqueue(
  [reply.commentary("I look first."), reply.shell("echo a.txt")],
  [reply.unfinishedText("There are"), reply.drop()],
  reply.text("There is one file."),
);
const chat = new Chat();
for await (const update of thread.turn("How many files?").messages()) {
  chat.show(update);
  if (update.type === "completed" || update.type === "reset") console.log(chat.lines);
}

// The same for a turn that is steered while a message streams: the text so far stays.
const gate = reply.hold();
model.enqueue(reply.text(["Its name ", gate, "is long."]), reply.text("It is a.txt."));
const turn = thread.turn("Tell me about it.");
for await (const update of turn.messages()) {
  chat.show(update);
  if (update.text !== "Its name ") continue;
  if (update.type === "delta") assert.equal(await turn.steer("Only its name, please."), turn.id);
  gate.release(); // older servers let the message end first
}
const { status, items } = await turn.run();
console.log(chat.lines, status);

assert.deepEqual(chat.lines.slice(0, 2), ["… I look first.", "There is one file."]);
assert.equal(chat.lines.at(-1), "It is a.txt.");
assert.equal(chat.lines.length, 4);
// The result has them in the same order.
assert.deepEqual(
  items.map(({ type }) => type),
  ["userMessage", "agentMessage", "userMessage", "agentMessage"],
);
