/**
 * A review: the model looks at a change, with nothing but that in mind, and its verdict is the turn's
 * final response. It is a turn like any other: stream it, wait for it, interrupt it.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { Codex } from "codex-app-server-sdk";
import { configFor, reply, startLoopbackModel } from "codex-app-server-sdk/testing";

await using model = await startLoopbackModel();
await using codex = new Codex(await configFor(model));

// A repository with a change that nobody has committed.
const cwd = await mkdtemp(path.join(tmpdir(), "review-"));
const git = (...args: string[]) => execFileSync("git", args, { cwd, stdio: "ignore" });
git("init");
await writeFile(path.join(cwd, "sum.js"), "export const sum = (a, b) => a - b;\n");

try {
  const thread = await codex.startThread({ cwd });

  // The scripted model: the reviewer answers with its findings, as the server wants them.
  const title = "Subtracts instead of adding";
  const findings = [
    {
      title,
      body: "`sum` returns the difference.",
      confidence_score: 0.9,
      priority: 1,
      code_location: {
        absolute_file_path: path.join(cwd, "sum.js"),
        line_range: { start: 1, end: 1 },
      },
    },
  ];
  const verdict = { findings, overall_correctness: "patch is incorrect" };
  const report = { ...verdict, overall_explanation: "One bug.", overall_confidence_score: 0.9 };
  model.enqueue(reply.text(JSON.stringify(report)));

  // Other targets: `baseBranch`, `commit`, and `custom` with instructions of your own.
  const review = thread.review({ type: "uncommittedChanges" });
  for await (const event of review) {
    if (event.method !== "item/completed") continue;
    const { type } = event.params.item;
    if (type === "enteredReviewMode" || type === "exitedReviewMode") console.log(type);
  }
  const { status, finalResponse } = await review.run();
  console.log(`${status}:\n${finalResponse ?? ""}`);

  // The thread goes on, and knows the verdict.
  model.enqueue(reply.text("Done: it adds now."));
  const fixed = await thread.run("Fix what the review found.");
  const request = model.requests.at(-1);

  assert.equal(status, "completed");
  assert.ok(finalResponse?.includes(title));
  assert.equal(fixed.finalResponse, "Done: it adds now.");
  assert.ok(JSON.stringify(request?.input).includes(title));
} finally {
  await rm(cwd, { recursive: true, force: true });
}
