/**
 * Test your own code without a binary, a login or a model: a fake server plays the turn. Then record what
 * went over the wire, and answer from the recording: that is how a bug report becomes a test.
 */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { Codex, type CodexServerOptions } from "codex-app-server-sdk";
import { FakeAppServer, replayServer } from "codex-app-server-sdk/testing";

/** The code that is to be tested: it cleans up, and never lets anything else be deleted. */
async function cleanUp(options: CodexServerOptions): Promise<string | null> {
  await using codex = new Codex({
    ...options,
    onApproval: (approval) => {
      const isSafe = approval.type === "command" && approval.command === "rm -rf build";
      return isSafe ? "accept" : "decline";
    },
  });
  const thread = await codex.startThread();
  return (await thread.run("Clean up.")).finalResponse;
}

const server = new FakeAppServer();
const decisions: unknown[] = [];
server.onTurn(async (turn) => {
  for (const command of ["rm -rf build", "rm -rf /"]) {
    decisions.push(await turn.askApproval(command));
  }
  turn.reply("Cleaned up.");
});

const directory = await mkdtemp(path.join(tmpdir(), "fake-server-"));
const record = path.join(directory, "session.jsonl");
try {
  assert.equal(await cleanUp({ server, record }), "Cleaned up.");
  assert.deepEqual(decisions, ["accept", "decline"]);
  console.log(`The server was told: ${decisions.join(", ")}.`);

  const replay = await replayServer(record);
  assert.equal(await cleanUp({ server: replay }), "Cleaned up.");
  replay.assertDone();
  console.log("The recording answers as the server did: completed.");
} finally {
  await rm(directory, { recursive: true });
}
