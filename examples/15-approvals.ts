/**
 * Decide what the agent may do. Under the policy "untrusted" it asks before every command and every
 * change of files; without a handler, the answer is no.
 */
import assert from "node:assert/strict";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { Codex, approve, defer, type ApprovalRequest } from "codex-app-server-sdk";
import { configFor, reply, startLoopbackModel } from "codex-app-server-sdk/testing";

const workspace = await mkdtemp(path.join(tmpdir(), "approvals-"));
const model = await startLoopbackModel();
const codex = new Codex(await configFor(model));
const ask = { cwd: workspace, approvalPolicy: "untrusted" } as const;
const put = (name: string) => reply.addFile(name, "hello\n");

try {
  // Nobody decides: nothing happens, and the model is told so.
  const careful = await codex.startThread(ask);
  model.enqueue(put("unasked.txt"), reply.text("I was not allowed to."));
  console.log(`default: ${(await careful.run("Write a file.")).finalResponse ?? ""}`);

  // A function decides, for one turn here; with startThread or new Codex it is for all of them.
  model.enqueue(put("secret.env"), put("notes.txt"), reply.text("I have written one of two."));
  await careful.run("Write two files.", { onApproval: decide });

  // A person decides, later and elsewhere. The turn's events tell what is asked, and the key answers.
  model.enqueue(put("approved.txt"), reply.text("Thank you."));
  const turn = careful.turn("Write one more.", { onApproval: () => defer() });
  for await (const event of turn) {
    if (event.method !== "item/fileChange/requestApproval") continue;
    const [waiting] = codex.pendingRequests(); // what a web page would show, with its diff
    assert.equal(waiting?.key, event.key);
    assert.ok(waiting.request?.type === "fileChange");
    console.log(`waiting: ${waiting.request.changes?.[0]?.diff ?? ""}`.trimEnd());
    codex.respond(event.key, "accept"); // what a click on "Allow" would do
  }
  const { status } = await turn.run();
  console.log(`deferred: ${status}`);

  assert.deepEqual(await readdir(workspace), ["approved.txt", "notes.txt"]);
  assert.equal(status, "completed");
  assert.deepEqual(codex.pendingRequests(), []);
} finally {
  await codex.close();
  await model.close();
  await rm(workspace, { recursive: true, force: true });
}

function decide(request: ApprovalRequest) {
  switch (request.type) {
    case "command":
      // Whatever begins with these words need not be asked about again.
      return request.command === "git status" ? approve.execPolicy(["git", "status"]) : "decline";
    case "fileChange": {
      const files = request.changes?.map((change) => path.basename(change.path)) ?? [];
      console.log(`asked to change ${files.join(", ")}`);
      return files.length > 0 && files.every((file) => file.endsWith(".txt"))
        ? "accept"
        : "decline";
    }
    case "permissions":
      return approve.permissions({ network: request.permissions.network }, { scope: "turn" });
  }
}
