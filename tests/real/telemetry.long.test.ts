import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { trace } from "@opentelemetry/api";
import type { ReadableSpan } from "@opentelemetry/sdk-trace-base";
import path from "node:path";
import type { Codex, Thread } from "../../lib/index.js";
import { reply, type LoopbackModel } from "../../lib/testing/index.js";
import { RealStage, rejection, untilSubagentEnded } from "../support/real.js";
import { idOf, parentOf, RecordedTelemetry } from "../support/recorded-telemetry.js";
import { tool } from "../support/tools.js";

let stage: RealStage;
let model: LoopbackModel;
let codex: Codex;

beforeAll(async () => {
  stage = await RealStage.open();
  model = stage.model;
  codex = stage.codex();
  await codex.ready();
});
afterAll(() => stage.close());

/** The spans of one thread, by name. */
function ofThread(telemetry: RecordedTelemetry, { id }: Thread, name: string): ReadableSpan[] {
  return telemetry.spans.filter(
    (span) => span.name === name && span.attributes["gen_ai.conversation.id"] === id,
  );
}

test("a command that a person approves is a span of the turn, with the approval on it", async () => {
  await using telemetry = new RecordedTelemetry();
  const active: unknown[] = [];
  const thread = await codex.startThread({
    approvalPolicy: "untrusted",
    onApproval: async () => {
      await Promise.resolve();
      active.push(trace.getActiveSpan()?.spanContext().spanId);
      return "accept" as const;
    },
  });
  const made = path.join(stage.project, "made-by-secret");
  model.enqueueFor(thread.id, reply.shell(`mkdir ${made}`), reply.text("A secret answer."));
  await telemetry.within("page", () => thread.run("A secret question"));
  const [agent] = ofThread(telemetry, thread, "invoke_agent codex");
  const [shell] = ofThread(telemetry, thread, "execute_tool shell");
  if (!agent || !shell) throw new Error("A span is missing.");
  expect(parentOf(agent)).toBe(idOf(telemetry.span("page")));
  expect(agent.attributes).toMatchObject({
    "gen_ai.request.model": expect.any(String),
    "gen_ai.usage.input_tokens": expect.any(Number),
    "codex.turn.status": "completed",
  });
  expect(parentOf(shell)).toBe(idOf(agent));
  expect(shell.attributes).toMatchObject({ "process.exit.code": 0, "gen_ai.tool.name": "shell" });
  expect(shell.events.map(({ name }) => name)).toEqual([
    "codex.approval.requested",
    "codex.approval.answered",
  ]);
  expect(shell.events[1]?.attributes).toMatchObject({ "codex.approval.decision": "accept" });
  expect(active).toEqual([idOf(shell)]);
  expect(await telemetry.everything()).not.toContain("secret");
});

test("a command that is declined, and its span, say so", async () => {
  await using telemetry = new RecordedTelemetry();
  const thread = await codex.startThread({ approvalPolicy: "untrusted", onApproval: "decline" });
  model.enqueueFor(thread.id, reply.shell("mkdir never"), reply.text("Well."));
  await thread.run("Make it");
  const [shell] = ofThread(telemetry, thread, "execute_tool shell");
  expect(shell?.attributes).toMatchObject({ "error.type": "declined" });
  expect(shell?.events[1]?.attributes).toMatchObject({ "codex.approval.decision": "decline" });
});

test("a tool of this process runs within its span, below the turn", async () => {
  await using telemetry = new RecordedTelemetry();
  const find = tool("find", () => telemetry.within("query", () => Promise.resolve("a secret")));
  const thread = await codex.startThread({ tools: [find] });
  model.enqueueFor(thread.id, reply.functionCall("find", { q: "secret" }), reply.text("Done."));
  await thread.run("Find it");
  const [agent] = ofThread(telemetry, thread, "invoke_agent codex");
  const [span] = ofThread(telemetry, thread, "execute_tool find");
  if (!agent || !span) throw new Error("A span is missing.");
  expect(parentOf(span)).toBe(idOf(agent));
  expect(parentOf(telemetry.span("query"))).toBe(idOf(span));
  expect(span.attributes).toMatchObject({ "gen_ai.tool.type": "function" });
  expect(span.attributes["error.type"]).toBeUndefined();
  expect(await telemetry.everything()).not.toContain("secret");
});

test("a sub-agent's turn is a span below the turn that has started it", async () => {
  await using telemetry = new RecordedTelemetry();
  const thread = await codex.startThread();
  const gate = untilSubagentEnded(await codex.client(), thread);
  model.respond((request) => {
    if (request.parentThreadId === thread.id) return reply.text("The child's answer.");
    const [spawned, waited] = request.toolOutputs.filter(({ callId }) => callId !== "");
    if (!spawned) return reply.spawnAgent("Look into it.");
    const { agent_id: agentId } = JSON.parse(spawned.output) as { agent_id: string };
    return waited ? [gate, reply.text("The parent's answer.")] : reply.waitAgent([agentId]);
  });
  const turn = thread.turn("Ask somebody");
  await turn.run();
  model.respond(undefined);
  const [subagent] = turn.subagents();
  const [agent] = ofThread(telemetry, thread, "invoke_agent codex");
  const child = telemetry.spans.find(
    ({ attributes }) => attributes["gen_ai.conversation.id"] === subagent?.threadId,
  );
  if (!agent || !child) throw new Error("A span is missing.");
  expect(child.name).toBe("invoke_agent codex");
  expect(child.attributes["gen_ai.request.model"]).toBe(agent.attributes["gen_ai.request.model"]);
  expect(parentOf(child)).toBe(idOf(agent));
  expect(child.attributes).toMatchObject({
    "codex.agent.depth": 1,
    "codex.turn.status": "completed",
    "gen_ai.usage.output_tokens": expect.any(Number),
  });
  // Each token counts once.
  const counted = await telemetry.points("gen_ai.client.inference.usage.output_tokens");
  const spans = telemetry.spans.map(({ attributes }) => attributes["gen_ai.usage.output_tokens"]);
  const sum = spans.reduce((total: number, count) => total + Number(count ?? 0), 0);
  expect(counted.reduce((total, point) => total + point.sum, 0)).toBe(sum);
});

test("the turns of a goal hang under the span in which it was set", async () => {
  await using telemetry = new RecordedTelemetry();
  const thread = await codex.startThread();
  model.enqueueFor(thread.id, reply.text("On my way."));
  model.enqueueFor(thread.id, reply.updateGoal("complete"), reply.text("Reached."));
  await telemetry.within("page", () => thread.runGoal("Reach the moon").run());
  const turns = ofThread(telemetry, thread, "invoke_agent codex");
  expect(turns.length).toBeGreaterThan(1);
  for (const turn of turns) {
    expect(parentOf(turn)).toBe(idOf(telemetry.span("page")));
    expect(turn.attributes).toMatchObject({ "codex.turn.status": "completed" });
  }
});

test("a turn that the model lets fail has the server's reason, and one that is interrupted is no error", async () => {
  await using telemetry = new RecordedTelemetry();
  const thread = await codex.startThread();
  model.enqueueFor(thread.id, reply.failed("context_length_exceeded"));
  await rejection(thread.run("Too much"));
  const other = await codex.startThread();
  model.enqueueFor(other.id, [reply.unfinishedText("A word"), reply.hang()]);
  const turn = other.turn("Go on");
  for await (const event of turn) if (event.method === "item/agentMessage/delta") break;
  await turn.run();
  const [failed] = ofThread(telemetry, thread, "invoke_agent codex");
  expect(failed?.attributes).toMatchObject({
    "codex.turn.status": "failed",
    "error.type": "contextWindowExceeded",
  });
  const [interrupted] = ofThread(telemetry, other, "invoke_agent codex");
  expect(interrupted?.attributes).toMatchObject({ "codex.turn.status": "interrupted" });
  expect(interrupted?.attributes["error.type"]).toBeUndefined();
});
