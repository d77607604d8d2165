/**
 * Wait for a turn. `run()` resolves with everything that the turn produced, and the next turn on the
 * same thread goes on with the conversation.
 *
 * Like all examples from here on, it talks to a scripted model on the loopback: no login, no cost.
 * With your own login, `new Codex()` is all it takes.
 */
import assert from "node:assert/strict";
import { Codex } from "codex-app-server-sdk";
import { configFor, reply, startLoopbackModel } from "codex-app-server-sdk/testing";

await using model = await startLoopbackModel();
await using codex = new Codex(await configFor(model));
model.enqueue(
  [reply.commentary("Let me count."), reply.shell("printf 'one\\ntwo\\n' | wc -l")],
  reply.text("Two lines."),
  reply.text("The second one says: two."),
);

const thread = await codex.startThread();
const first = await thread.run("How many lines does it print?");

console.log(
  `${first.status} after ${first.durationMs ?? 0} ms: ${first.finalResponse ?? "no answer"}`,
);
for (const item of first.items) {
  switch (item.type) {
    case "userMessage":
      console.log("- you asked");
      break;
    case "agentMessage":
      console.log(`- it said (${item.phase ?? "no phase"}): ${item.text}`);
      break;
    case "commandExecution":
      console.log(`- it ran ${item.command}, which ended with code ${item.exitCode ?? "?"}`);
      break;
    default:
      console.log(`- ${item.type}`); // newer servers know more types
  }
}

const second = await thread.run("And what does the last line say?");
console.log(`${second.status}: ${second.finalResponse ?? "no answer"}`);
// The tokens of this turn, and of the whole thread so far.
console.log(
  `${second.usage?.turn.totalTokens ?? 0} tokens, ${second.usage?.total.totalTokens ?? 0} in all`,
);

assert.equal(first.finalResponse, "Two lines."); // commentary is not the answer
assert.deepEqual(
  first.items.map((item) => item.type),
  ["userMessage", "agentMessage", "commandExecution", "agentMessage"],
);
assert.equal(second.usage?.turn.totalTokens, 15);
assert.equal(second.usage.total.totalTokens, 45);
assert.match(JSON.stringify(model.requests.at(-1)?.input), /How many lines.*Two lines\./);
