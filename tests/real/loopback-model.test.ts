import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";

import { reply, type LoopbackModel, type ModelRequest } from "../../lib/testing/index.js";
import { RawStage, type Params } from "../support/raw-stage.js";

// One server for all: each test has a thread of its own, and replies reserved for that thread.
let stage: RawStage;
let model: LoopbackModel;

beforeAll(async () => {
  stage = await RawStage.open();
  model = stage.model;
});
afterAll(() => stage.close());

function requestsOf(threadId: string): ModelRequest[] {
  return model.requests.filter((request) => request.threadId === threadId);
}

describe("text", () => {
  test("a streamed text arrives in its pieces and as a whole", async () => {
    const threadId = await stage.startThread();
    model.enqueueFor(threadId, [
      reply.commentary("I think."),
      reply.text(["Grüße, ", "wörld ", "🙂"]),
      reply.usage({ inputTokens: 11, cachedInputTokens: 4, outputTokens: 3 }),
    ]);
    const turnId = await stage.startTurn(threadId, "Hi");
    expect(await stage.completed(turnId)).toMatchObject({ status: "completed", error: null });

    expect(stage.itemsOf(turnId)).toMatchObject([
      { type: "userMessage" },
      { type: "agentMessage", text: "I think.", phase: "commentary" },
      { type: "agentMessage", text: "Grüße, wörld 🙂", phase: "final_answer" },
    ]);
    const answerId = stage.itemsOf(turnId).at(-1)?.id;
    const deltas = stage.client.messages.filter(({ params }) => params?.itemId === answerId);
    expect(deltas.map(({ params }) => params?.delta)).toEqual(["Grüße, ", "wörld ", "🙂"]);
    const { params } = await stage.seen("thread/tokenUsage/updated", (p) => p.turnId === turnId);
    expect(params?.tokenUsage).toMatchObject({
      last: { inputTokens: 11, cachedInputTokens: 4, outputTokens: 3, totalTokens: 14 },
    });
  });

  test("without a script the model answers with its default text", async () => {
    const turnId = await stage.startTurn(await stage.startThread(), "Hi");
    await stage.completed(turnId);
    expect(stage.itemsOf(turnId).at(-1)).toMatchObject({ text: "Hello from the loopback model." });
  });

  test("a text without deltas arrives whole", async () => {
    const threadId = await stage.startThread();
    model.enqueueFor(threadId, reply.text("All at once", { deltas: false, phase: null }));
    const turnId = await stage.startTurn(threadId, "Hi");
    await stage.completed(turnId);
    const message = stage.itemsOf(turnId).at(-1);
    expect(message).toMatchObject({ text: "All at once", phase: null });
    expect(stage.client.messages.some(({ params }) => params?.itemId === message?.id)).toBe(false);
  });

  test("reasoning arrives with its summary parts and its raw text", async () => {
    const threadId = await stage.startThread();
    model.enqueueFor(threadId, [
      reply.reasoning(["First.", "Second."], { raw: ["Raw."] }),
      reply.text("Done."),
    ]);
    const turnId = await stage.startTurn(threadId, "Think", { summary: "detailed" });
    await stage.completed(turnId);
    expect(stage.itemsOf(turnId)[1]).toMatchObject({
      type: "reasoning",
      summary: ["First.", "Second."],
      content: ["Raw."],
    });
    const ofTurn = (p: Params) => p.turnId === turnId;
    const second = await stage.seen(
      "item/reasoning/summaryTextDelta",
      (p) => ofTurn(p) && p.summaryIndex === 1,
    );
    expect(second.params?.delta).toBe("Second.");
    expect((await stage.seen("item/reasoning/textDelta", ofTurn)).params?.delta).toBe("Raw.");
  });

  test("rate limits and the model's name are taken from headers", async () => {
    const threadId = await stage.startThread();
    model.enqueueFor(threadId, [
      reply.headers({ "openai-model": "other-model", "x-codex-primary-used-percent": "42" }),
      reply.text("Hi."),
    ]);
    await stage.completed(await stage.startTurn(threadId, "Hi"));
    await stage.seen("model/rerouted", (p) => p.toModel === "other-model");
    await stage.seen("account/rateLimits/updated", (p) =>
      JSON.stringify(p).includes('"usedPercent":42'),
    );
  });
});

describe("what is asked", () => {
  test("a request shows who asks, for which turn, with what", async () => {
    const threadId = await stage.startThread();
    const turnId = await stage.startTurn(threadId, "Inspect me");
    const request = await model.nextRequest({ where: (r) => r.threadId === threadId });
    expect(request).toMatchObject({
      threadId,
      turnId,
      kind: "turn",
      subagent: undefined,
      parentThreadId: undefined,
      model: "mock-model",
      lastUserText: "Inspect me",
      outputSchema: undefined,
    });
    expect(request.tools.map(({ name }) => name)).toContain("exec_command");
    expect(request.headers.authorization).toBeUndefined();
    expect(request.body.stream).toBe(true);
    await stage.completed(turnId);
  });

  test("an output schema is visible", async () => {
    const threadId = await stage.startThread();
    const outputSchema = {
      type: "object",
      properties: { answer: { type: "number" } },
      required: ["answer"],
      additionalProperties: false,
    };
    model.enqueueFor(threadId, reply.text('{"answer":42}'));
    await stage.completed(await stage.startTurn(threadId, "Answer", { outputSchema }));
    expect(requestsOf(threadId)[0]?.outputSchema).toEqual(outputSchema);
  });

  test("a compaction is a request of its own kind", async () => {
    const threadId = await stage.startThread();
    await stage.completed(await stage.startTurn(threadId, "Talk"));
    model.enqueueFor((r) => r.threadId === threadId && r.kind === "compaction", reply.text("Sum."));
    const from = stage.client.messages.length;
    await stage.client.request("thread/compact/start", { threadId });
    await stage.client.waitFor(
      ({ method, params }) => method === "turn/completed" && params?.threadId === threadId,
      from,
    );
    expect(requestsOf(threadId).map(({ kind }) => kind)).toEqual(["turn", "compaction"]);
  });

  test("a review asks under a thread of its own", async () => {
    const threadId = await stage.startThread();
    const isReview = (r: ModelRequest) => r.subagent === "review" && r.parentThreadId === threadId;
    model.enqueueFor(isReview, reply.text("Nothing to complain about."));
    const target = { type: "custom", instructions: "Look" };
    const { turn } = await stage.client.request("review/start", { threadId, target });
    const turnId = (turn as { id: string }).id;
    await stage.completed(turnId);
    expect(stage.itemsOf(turnId).at(-1)).toMatchObject({ text: "Nothing to complain about." });
    expect(requestsOf(threadId)).toHaveLength(0);
  });

  test("two threads at once get the replies that are theirs", async () => {
    const [a, b] = [await stage.startThread(), await stage.startThread()];
    const gate = reply.hold();
    model.enqueueFor(a, reply.text(["a: ", gate, "late"]));
    model.enqueueFor(b, reply.text("b: early"));
    const turnA = await stage.startTurn(a, "To a");
    await gate.reached;
    const turnB = await stage.startTurn(b, "To b");
    await stage.completed(turnB);
    expect(stage.itemsOf(turnB).at(-1)).toMatchObject({ text: "b: early" });
    expect(stage.itemsOf(turnA).at(-1)).toMatchObject({ type: "userMessage" });
    gate.release();
    await stage.completed(turnA);
    expect(stage.itemsOf(turnA).at(-1)).toMatchObject({ text: "a: late" });
  });
});
