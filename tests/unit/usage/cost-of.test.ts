import { describe, expect, test } from "@jest/globals";
import * as fc from "fast-check";
import {
  costOf,
  InvalidArgumentError,
  PriceMissingError,
  type Prices,
  type Tokens,
  type UsageOfModel,
} from "../../../lib/index.js";

const prices: Prices = {
  "gpt-x": { input: 2, cachedInput: 0.5, cacheWriteInput: 3, output: 10 },
  "gpt-y": {
    input: 1,
    output: 4,
    serviceTiers: { flex: 0.5, priority: { input: 3, cachedInput: 1, output: 8 } },
  },
};

function tokens(some: Partial<Tokens>): Tokens {
  const none = { input: 0, cachedInput: 0, cacheWriteInput: 0, output: 0, reasoningOutput: 0 };
  const all = { ...none, ...some };
  return { ...all, total: all.input + all.output };
}

function usage(model: string | null, some: Partial<Tokens>, serviceTier: string | null = null) {
  return { model, modelProvider: null, serviceTier, tokens: tokens(some) };
}

const cost = (...byModel: UsageOfModel[]): number => costOf({ byModel }, prices);

test.each<[string, UsageOfModel, number]>([
  ["nothing", usage("gpt-x", {}), 0],
  ["a million tokens of input", usage("gpt-x", { input: 1_000_000 }), 2],
  ["a million tokens of output", usage("gpt-x", { output: 1_000_000 }), 10],
  [
    "reasoning as a part of the output",
    usage("gpt-x", { output: 1_000_000, reasoningOutput: 900_000 }),
    10,
  ],
  [
    "input from the cache at its own price, once",
    usage("gpt-x", { input: 1_000_000, cachedInput: 400_000 }),
    1.2 + 0.2,
  ],
  [
    "input that was written to the cache at its own price, once",
    usage("gpt-x", { input: 1_000_000, cachedInput: 400_000, cacheWriteInput: 100_000 }),
    1 + 0.2 + 0.3,
  ],
  [
    "cached input as input without a price of its own",
    usage("gpt-y", { input: 10, cachedInput: 10 }),
    0.00001,
  ],
  ["a tier that multiplies", usage("gpt-y", { output: 1_000_000 }, "flex"), 2],
  ["a tier with prices of its own", usage("gpt-y", { input: 1_000_000 }, "priority"), 3],
  ["tiers that make no difference", usage("gpt-x", { output: 1_000_000 }, "flex"), 10],
])("counts %s", (_, given, expected) => {
  expect(cost(given)).toBeCloseTo(expected, 12);
});

test("adds up the models", () => {
  const both = [usage("gpt-x", { output: 1_000_000 }), usage("gpt-y", { output: 1_000_000 })];
  expect(cost(...both)).toBe(14);
});

test("more tokens never cost less, and the parts cost what the whole does", () => {
  const count = fc.integer({ min: 0, max: 1_000_000_000 });
  const some = fc.record({ input: count, cachedInput: count, output: count }).map((given) => {
    const cachedInput = Math.min(given.cachedInput, given.input);
    return usage("gpt-x", { ...given, cachedInput });
  });
  fc.assert(
    fc.property(some, some, (one, other) => {
      const apart = cost(one) + cost(other);
      expect(cost(one, other)).toBeCloseTo(apart, 6);
      expect(cost(one, other)).toBeGreaterThanOrEqual(cost(one));
    }),
  );
});

describe("what has no price is an error that names it, and never nothing", () => {
  test.each<[UsageOfModel, string | null, string | null]>([
    [usage("gpt-z", { input: 1 }), "gpt-z", null],
    [usage("gpt-z", {}), "gpt-z", null],
    [usage("constructor", { input: 1 }), "constructor", null],
    [usage(null, { input: 1 }), null, null],
    [usage("gpt-y", { input: 1 }, "batch"), "gpt-y", "batch"],
  ])("%j", (given, model, serviceTier) => {
    expect(() => cost(given)).toThrow(PriceMissingError);
    expect(() => cost(given)).toThrow(expect.objectContaining({ model, serviceTier }));
    if (model !== null) expect(() => cost(given)).toThrow(model);
  });
});

test.each<[unknown, string]>([
  [undefined, "prices"],
  [[], "prices"],
  [{ "gpt-x": 5 }, 'prices["gpt-x"]'],
  [{ "gpt-x": { input: 1 } }, 'prices["gpt-x"].output'],
  [{ "gpt-x": { input: 1, output: NaN } }, 'prices["gpt-x"].output'],
  [{ "gpt-x": { input: -1, output: 1 } }, 'prices["gpt-x"].input'],
  [{ "gpt-x": { input: 1, output: 1, cached: 1 } }, 'prices["gpt-x"].cached'],
  [
    { "gpt-x": { input: 1, output: 1, serviceTiers: { flex: "half" } } },
    'prices["gpt-x"].serviceTiers["flex"]',
  ],
  [
    { "gpt-x": { input: 1, output: 1, serviceTiers: { flex: { input: 1 } } } },
    'prices["gpt-x"].serviceTiers["flex"].output',
  ],
])("prices that cannot be meant are refused: %j", (given, argument) => {
  const call = (): number => costOf({ byModel: [] }, given as Prices);
  expect(call).toThrow(InvalidArgumentError);
  expect(call).toThrow(expect.objectContaining({ argument }));
});

const noUsage = [null, undefined, {}, { byModel: null }, { byModel: [3] }, { byModel: [{}] }];

test.each(noUsage.map((given) => [given]))("so is usage of %j", (given) => {
  const call = (): number => costOf(given as never, prices);
  expect(call).toThrow(expect.objectContaining({ argument: "usage" }));
});
