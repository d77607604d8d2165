import { expect, test } from "@jest/globals";
import { readdir } from "node:fs/promises";

import { Codex, TurnFailedError } from "../../lib/index.js";
import { configFor, reply, startLoopbackModel } from "../../lib/testing/index.js";
import { makeTempDir } from "../support/temp-dir.js";

// The examples of docs/testing.md, as a user would write them.

test("an app's turn takes scripted replies and really runs their commands", async () => {
  await using model = await startLoopbackModel();
  await using codex = new Codex(await configFor(model));
  model.enqueue(reply.shell("printf 'a.txt\\nb.txt\\n'"), reply.text("There are two files."));

  const thread = await codex.startThread();
  const result = await thread.run("What is here?");

  expect(result.finalResponse).toBe("There are two files.");
  expect(model.requests[1]?.toolOutputs[0]?.output).toContain("a.txt\nb.txt");
});

test("a gate holds a turn until the test has interrupted it", async () => {
  await using model = await startLoopbackModel();
  await using codex = new Codex(await configFor(model));
  const gate = reply.hold();
  model.enqueue(reply.text(["Half of ", gate, "a sentence."]));

  const turn = (await codex.startThread()).turn("Talk");
  await gate.reached;
  await turn.interrupt();
  expect(await turn.run()).toMatchObject({ status: "interrupted" });
});

test("each failure fails its turn, and the thread stays usable", async () => {
  await using model = await startLoopbackModel();
  await using codex = new Codex(await configFor(model));
  model.enqueue(
    [reply.unfinishedText("Half of"), reply.drop()],
    reply.usageLimit(),
    reply.http(500),
    reply.text("At last."),
  );

  const thread = await codex.startThread();
  for (const reason of ["other", "usageLimitExceeded", "internalServerError"]) {
    const run = thread.run("Hi");
    await expect(run).rejects.toBeInstanceOf(TurnFailedError);
    await expect(run).rejects.toMatchObject({ reason });
  }
  await expect(thread.run("Hi")).resolves.toMatchObject({ finalResponse: "At last." });
});

test("a command that nobody approves does not run", async () => {
  await using model = await startLoopbackModel();
  await using codex = new Codex(await configFor(model));
  await using directory = await makeTempDir();
  model.enqueue(reply.shell("touch marker.txt"), reply.text("I was not allowed."));

  const settings = { approvalPolicy: "untrusted", cwd: directory.path } as const;
  const thread = await codex.startThread(settings);
  const result = await thread.run("Make a marker");

  expect(result.finalResponse).toBe("I was not allowed.");
  expect(await readdir(directory.path)).toEqual([]);
});

test("parallel threads get the replies that are reserved for them", async () => {
  await using model = await startLoopbackModel();
  await using codex = new Codex(await configFor(model));
  const [a, b] = await Promise.all([codex.startThread(), codex.startThread()]);
  model.enqueueFor(a.id, reply.text("For a"));
  model.enqueueFor(b.id, reply.text("For b"));
  const results = await Promise.all([a.run("Hi"), b.run("Hi")]);
  expect(results.map(({ finalResponse }) => finalResponse)).toEqual(["For a", "For b"]);
});
