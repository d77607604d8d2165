/**
 * A goal: the server works on it by itself, turn after turn, until the model says that it is reached
 * or that it is stuck, or until the tokens are used up. `runGoal()` makes one handle of all of it.
 */
import assert from "node:assert/strict";
import { Codex, GoalFailedError } from "codex-app-server-sdk";
import { configFor, reply, startLoopbackModel } from "codex-app-server-sdk/testing";

await using model = await startLoopbackModel();
await using codex = new Codex(await configFor(model));
const thread = await codex.startThread();

// One stream for all turns: each event has the id of its own turn. Events of the goal come between
// them.
model.enqueue(reply.text("The tests are red."), reply.text("One is left."));
model.enqueue(reply.updateGoal("complete"), reply.text("All of them are green."));
const goal = thread.runGoal("Make the tests pass.", { tokenBudget: 10_000 });
let statusNow = "";
for await (const event of goal) {
  if (event.method === "thread/goal/updated") statusNow = event.params.goal.status;
  if (event.method === "item/completed" && event.params.item.type === "agentMessage") {
    console.log(`(${statusNow}) turn ${goal.state.turns.length + 1}: ${event.params.item.text}`);
  }
}
const result = await goal.run();
console.log(`completed: ${result.turns.length} turns, "${result.finalResponse ?? ""}"`);

// Steer: the running turn takes the input in; between two turns, the next one does.
const gate = reply.hold();
model.enqueue(reply.text(["Writing it in ", gate, "Latin."]));
model.enqueue(
  reply.text("In English, then."),
  reply.updateGoal("complete"),
  reply.text("Written."),
);
const steered = thread.runGoal("Write the manual.");
await gate.reached;
await steered.steer("In English, please.");
gate.release(); // for servers that let what is being said end; others have cut it
const { status, items } = await steered.run();
const input = items.find((item) => item.type === "userMessage");
console.log(`steered: ${status}`);

// Interrupt, an abort signal, a time limit, leaving the loop: the goal stops for good. It is paused
// in the server, and no turn slips through.
const endless = thread.runGoal("Count to infinity.");
let turns = 0;
for await (const { method } of endless) {
  if (method === "turn/completed" && ++turns === 3) await endless.interrupt();
}
const stopped = await endless.run();
console.log(`stopped: ${stopped.status}, ${(await thread.goal.get())?.status ?? "no goal"}`);

// A turn that fails ends the goal. The error has the result so far.
model.enqueue(reply.text("Half of it."), reply.failed("server_error", "the model is tired"));
const error: unknown = await thread
  .runGoal("Do the other half.")
  .run()
  .catch((reason: unknown) => reason);
assert.ok(error instanceof GoalFailedError);
console.log(`failed: ${error.reason}, after "${error.result.finalResponse ?? ""}"`);

assert.deepEqual([result.status, result.turns.length], ["complete", 3]);
assert.equal(result.finalResponse, "All of them are green.");
assert.deepEqual([status, input?.type], ["complete", "userMessage"]);
assert.deepEqual([stopped.status, stopped.goal?.status], ["interrupted", "paused"]);
assert.deepEqual([error.result.status, error.result.finalResponse], ["blocked", "Half of it."]);
