import { describe, expect, jest, test } from "@jest/globals";
import { Budget, type BudgetLimits, type Prices, type UsageOfModel } from "../../../lib/index.js";
import { Codex } from "../../../lib/index.js";
import { linkedThread } from "../../support/linked-server.js";

const prices: Prices = { "gpt-x": { input: 1_000, output: 10_000 } };

function usage(input: number, output: number, model = "gpt-x"): UsageOfModel {
  const none = { cachedInput: 0, cacheWriteInput: 0, reasoningOutput: 0 };
  const tokens = { ...none, input, output, total: input + output };
  return { model, modelProvider: null, serviceTier: null, tokens };
}

test("a budget of tokens tells what is spent and what remains, and never less than nothing", () => {
  const budget = new Budget({ tokens: 100 });
  expect(budget.spent).toEqual({ tokens: 0, cost: null });
  expect(budget.remaining).toEqual({ tokens: 100, cost: null });
  budget.charge(usage(90, 9), "turn-1");
  expect([budget.remaining.tokens, budget.isUsedUp]).toEqual([1, false]);
  budget.charge(usage(90, 9), "turn-1");
  expect([budget.remaining.tokens, budget.isUsedUp]).toEqual([0, true]);
  expect(budget.spent.tokens).toBe(198);
  budget.topUp({ tokens: 100 });
  expect(budget.limits).toEqual({ tokens: 200, cost: null });
  expect([budget.remaining.tokens, budget.isUsedUp]).toEqual([2, false]);
});

test("a budget of money counts by the prices that it was made with", () => {
  const own = structuredClone(prices) as Record<string, { input: number; output: number }>;
  const budget = new Budget({ cost: 1, prices: own });
  own["gpt-x"] = { input: 0, output: 0 };
  budget.charge(usage(500, 40), "turn-1");
  expect(budget.spent.cost).toBe(0.9);
  expect(budget.isUsedUp).toBe(false);
  budget.charge(usage(100, 0), "turn-1");
  expect([budget.remaining.cost, budget.isUsedUp]).toEqual([0, true]);
});

test("the first kind that is used up counts", () => {
  const budget = new Budget({ tokens: 10, cost: 100, prices });
  budget.charge(usage(10, 0), "turn-1");
  expect(budget.isUsedUp).toBe(true);
});

test("many small amounts are charged as one large one is", () => {
  const [small, large] = [new Budget({ cost: 9, prices }), new Budget({ cost: 9, prices })];
  for (let i = 0; i < 1_000; i += 1) small.charge(usage(1, 0), "turn-1");
  large.charge(usage(1_000, 0), "turn-1");
  expect(small.spent).toEqual(large.spent);
});

test("what has no price uses up a budget of money, and one of tokens only counts it", () => {
  const ofMoney = new Budget({ cost: 9, prices });
  ofMoney.charge(usage(1, 0, "gpt-z"), "turn-1");
  expect(ofMoney).toMatchObject({ isUsedUp: true, missingPrice: { model: "gpt-z" } });
  expect(ofMoney.spent).toEqual({ tokens: 1, cost: null });
  const ofTokens = new Budget({ tokens: 9, prices });
  ofTokens.charge(usage(1, 0, "gpt-z"), "turn-1");
  expect(ofTokens.isUsedUp).toBe(false);
  expect(ofTokens.missingPrice).toBeUndefined();
});

test("what a model has used that is yet to be named is priced when it is, once", () => {
  const budget = new Budget({ cost: 1, prices });
  budget.charge(usage(100, 0), "turn-1");
  budget.charge({ ...usage(200, 0), model: null }, "turn-2");
  budget.charge({ ...usage(300, 0), model: null }, "turn-2");
  expect(budget.spent).toEqual({ tokens: 600, cost: 0.1 });
  expect(budget.isUsedUp).toBe(false);
  budget.named("turn-2", "gpt-x");
  budget.named("turn-2", "gpt-x");
  expect(budget.spent).toEqual({ tokens: 600, cost: 0.6 });
});

test("a model that is not named in ten seconds uses up a budget of money, until it is named", () => {
  const now = jest.spyOn(performance, "now").mockReturnValue(1_000);
  try {
    const budget = new Budget({ cost: 1, prices });
    budget.charge({ ...usage(200, 0), model: null }, "turn-1");
    now.mockReturnValue(5_000);
    budget.charge({ ...usage(200, 0), model: null }, "turn-1");
    budget.charge({ ...usage(200, 0), model: null }, "turn-2");
    now.mockReturnValue(10_999);
    expect(budget.isUsedUp).toBe(false);
    now.mockReturnValue(11_000);
    expect(budget).toMatchObject({ isUsedUp: true, missingPrice: { model: null } });
    expect(budget.spent).toEqual({ tokens: 600, cost: null });
    budget.named("turn-1", "gpt-x");
    expect(budget).toMatchObject({ isUsedUp: false, spent: { cost: 0.4 } });
    now.mockReturnValue(15_000);
    expect(budget.isUsedUp).toBe(true);
  } finally {
    now.mockRestore();
  }
});

describe("limits that cannot be meant are refused", () => {
  const wrong: [limits: unknown, argument: string][] = [
    [{}, "budget"],
    [5, "budget"],
    [null, "budget"],
    [{ tokens: 0 }, "budget.tokens"],
    [{ tokens: NaN }, "budget.tokens"],
    [{ tokens: "many" }, "budget.tokens"],
    [{ cost: 1 }, "budget.prices"],
    [{ cost: -1, prices }, "budget.cost"],
    [{ cost: 1, prices: { "gpt-x": {} } }, 'budget.prices["gpt-x"].input'],
    [{ token: 5 }, "budget.token"],
  ];

  test.each(wrong)("%j", async (limits, argument) => {
    const budget = limits as BudgetLimits;
    const refusal = expect.objectContaining({ code: "INVALID_ARGUMENT", argument });
    expect(() => new Budget(budget)).toThrow(refusal);
    expect(() => new Codex({ budget })).toThrow(refusal);
    await using pair = await linkedThread();
    const { thread, client, server } = pair;
    const requests = server.requests.length;
    expect(() => thread.turn("Hi", { budget })).toThrow(refusal);
    expect(() => thread.compact({ budget })).toThrow(refusal);
    expect(() => thread.runGoal("Get there", { budget })).toThrow(refusal);
    expect(() => client.thread("thread-1", { budget })).toThrow(refusal);
    await expect(client.startThread({ budget })).rejects.toEqual(refusal);
    await expect(client.resumeThread("thread-1", { budget })).rejects.toEqual(refusal);
    await expect(thread.fork({ budget })).rejects.toEqual(refusal);
    expect(server.requests).toHaveLength(requests);
  });

  test.each([
    [{ cost: 1 }, "cost"],
    [{ tokens: -1 }, "tokens"],
    [{ token: 1 }, "topUp().token"],
  ])("topUp(%j)", (more, argument) => {
    const budget = new Budget({ tokens: 5 });
    expect(() => {
      budget.topUp(more as object);
    }).toThrow(expect.objectContaining({ code: "INVALID_ARGUMENT", argument }));
    expect(budget.limits.tokens).toBe(5);
  });
});
