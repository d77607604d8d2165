/**
 * Follow a turn while it runs. Iterating it gives the server's notifications in order, typed by
 * their method; `run()` afterwards gives the collected result.
 */
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { Codex, type protocol } from "codex-app-server-sdk";
import { configFor, reply, startLoopbackModel } from "codex-app-server-sdk/testing";

const workspace = await mkdtemp(path.join(tmpdir(), "stream-events-"));
const model = await startLoopbackModel();
const codex = new Codex(await configFor(model));
model.enqueue(
  [reply.reasoning("A list would help."), reply.shell("echo looking around")],
  reply.addFile("list.md", "- milk\n"),
  reply.text("I have written list.md."),
);

try {
  const thread = await codex.startThread({ cwd: workspace });
  const turn = thread.turn("Make a shopping list.", { summary: "detailed" });

  const seen = new Set<string>();
  for await (const event of turn) {
    seen.add(event.method);
    switch (event.method) {
      case "item/reasoning/summaryTextDelta":
        console.log(`(thinks) ${event.params.delta}`);
        break;
      case "item/agentMessage/delta":
        process.stdout.write(event.params.delta);
        break;
      case "item/completed":
        report(event.params.item);
        break;
      case "thread/tokenUsage/updated":
        console.log(`(${event.params.tokenUsage.total.totalTokens} tokens so far)`);
        break;
      // No default: the loop ignores other events, those of newer servers included.
    }
  }

  // The state is there at any time, also in the middle: text so far, open items, plan, diff.
  console.log(turn.state.diff);
  const { status, finalResponse } = await turn.run();
  console.log(`turn ${status}`);

  assert.equal(finalResponse, "I have written list.md.");
  assert.equal(await readFile(path.join(workspace, "list.md"), "utf8"), "- milk\n");
  assert.ok(seen.has("item/reasoning/summaryTextDelta"));
  assert.match(turn.state.diff ?? "", /^\+- milk$/m);
  assert.ok(seen.has("item/agentMessage/delta"));
} finally {
  await codex.close();
  await model.close();
  await rm(workspace, { recursive: true, force: true });
}

function report(item: protocol.ThreadItem): void {
  if (item.type === "agentMessage") process.stdout.write("\n");
  if (item.type === "commandExecution")
    console.log(`$ ${item.command}\n${item.aggregatedOutput ?? ""}`);
  if (item.type === "fileChange") console.log(`changed ${item.changes.length} file(s)`);
}
