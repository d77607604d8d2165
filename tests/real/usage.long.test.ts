import { afterEach, beforeEach, expect, test } from "@jest/globals";
import type {
  Codex,
  Thread,
  Tokens,
  TurnResult,
  TurnUsageRecord,
  UsageOfModel,
} from "../../lib/index.js";
import { reply, type LoopbackModel, type ReplyPart } from "../../lib/testing/index.js";
import { next, RealStage, untilSubagentEnded } from "../support/real.js";
import { newestOf, UsageReader } from "../support/usage-reader.js";

let stage: RealStage;
let model: LoopbackModel;
let codex: Codex;
/** All that the model has told of tokens, in complete responses. */
let told = 0;

beforeEach(async () => {
  stage = await RealStage.open();
  model = stage.model;
  codex = stage.codex();
  told = 0;
});
afterEach(() => stage.close());

/** Counts that differ from response to response, so that none can be taken for another. */
function used(output: number): ReplyPart {
  told += 11 * output;
  return reply.usage({
    inputTokens: 10 * output,
    cachedInputTokens: 4 * output,
    outputTokens: output,
    reasoningOutputTokens: output,
  });
}

function tokens(output: number): Tokens {
  return {
    input: 10 * output,
    cachedInput: 4 * output,
    cacheWriteInput: 0,
    output,
    reasoningOutput: output,
    total: 11 * output,
  };
}

function sum(records: readonly TurnUsageRecord[]): number {
  return records.reduce((total, record) => total + (record.tokens?.total ?? 0), 0);
}

function ofMockModel(output: number): UsageOfModel {
  return { model: "mock-model", modelProvider: "mock", serviceTier: null, tokens: tokens(output) };
}

test("a turn of two responses has one record, and its result says the same", async () => {
  const reader = new UsageReader(codex);
  const thread = await codex.startThread();
  model.enqueue([reply.shell("echo hi"), used(1)], [reply.text("Done."), used(2)]);
  const result = await thread.run("Go");
  expect(result.usage?.turn.totalTokens).toBe(33);
  expect(result.usageWithSubagents).toEqual({
    tokens: tokens(3),
    byModel: [ofMockModel(3)],
    isLowerBound: false,
  });
  const [record] = await reader.next(1);
  expect(record).toEqual({
    threadId: thread.id,
    turnId: result.id,
    revision: 0,
    rootTurnId: result.id,
    parentTurnId: null,
    model: "mock-model",
    modelProvider: "mock",
    serviceTier: null,
    tokens: tokens(3),
    byModel: [ofMockModel(3)],
    startedAt: result.startedAt,
    endedAt: result.completedAt,
    status: "completed",
    isLate: false,
    isLowerBound: false,
  });
});

test("turns that fail or are interrupted do not count the turn before again", async () => {
  const reader = new UsageReader(codex);
  const thread = await codex.startThread();
  model.enqueue([reply.text("Done."), used(7)]);
  await thread.run("One");
  model.enqueue(reply.failed("invalid_prompt"));
  const failed = await thread.run("Two", { throwOnFailure: false });
  expect(failed).toMatchObject({ status: "failed", usage: { turn: { totalTokens: 0 } } });
  // Whether the server repeats its update is a question of time: it ends by force what does not stop soon.
  const interrupted = await interruptedAtOnce(thread);
  expect(interrupted.usage?.turn.totalTokens ?? 0).toBe(0);
  model.enqueue([reply.shell("echo hi"), used(3)], reply.failed("invalid_prompt"));
  await thread.run("Four", { throwOnFailure: false });
  // The model says nothing, and yet has used something.
  model.enqueue([used(5)]);
  await thread.run("Five");
  const records = await reader.next(5);
  expect(records.map(({ status, tokens: each }) => [status, each?.total ?? 0])).toEqual([
    ["completed", 77],
    ["failed", 0],
    ["interrupted", 0],
    ["failed", 33],
    ["completed", 55],
  ]);
  expect(sum(records)).toBe(told);
  expect(records.map(({ isLowerBound }) => isLowerBound)).toEqual([false, true, true, true, false]);
});

async function interruptedAtOnce(thread: Thread): Promise<TurnResult> {
  const gate = reply.hold();
  model.enqueue(reply.text(["Half", gate, " of it."]));
  const turn = thread.turn("Three");
  for await (const event of turn) if (event.method === "item/agentMessage/delta") break;
  gate.release();
  return await turn.run();
}

test("compactions and copies count what they use, and reviews tell nothing", async () => {
  const reader = new UsageReader(codex);
  const thread = await codex.startThread();
  model.enqueue([reply.text("Done."), used(7)]);
  await thread.run("One");
  model.enqueue([reply.text("A summary."), used(2)]);
  await thread.compact().run();
  const copy = await thread.fork();
  // What the copy repeats at first is what this thread has used.
  model.enqueue(reply.failed("invalid_prompt"));
  await copy.run("Two", { throwOnFailure: false });
  model.enqueue([reply.text("A summary."), used(3)]);
  await copy.compact().run();
  const known = told;
  model.enqueue([reply.text("Fine."), used(50)]);
  await thread.review({ type: "custom", instructions: "Look at it." }).run();
  const records = await reader.next(5);
  expect(records.map((record) => record.tokens?.total)).toEqual([77, 22, 0, 33, undefined]);
  expect(records.at(-1)).toMatchObject({ tokens: null, byModel: [] });
  expect(sum(records)).toBe(known);
});

test("a thread that another client goes on with counts from where it stood", async () => {
  const reader = new UsageReader(codex);
  const { id } = await started(4);
  await codex.close();
  expect(sum(await reader.rest())).toBe(44);
  const second = stage.codex();
  const later = new UsageReader(second);
  const thread = await second.resumeThread(id);
  model.enqueue([reply.text("Done."), used(5)]);
  expect(await thread.run("Two")).toMatchObject({ usage: { turn: { totalTokens: 55 } } });
  // Loaded once more, it repeats its newest update.
  const again = await second.resumeThread(id, { model: "mock-model" });
  model.enqueue(reply.failed("invalid_prompt"));
  await again.run("Three", { throwOnFailure: false });
  model.enqueue([reply.text("A summary."), used(6)]);
  await again.compact().run();
  await second.close();
  const records = await later.rest();
  expect(records.map((record) => record.tokens?.total)).toEqual([55, 0, 66]);
  expect(44 + sum(records)).toBe(told);
});

async function started(output: number): Promise<Thread> {
  const thread = await codex.startThread();
  model.enqueue([reply.text("Done."), used(output)]);
  await thread.run("One");
  return thread;
}

test("a server that dies in mid-turn, and the one after it, count each token once", async () => {
  const reader = new UsageReader(codex);
  const thread = await started(4);
  const gate = reply.hold();
  model.enqueue([reply.shell("echo hi"), used(3)], reply.text(["Half", gate, " of it."]));
  const isTold = next(await codex.client(), "thread/tokenUsage/updated");
  const turn = thread.turn("Two");
  const gone = expect(turn.run()).rejects.toMatchObject({ code: "TRANSPORT_CLOSED" });
  await Promise.all([gate.reached, isTold]);
  const [pid = 0] = await stage.processes();
  process.kill(pid, "SIGKILL");
  gate.release();
  await gone;
  model.enqueue([reply.text("Done."), used(5)]);
  await thread.run("Three");
  await codex.close();
  const records = await reader.rest();
  expect(records.map(({ status, tokens: each }) => [status, each?.total])).toEqual([
    ["completed", 44],
    ["unknown", 33],
    ["completed", 55],
  ]);
  expect(records[1]).toMatchObject({ isLowerBound: true });
  expect(sum(records)).toBe(told);
});

test("a change of the model in mid-turn, and for good, counts for the model that answered", async () => {
  const reader = new UsageReader(codex);
  const thread = await codex.startThread();
  model.enqueue(
    [reply.shell("echo hi"), used(1)],
    [reply.headers({ "openai-model": "other-model" }), reply.text("Done."), used(2)],
  );
  const { usageWithSubagents } = await thread.run("One");
  expect(usageWithSubagents?.byModel).toEqual([
    ofMockModel(1),
    { ...ofMockModel(2), model: "other-model" },
  ]);
  model.enqueue([reply.text("Done."), used(3)]);
  await thread.run("Two", { model: "mock-two" });
  const records = await reader.next(2);
  expect(records.map((record) => record.model)).toEqual(["other-model", "mock-two"]);
  expect(records[1]?.byModel).toEqual([{ ...ofMockModel(3), model: "mock-two" }]);
});

test("without experimental methods, the model of a turn is known, too", async () => {
  const plain = stage.codex({ experimentalApi: false });
  const reader = new UsageReader(plain);
  const thread = await plain.startThread();
  model.enqueue([reply.text("Done."), used(3)]);
  await thread.run("One", { model: "mock-two" });
  expect(await reader.next(1)).toMatchObject([{ model: "mock-two", tokens: tokens(3) }]);
});

test("a goal counts all its turns", async () => {
  const reader = new UsageReader(codex);
  const thread = await codex.startThread();
  model.enqueueFor(
    thread.id,
    [reply.text("One step."), used(1)],
    [reply.updateGoal("complete"), used(2)],
    [reply.text("Reached."), used(3)],
  );
  const result = await thread.runGoal("Get there").run();
  expect(result).toMatchObject({ status: "complete", usage: { totalTokens: 66 } });
  expect(result.usageWithSubagents).toMatchObject({ tokens: tokens(6), isLowerBound: false });
  expect(sum(await reader.next(2))).toBe(told);
});

test("sub-agents have records of their own, and count in the result of the turn", async () => {
  const own = stage.codex();
  const reader = new UsageReader(own);
  const thread = await own.startThread();
  const gate = untilSubagentEnded(await own.client(), thread);
  model.respond((request) => {
    if (request.parentThreadId === thread.id) return [reply.text("The child's."), used(5)];
    const [answer, notice] = request.input.slice(-2);
    const isTold = JSON.stringify(notice).includes("subagent_notification");
    if (isTold && answer?.["role"] === "assistant") return [used(7)];
    const [spawned, waited] = request.toolOutputs.filter(({ callId }) => callId !== "");
    if (!spawned) return [reply.spawnAgent("Look into it."), used(1)];
    const { agent_id: agentId } = JSON.parse(spawned.output) as { agent_id: string };
    return waited
      ? [gate, reply.text("The parent's."), used(2)]
      : [reply.waitAgent([agentId]), used(3)];
  });
  const turn = thread.turn("Ask somebody");
  const result = await turn.run();
  const [child] = turn.subagents();
  expect(result.usageWithSubagents?.tokens.total).toBe(told);
  expect(result.usage?.turn.totalTokens).toBe(told - 55);
  await own.close();
  const records = newestOf(await reader.rest());
  expect(records).toHaveLength(2);
  expect(sum(records)).toBe(told);
  expect(records.find(({ threadId }) => threadId === child?.threadId)).toMatchObject({
    rootTurnId: result.id,
    parentTurnId: result.id,
    model: "mock-model",
    tokens: tokens(5),
    isLate: false,
  });
});

test("a sub-agent that outlives its turn has a late record, and the result of the turn grows", async () => {
  const reader = new UsageReader(codex);
  const thread = await codex.startThread();
  const gate = reply.hold();
  model.respond((request) => {
    if (request.parentThreadId === thread.id)
      return [reply.text(["The child", gate, "'s."]), used(5)];
    const [spawned] = request.toolOutputs.filter(({ callId }) => callId !== "");
    return spawned ? [reply.text("Early."), used(2)] : [reply.spawnAgent("Look."), used(1)];
  });
  const turn = thread.turn("Ask somebody");
  expect(await turn.run()).toMatchObject({
    usageWithSubagents: { tokens: { total: 33 }, isLowerBound: true },
  });
  gate.release();
  const [root, late] = await reader.next(2);
  expect(root).toMatchObject({ turnId: turn.id, tokens: { total: 33 }, isLate: false });
  expect(late).toMatchObject({ rootTurnId: turn.id, tokens: { total: 55 }, isLate: true });
  expect(await turn.run()).toMatchObject({
    usageWithSubagents: { tokens: { total: 88 }, isLowerBound: false },
  });
});
