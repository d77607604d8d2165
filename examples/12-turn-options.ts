/**
 * All options of a turn: first a turn with every control, with handlers, and with the most useful
 * settings; then a busy thread, a time limit and a signal. Settings go to the server and stay with the
 * thread; outputSchema is for its turn alone. Controls and handlers are for this library.
 */
import assert from "node:assert/strict";
import { Codex, ThreadBusyError, TurnTimeoutError } from "codex-app-server-sdk";
import { configFor, reply, startLoopbackModel } from "codex-app-server-sdk/testing";
import * as z from "zod";

await using model = await startLoopbackModel();
await using codex = new Codex(await configFor(model));
const thread = await codex.startThread();

const options = ["No", "Yes"].map((label) => ({ label, description: label }));
const question = { id: "deep", header: "Depth", question: "Subfolders, too?", options };
model.enqueue(reply.requestUserInput([question]), reply.shell("pwd"), reply.text('{"files": 3}'));
const settings = {
  model: "other-model",
  reasoning_effort: "high",
  developer_instructions: "Terse!",
};
const visit = new AbortController();
const turn = thread.turn("How many files are here?", {
  // Settings
  model: "other-model",
  effort: "high",
  summary: "detailed", // of its reasoning
  serviceTier: "flex", // where the model has it
  cwd: import.meta.dirname,
  sandbox: "danger-full-access", // or "read-only", "workspace-write"
  approvalPolicy: "untrusted", // asks before it runs nearly anything
  approvalsReviewer: "user", // or "auto_review": a model decides
  collaborationMode: { mode: "plan", settings }, // its model and effort go before those above
  // The shape of the answer
  outputSchema: z.object({ files: z.int() }),
  // Controls
  signal: visit.signal,
  timeoutMs: 60_000, // for all of it
  idleTimeoutMs: 30_000, // for nothing being heard of it
  onBreak: "detach", // leaving the loop below lets it run on
  maxBacklogBytes: 1_000_000, // of events that nobody has read
  whenBusy: "queue", // wait for the turn before it
  // Handlers: typed ones (onUserInput, onElicitation and onCurrentTime, too), or any method as it is
  onApproval: ({ type }) => (type === "command" ? "accept" : "decline"),
  handlers: { "item/tool/requestUserInput": () => ({ answers: { deep: { answers: ["No"] } } }) },
});
for await (const { method } of turn) if (method === "turn/started") break;
const { output, status } = await turn.run();
console.log(`${status}: ${output?.files ?? "?"} files`);

// A busy thread: "reject" fails at once, "steer" adds to the running turn, whose result both share.
const gate = reply.hold();
model.enqueue(reply.text(["Half ", gate, "an answer"]));
const running = thread.turn("Talk to me.");
await gate.reached;
await assert.rejects(thread.run("Me too!", { whenBusy: "reject" }), ThreadBusyError);
const joined = thread.turn("In Latin.", { whenBusy: "steer" });
assert.deepEqual(await joined.started, await running.started);
gate.release();
await Promise.all([running.run(), joined.run()]);

// A time limit, or a signal: the turn is interrupted, and `run()` rejects.
model.enqueueFor(({ lastUserText }) => lastUserText === "Think for ever.", reply.hang());
await assert.rejects(thread.run("Think for ever.", { timeoutMs: 300 }), TurnTimeoutError);
const left = new Error("the visitor left");
visit.abort(left);
await assert.rejects(thread.run("Hi", { signal: visit.signal }), left);

const [first, , third] = model.requests;
const steered = model.requests.find(({ lastUserText }) => lastUserText === "In Latin.");
assert.deepEqual([output, third?.toolOutputs.length], [{ files: 3 }, 2]); // an answer, and a command
assert.match(third?.toolOutputs[0]?.output ?? "", /"No"/);
assert.match(third?.toolOutputs[1]?.output ?? "", /examples/);
assert.deepEqual(first?.body["reasoning"], { effort: "high", summary: "detailed" });
assert.match(JSON.stringify(first.input), /Terse!/);
assert.deepEqual([first.model, steered?.model], ["other-model", "other-model"]); // it stays
assert.deepEqual([first.outputSchema?.["type"], steered?.outputSchema], ["object", undefined]);
