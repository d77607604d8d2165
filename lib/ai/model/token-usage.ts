import type { TokenCounts } from "../../parts/part-types.js";
import type { ModelUsage } from "./model-types.js";

export const noTokens: TokenCounts = {
  input: 0,
  cachedInput: 0,
  output: 0,
  reasoning: 0,
  total: 0,
};

/** What a step has cost: the counts of its turn, less those that earlier steps had told. */
export function usageSince(told: TokenCounts, now: TokenCounts | undefined): ModelUsage {
  if (!now) {
    return {
      inputTokens: {
        total: undefined,
        noCache: undefined,
        cacheRead: undefined,
        cacheWrite: undefined,
      },
      outputTokens: { total: undefined, text: undefined, reasoning: undefined },
    };
  }
  const input = now.input - told.input;
  const cacheRead = now.cachedInput - told.cachedInput;
  const output = now.output - told.output;
  const reasoning = now.reasoning - told.reasoning;
  return {
    inputTokens: { total: input, noCache: input - cacheRead, cacheRead, cacheWrite: undefined },
    outputTokens: { total: output, text: output - reasoning, reasoning },
  };
}
