import { fieldOf } from "../messages/field-of.js";
import type { Tokens, UsageOfModel, UsageSummary } from "../results/turn-tokens.js";

export const noTokens: Tokens = {
  input: 0,
  cachedInput: 0,
  cacheWriteInput: 0,
  output: 0,
  reasoningOutput: 0,
  total: 0,
};

const names: Readonly<Record<keyof Tokens, string>> = {
  input: "inputTokens",
  cachedInput: "cachedInputTokens",
  cacheWriteInput: "cacheWriteInputTokens",
  output: "outputTokens",
  reasoningOutput: "reasoningOutputTokens",
  total: "totalTokens",
};

/** Reads what the server tells as token counts; undefined when that is none. What it leaves out is 0. */
export function readTokens(value: unknown): Tokens | undefined {
  if (typeof fieldOf(value, names.total) !== "number") return undefined;
  return mapTokens((key) => {
    const count = fieldOf(value, names[key]);
    return typeof count === "number" && Number.isFinite(count) ? count : 0;
  });
}

export function addTokens(left: Tokens, right: Tokens): Tokens {
  return mapTokens((key) => left[key] + right[key]);
}

/** What came on top of `before`: nothing counts as less than nothing. */
export function tokensSince(before: Tokens, now: Tokens): Tokens {
  return mapTokens((key) => Math.max(0, now[key] - before[key]));
}

export function sameTokens(left: Tokens, right: Tokens): boolean {
  return (Object.keys(names) as (keyof Tokens)[]).every((key) => left[key] === right[key]);
}

export function isNothing(tokens: Tokens): boolean {
  return sameTokens(tokens, noTokens);
}

/** The usages added up, those of one model, provider and tier as one. */
export function addUp(usages: Iterable<UsageOfModel>): Pick<UsageSummary, "tokens" | "byModel"> {
  const byModel = new Map<string, UsageOfModel>();
  let tokens = noTokens;
  for (const usage of usages) {
    const key = keyOf(usage);
    const sum = addTokens(byModel.get(key)?.tokens ?? noTokens, usage.tokens);
    byModel.set(key, { ...usage, tokens: sum });
    tokens = addTokens(tokens, usage.tokens);
  }
  return { tokens, byModel: [...byModel.values()] };
}

/** Says of two usages whether they have one price. */
export function keyOf({ model, modelProvider, serviceTier }: Omit<UsageOfModel, "tokens">): string {
  return JSON.stringify([model, modelProvider, serviceTier]);
}

function mapTokens(count: (key: keyof Tokens) => number): Tokens {
  const tokens: Record<keyof Tokens, number> = { ...noTokens };
  for (const key of Object.keys(names) as (keyof Tokens)[]) tokens[key] = count(key);
  return tokens;
}
