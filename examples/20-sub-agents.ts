/**
 * A turn may start sub-agents, which work on threads of their own. The turn's stream and result leave them
 * out: ask for their events, or look at their turns.
 */
import assert from "node:assert/strict";
import { Codex } from "codex-app-server-sdk";
import { configFor, reply, startLoopbackModel } from "codex-app-server-sdk/testing";

await using model = await startLoopbackModel();
await using codex = new Codex(await configFor(model));
const thread = await codex.startThread();

// The scripted model: the turn starts a helper, waits for it, and sums up.
model.respond((request) => {
  if (request.parentThreadId === thread.id) return reply.text("The bug is in line 7.");
  const [spawned, waited] = request.toolOutputs;
  if (!spawned) return reply.spawnAgent("Find the bug.");
  const { agent_id: id } = JSON.parse(spawned.output) as { agent_id: string };
  return waited ? reply.text("My helper found it: line 7.") : reply.waitAgent([id]);
});

// With `subagents`, each event tells where it comes from: depth 0 is the turn itself.
const turn = thread.turn("Find the bug, with help.");
const said = new Map<number, string>();
for await (const event of turn.stream({ subagents: true })) {
  if (event.method !== "item/agentMessage/delta") continue;
  const { depth } = event.origin;
  said.set(depth, (said.get(depth) ?? "") + event.params.delta);
}
const { status, finalResponse } = await turn.run();
console.log(`${status}: ${finalResponse ?? ""}`);

// The sub-agents, their tasks and their states. This works while the turn runs, too.
for (const { threadId, prompt, state, turns } of turn.subagents()) {
  console.log(`${threadId} was asked "${prompt ?? ""}": ${state?.status ?? "?"}`);
  for (const { items } of turns) console.log(items.map(({ type }) => type).join(", "));
}

// By default a stream has the turn's own events only.
const plain = thread.turn("Once more.");
const threads = new Set<string>();
for await (const { params } of plain) {
  if ("threadId" in params && params.threadId) threads.add(params.threadId);
}

assert.deepEqual([status, finalResponse], ["completed", "My helper found it: line 7."]);
assert.deepEqual(
  [said.get(0), said.get(1)],
  ["My helper found it: line 7.", "The bug is in line 7."],
);
assert.equal(turn.subagents().length, 1);
assert.deepEqual([...threads], [thread.id]);
