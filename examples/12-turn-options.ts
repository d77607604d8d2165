/**
 * What a turn can be told. Settings go to the server and stay with the thread: model, effort, cwd,
 * sandbox, and so on; only `outputSchema` is for its turn alone. Controls are for this library:
 * timeoutMs, signal, whenBusy, onBreak.
 */
import assert from "node:assert/strict";
import { Codex, ThreadBusyError, TurnTimeoutError } from "codex-app-server-sdk";
import { configFor, reply, startLoopbackModel } from "codex-app-server-sdk/testing";

await using model = await startLoopbackModel();
await using codex = new Codex(await configFor(model));
const thread = await codex.startThread();

// Settings. The answer to an outputSchema is parsed and checked; with a schema of Zod it is typed, too.
model.enqueue(reply.shell("pwd"), reply.text('{"files": 3}'));
const counted = await thread.run("How many files are here?", {
  model: "other-model",
  effort: "high",
  cwd: import.meta.dirname,
  sandbox: "danger-full-access", // or "read-only", "workspace-write"
  outputSchema: {
    type: "object",
    properties: { files: { type: "integer" } },
    required: ["files"],
    additionalProperties: false,
  },
});
const answer = counted.output;
console.log("in JSON:", answer);

// A time limit: the turn is interrupted, and the error has what it did so far.
model.enqueueFor(({ lastUserText }) => lastUserText === "Think for ever.", reply.hang());
try {
  await thread.run("Think for ever.", { timeoutMs: 300 });
  assert.fail("it never ends");
} catch (error) {
  if (!(error instanceof TurnTimeoutError)) throw error;
  console.log(`stopped after ${error.timeoutMs} ms`);
}

// A signal covers the whole turn; whoever waits is rejected with its reason, as it is.
const visit = new AbortController();
const gate = reply.hold();
model.enqueue(reply.text(["Half ", gate, "an answer"]));
const watched = thread.turn("Talk to me.", { signal: visit.signal });
await gate.reached;

// One turn at a time runs on a thread. The default is to wait; here we would rather not.
await assert.rejects(thread.run("Me too!", { whenBusy: "reject" }), ThreadBusyError);
const queued = thread.turn("I can wait.");

const left = new Error("the visitor left");
visit.abort(left);
await assert.rejects(watched.run(), left);

const { status } = await queued.run();
console.log(`${left.message}; who waited has a turn that ${status}`);

const [first] = model.requests;
const last = model.requests.at(-1);
assert.deepEqual(answer, { files: 3 });
assert.equal(first?.outputSchema?.["type"], "object");
assert.equal(last?.outputSchema, undefined);
assert.deepEqual([first.model, last?.model], ["other-model", "other-model"]); // it stays
assert.match(JSON.stringify(first.body["reasoning"]), /"high"/);
assert.match(last?.toolOutputs[0]?.output ?? "", /examples/);
