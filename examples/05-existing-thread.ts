/**
 * Go on with a conversation after a restart. Threads are stored in CODEX_HOME, so keep the id: any
 * later process with the same home can continue, read or change the thread.
 */
import assert from "node:assert/strict";
import { Codex } from "codex-app-server-sdk";
import { configFor, reply, startLoopbackModel } from "codex-app-server-sdk/testing";

await using model = await startLoopbackModel();
const options = await configFor(model); // used three times: the same home
model.enqueue(reply.text("I will remember 7."), reply.text("It was 7."), reply.text("Still 7."));

/** Monday: a process starts the conversation, and ends. */
async function monday(): Promise<string> {
  await using codex = new Codex(options);
  const thread = await codex.startThread();
  await thread.run("Remember the number 7.");
  return thread.id; // put it in your database
}

/** Tuesday: another process. The handle sends nothing; its first turn loads the thread. */
async function tuesday(id: string): Promise<void> {
  await using codex = new Codex(options);
  const { finalResponse } = await codex.thread(id).run("Which number was it?");
  console.log(finalResponse);
}

/**
 * Wednesday: the thread goes on with other settings. The server takes them while it loads the thread,
 * and ignores them for one that this process has loaded already: give those to the turn.
 */
async function wednesday(id: string): Promise<string[]> {
  await using codex = new Codex(options);
  const thread = await codex.resumeThread(id, { model: "other-model", sandbox: "read-only" });
  assert.equal(thread.opened?.sandbox.type, "readOnly");
  const { status, finalResponse } = await thread.run("Again, please.");
  console.log(finalResponse);

  const answers: string[] = [];
  for await (const { item } of thread.items({ sortDirection: "asc" })) {
    if (item.type === "agentMessage") answers.push(item.text);
  }
  console.log(`${answers.length} answers on record; the last turn: ${status}`);
  return answers;
}

const id = await monday();
await tuesday(id);
const answers = await wednesday(id);

assert.deepEqual(answers, ["I will remember 7.", "It was 7.", "Still 7."]);
assert.match(
  JSON.stringify(model.requests[1]?.input),
  /Remember the number 7\..*I will remember 7\./,
);
assert.equal(model.requests[2]?.model, "other-model");
