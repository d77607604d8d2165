import type { ThreadTokenUsage, TokenUsageBreakdown } from "../generated/types.js";

/** Token counts of a turn, as of the server's last update in it. */
export interface TurnUsage extends ThreadTokenUsage {
  /** This turn alone: the sum over its model responses. */
  readonly turn: TokenUsageBreakdown;
  /** The last model response alone. */
  readonly last: TokenUsageBreakdown;
  /** Everything the thread has used so far, earlier turns included. */
  readonly total: TokenUsageBreakdown;
}

/**
 * The server counts per thread and per response, never per turn. What the thread had used before
 * this turn is the first update's total without that update's own response.
 */
export function updateUsage(before: TurnUsage | null, update: ThreadTokenUsage): TurnUsage {
  const turn = before
    ? combine(before.turn, combine(update.total, before.total, -1), 1)
    : { ...update.last };
  return { ...update, turn };
}

function combine(
  left: TokenUsageBreakdown,
  right: TokenUsageBreakdown,
  sign: 1 | -1,
): TokenUsageBreakdown {
  const sum = { ...left };
  for (const key of Object.keys(left) as (keyof TokenUsageBreakdown)[]) {
    sum[key] = left[key] + sign * right[key];
  }
  return sum;
}
