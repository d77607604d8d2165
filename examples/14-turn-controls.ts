/**
 * Three ways to step into a running turn: steer it with more input, interrupt it, or leave its loop.
 * The thread is free for the next turn after each of them.
 */
import assert from "node:assert/strict";
import { Codex, type Thread, type Turn } from "codex-app-server-sdk";
import { configFor, reply, startLoopbackModel } from "codex-app-server-sdk/testing";

await using model = await startLoopbackModel();
await using codex = new Codex(await configFor(model));
const thread = await codex.startThread();

let gate = reply.hold();

/** A turn that is in the middle of its answer, and stays there while the gate is closed. */
async function midway(on: Thread, input: string): Promise<Turn> {
  gate = reply.hold();
  model.enqueue(reply.text(["Well, ", gate, "let me see."]));
  const turn = on.turn(input);
  await gate.reached;
  return turn;
}

// Steer: the model goes on with the new input, in the same turn. The server cuts the message that
// is being streamed; older ones let it end.
const steered = await midway(thread, "Plan a trip to Rome.");
model.enqueue(reply.text("To Naples, then."));
await steered.steer("Naples would be nicer.");
gate.release();
const { status, finalResponse } = await steered.run();
console.log(`steered: ${status}, "${finalResponse ?? ""}"`);

// Interrupt, as a stop button does: the turn ends, and its result has the text so far. Nothing
// throws.
const interrupted = await midway(thread, "Tell me a long story.");
for await (const text of interrupted.textStream()) {
  console.log(`hearing "${text}"`);
  await interrupted.interrupt(); // the loop goes on to the end of the turn
}
const story = await interrupted.run();
const cut = story.items.findLast((item) => item.type === "agentMessage");
console.log(`interrupted: ${story.status}, "${cut?.text ?? ""}"`);

// Break: leaving the loop, also by an exception, interrupts the turn and waits for its end.
const left = await midway(thread, "Count to a million.");
for await (const text of left.textStream()) {
  console.log(`heard enough: "${text}"`);
  break;
}
const { status: afterBreak } = await left.run();

// With `onBreak: "detach"` the turn runs on, and `run()` gives its result later.
gate = reply.hold();
model.enqueue(reply.text(["Working", gate, " and done."]));
const detached = thread.turn("Work on this.", { onBreak: "detach" });
for await (const { method } of detached) if (method === "item/agentMessage/delta") break;
gate.release();
const result = await detached.run();
console.log(`detached: ${result.status}, "${result.finalResponse ?? ""}"`);

assert.deepEqual([status, finalResponse], ["completed", "To Naples, then."]);
assert.deepEqual([story.status, story.finalResponse, cut?.text], ["interrupted", null, "Well, "]);
assert.equal(afterBreak, "interrupted");
assert.deepEqual([result.status, result.finalResponse], ["completed", "Working and done."]);
