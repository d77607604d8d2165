import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { CodexPool } from "../../lib/fleet/index.js";
import {
  Budget,
  BudgetExceededError,
  type Codex,
  type Prices,
  type ServerNotification,
} from "../../lib/index.js";
import { reply, type LoopbackModel, type ReplyPart } from "../../lib/testing/index.js";
import { rejection } from "../support/collect.js";
import { next, RealStage } from "../support/real.js";
import { newestOf, UsageReader } from "../support/usage-reader.js";

let stage: RealStage;
let model: LoopbackModel;
let codex: Codex;

beforeEach(async () => {
  stage = await RealStage.open();
  model = stage.model;
  codex = stage.codex();
  model.respond(({ input }) =>
    input.at(-1)?.["type"] === "function_call_output" ? reply.hang() : undefined,
  );
});
afterEach(() => stage.close());

const used = (tokens: number): ReplyPart =>
  reply.usage({ inputTokens: tokens - 10, outputTokens: 10, totalTokens: tokens });

/** A command whose response uses so many tokens; whatever follows a command stays open until it is interrupted. */
function worksOn(tokens: number): void {
  model.enqueue([reply.shell("echo hi"), used(tokens)]);
}

test("a turn is interrupted when its budget is used up, and run() throws what it has done", async () => {
  const thread = await codex.startThread();
  const budget = new Budget({ tokens: 100 });
  worksOn(120);
  const error = await rejection(thread.run("Go", { budget }));
  expect(error).toBeInstanceOf(BudgetExceededError);
  expect(error).toMatchObject({
    code: "BUDGET_EXCEEDED",
    scope: "turn",
    sent: true,
    stopConfirmed: true,
    budget,
    goalResult: null,
    result: {
      status: "interrupted",
      threadId: thread.id,
      usage: { turn: { totalTokens: 120 } },
      usageWithSubagents: { tokens: { total: 120 } },
    },
  });
  expect(budget.spent.tokens).toBe(120);
  expect(budget.remaining.tokens).toBe(0);
});

test("iterating such a turn throws behind its last event", async () => {
  const thread = await codex.startThread();
  worksOn(120);
  const methods: string[] = [];
  const iterate = async (): Promise<void> => {
    for await (const { method } of thread.turn("Go", { budget: { tokens: 100 } })) {
      methods.push(method);
    }
  };
  expect(await rejection(iterate())).toMatchObject({ code: "BUDGET_EXCEEDED" });
  expect(methods.at(-1)).toBe("turn/completed");
});

test("a turn that ends by itself has its result, though its last response used more than was left", async () => {
  const thread = await codex.startThread();
  const budget = new Budget({ tokens: 100 });
  model.enqueue([reply.text("Done."), used(150)]);
  expect(await thread.run("Go", { budget })).toMatchObject({ status: "completed" });
  const requests = model.requests.length;
  expect(await rejection(thread.run("More", { budget }))).toMatchObject({
    code: "BUDGET_EXCEEDED",
    scope: "turn",
    sent: false,
    result: null,
  });
  expect(model.requests).toHaveLength(requests);
  budget.topUp({ tokens: 100 });
  expect(budget.remaining.tokens).toBe(50);
  model.enqueue([reply.text("More."), used(30)]);
  expect(await thread.run("More", { budget })).toMatchObject({ finalResponse: "More." });
  expect(budget.remaining.tokens).toBe(20);
});

test("a thread's budget lasts for all its turns, whichever handle runs them", async () => {
  const budget = new Budget({ tokens: 100 });
  const thread = await codex.startThread({ budget });
  model.enqueue([reply.text("One."), used(60)]);
  await thread.run("One");
  const sent: string[] = [];
  const client = await codex.client();
  client.on("turn/started", ({ params }: ServerNotification<"turn/started">) => {
    sent.push(params.threadId);
  });
  worksOn(50);
  expect(await rejection(codex.thread(thread.id).run("Two"))).toMatchObject({
    scope: "thread",
    result: { status: "interrupted" },
  });
  expect(await rejection(thread.run("Three"))).toMatchObject({ scope: "thread", sent: false });
  expect(await rejection(thread.runGoal("Four").run())).toMatchObject({
    scope: "thread",
    sent: false,
  });
  expect(sent).toEqual([thread.id]);
  // Other threads go on.
  const other = await codex.startThread();
  model.enqueue([reply.text("Five."), used(500)]);
  expect(await other.run("Five")).toMatchObject({ finalResponse: "Five." });
  budget.topUp({ tokens: 1_000 });
  model.enqueue([reply.text("Six."), used(60)]);
  expect(await thread.run("Six")).toMatchObject({ finalResponse: "Six." });
});

test("a budget of money counts by the prices, and a model without one uses it up", async () => {
  const prices: Prices = { "mock-model": { input: 100, output: 1_000 } };
  const budget = new Budget({ cost: 0.03, prices });
  const thread = await codex.startThread({ budget });
  model.enqueue([reply.text("One."), used(110)]);
  await thread.run("One");
  expect(budget.spent).toEqual({ tokens: 110, cost: 0.02 });
  expect(budget.remaining).toEqual({ tokens: null, cost: 0.03 - 0.02 });
  model.enqueue([
    reply.headers({ "openai-model": "dear-model" }),
    reply.shell("echo hi"),
    used(11),
  ]);
  const error = await rejection(thread.run("Two"));
  expect(error).toMatchObject({
    code: "BUDGET_EXCEEDED",
    cause: { code: "PRICE_MISSING", model: "dear-model" },
  });
  expect(budget.remaining.cost).toBe(0);
  expect(budget.spent.cost).toBeNull();
});

test("sub-agents use their turn's budget, and are interrupted with it", async () => {
  const thread = await codex.startThread();
  const reader = new UsageReader(codex);
  model.respond((request) => {
    if (request.parentThreadId === thread.id) {
      return request.toolOutputs.length === 0 ? [reply.shell("echo hi"), used(80)] : reply.hang();
    }
    const [spawned] = request.toolOutputs.filter(({ callId }) => callId !== "");
    if (!spawned) return [reply.spawnAgent("Look into it."), used(30)];
    const { agent_id: agentId } = JSON.parse(spawned.output) as { agent_id: string };
    return [reply.waitAgent([agentId]), used(11)];
  });
  const isOther = ({ threadId }: { readonly threadId: string }) => threadId !== thread.id;
  const subagentEnded = next(await codex.client(), "turn/completed", isOther);
  const error = await rejection(thread.run("Ask somebody", { budget: { tokens: 100 } }));
  expect(error).toMatchObject({ scope: "turn", result: { status: "interrupted" } });
  await subagentEnded;
  await codex.close();
  const records = newestOf(await reader.rest());
  expect(records.map(({ status }) => status)).toEqual(["interrupted", "interrupted"]);
  expect(new Set(records.map(({ rootTurnId }) => rootTurnId)).size).toBe(1);
});

test("a sub-agent that outlives its turn is interrupted when the turn's budget is used up", async () => {
  const thread = await codex.startThread();
  const reader = new UsageReader(codex);
  const gate = reply.hold();
  model.respond((request) => {
    if (request.parentThreadId === thread.id) {
      return request.toolOutputs.length === 0
        ? [gate, reply.shell("echo hi"), used(80)]
        : reply.hang();
    }
    const [spawned] = request.toolOutputs.filter(({ callId }) => callId !== "");
    return spawned ? [reply.text("Early."), used(20)] : [reply.spawnAgent("Look."), used(30)];
  });
  await thread.run("Ask somebody", { budget: { tokens: 100 } });
  gate.release();
  const [root, child] = await reader.next(2);
  expect(root).toMatchObject({ status: "completed", tokens: { total: 50 } });
  expect(child).toMatchObject({ status: "interrupted", tokens: { total: 80 }, isLate: true });
});

test("a goal is stopped when its budget is used up, and paused in the server", async () => {
  const thread = await codex.startThread();
  model.enqueue([reply.text("One step."), used(60)], [reply.shell("echo hi"), used(50)]);
  const error = await rejection(thread.runGoal("Get there", { budget: { tokens: 100 } }).run());
  expect(error).toMatchObject({
    code: "BUDGET_EXCEEDED",
    scope: "turn",
    goalResult: { status: "interrupted", usage: { totalTokens: 110 } },
    result: { status: "interrupted", usage: { turn: { totalTokens: 50 } } },
  });
  expect((await thread.goal.get())?.status).toBe("paused");
});

test("a goal that uses its budget up between two turns begins no other that goes on", async () => {
  const thread = await codex.startThread();
  model.enqueue([reply.text("One step."), used(120)], reply.hang());
  const error = await rejection(thread.runGoal("Get there", { budget: { tokens: 100 } }).run());
  expect(error).toMatchObject({ code: "BUDGET_EXCEEDED", goalResult: { status: "interrupted" } });
  expect((await thread.goal.get())?.status).toBe("paused");
});

test("all turns of a client share its budget, those that nobody follows too", async () => {
  const tenant = stage.codex({ budget: { tokens: 100 } });
  const reader = new UsageReader(tenant);
  const [one, two, three] = [
    await tenant.startThread(),
    await tenant.startThread(),
    await tenant.startThread(),
  ];
  const gate = reply.hold();
  model.enqueueFor(one.id, [reply.text(["Begun", gate, "."]), used(10)]);
  model.enqueueFor(two.id, [reply.text(["Begun", gate, "."]), used(10)]);
  model.enqueueFor(three.id, [reply.shell("echo hi"), used(120)]);
  const first = rejection(one.run("One"));
  const { turn } = await tenant.rpc.turn.start({
    threadId: two.id,
    input: [{ type: "text", text: "Two", text_elements: [] }],
  });
  await gate.reached;
  const third = rejection(three.run("Three"));
  expect(await third).toMatchObject({ scope: "client", result: { status: "interrupted" } });
  expect(await first).toMatchObject({ scope: "client", result: { status: "interrupted" } });
  const records = await reader.next(3);
  expect(records.find(({ turnId }) => turnId === turn.id)?.status).toBe("interrupted");
  gate.release();
  expect(await rejection(one.run("Again"))).toMatchObject({ scope: "client", sent: false });
});

test("tenants of a pool have budgets of their own, which outlive their servers", async () => {
  const budgets = new Map(["a", "b"].map((key) => [key, new Budget({ tokens: 100 })]));
  const second = await RealStage.open(() => ({}));
  const homes = new Map([
    ["a", stage],
    ["b", second],
  ]);
  const pool = new CodexPool({
    maxServers: 1,
    optionsFor: (key) => ({ ...homes.get(key)?.options(), budget: budgets.get(key) }),
  });
  try {
    const [ofA, ofB] = [await pool.get("a"), await pool.get("b")];
    const thread = await ofA.startThread();
    model.enqueue([reply.text("Much."), used(150)]);
    await thread.run("Go");
    second.model.enqueue([reply.text("Little."), used(20)]);
    await (await ofB.startThread()).run("Go");
    expect(await rejection(thread.run("More"))).toMatchObject({ scope: "client", sent: false });
    expect([...budgets.values()].map(({ remaining }) => remaining.tokens)).toEqual([0, 80]);
  } finally {
    await pool.close();
    await second.close();
  }
});
