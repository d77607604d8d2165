/**
 * A real turn of the real app-server, streamed: text as it is written, a command that really runs,
 * and what it cost. With a login, or an API key in OPENAI_API_KEY, your own model answers;
 * otherwise a scripted model on the loopback.
 */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { Codex } from "codex-app-server-sdk";
import { chooseModel } from "./support/choose-model.js";

const workspace = await mkdtemp(path.join(tmpdir(), "quickstart-"));
const model = await chooseModel();
const codex = new Codex(model.options);

try {
  const { serverInfo } = await codex.ready();
  console.log(
    `codex app-server ${serverInfo.version ?? "(version unknown)"}, ${model.description}`,
  );
  await model.logIn(codex);

  const thread = await codex.startThread({ cwd: workspace, sandbox: model.sandbox });
  const turn = thread.turn("Run `echo hello from a real command` and tell me what it printed.", {
    timeoutMs: 120_000,
  });

  for await (const event of turn) {
    if (event.method === "item/agentMessage/delta") process.stdout.write(event.params.delta);
    if (event.method !== "item/completed") continue;
    const { item } = event.params;
    if (item.type === "agentMessage") process.stdout.write("\n");
    if (item.type === "commandExecution") {
      console.log(`$ ${item.command}\n${item.aggregatedOutput?.trimEnd() ?? ""}`);
    }
  }

  const { status, usage, durationMs, finalResponse, items } = await turn.run();
  console.log(
    `\n${status} in ${durationMs ?? 0} ms: ${usage?.turn.inputTokens ?? 0} tokens in, ` +
      `${usage?.turn.outputTokens ?? 0} out`,
  );

  assert.equal(status, "completed");
  assert.ok(finalResponse);
  const command = items.find((item) => item.type === "commandExecution");
  assert.match(command?.aggregatedOutput ?? "", /hello from a real command/);
} finally {
  await codex.close();
  await model.close();
  await rm(workspace, { recursive: true, force: true });
}
