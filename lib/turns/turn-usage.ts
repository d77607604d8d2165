import type { ThreadTokenUsage, TokenUsageBreakdown } from "../../generated/types.js";
import type { TurnUsage } from "../results/turn-state.js";

/**
 * The server counts per thread and per response, never per turn. What the thread had used before
 * this turn is the first update's total without that update's own response.
 *
 * At the start of a compaction, though, the server repeats the thread's last update under the new
 * turn's id; an empty thread has none to repeat. So a first update during a compaction counts
 * nothing yet: if the next one leaves the total alone and only estimates the context that is left
 * (in `last`), the first was the compaction's own response after all.
 */
export function updateUsage(
  before: TurnUsage | null,
  update: ThreadTokenUsage,
  compacting: boolean,
): TurnUsage {
  return { ...update, turn: usageOfTurn(before, update, compacting) };
}

function usageOfTurn(
  before: TurnUsage | null,
  update: ThreadTokenUsage,
  compacting: boolean,
): TokenUsageBreakdown {
  if (!before) return compacting ? combine(update.last, update.last, -1) : { ...update.last };
  const since = combine(update.total, before.total, -1);
  const isNew = !isZero(combine(update.last, before.last, -1));
  const isEstimate = compacting && isZero(since) && isNew;
  return isEstimate && isZero(before.turn) ? { ...before.last } : combine(before.turn, since, 1);
}

export function combine(
  left: TokenUsageBreakdown,
  right: TokenUsageBreakdown,
  sign: 1 | -1,
): TokenUsageBreakdown {
  const sum = { ...left };
  for (const key of Object.keys(left) as (keyof TokenUsageBreakdown)[]) {
    const [one, other]: unknown[] = [left[key], right[key]];
    // What is no number would become a text that grows with every update.
    if (typeof one === "number" && typeof other === "number") sum[key] = one + sign * other;
  }
  return sum;
}

function isZero(usage: TokenUsageBreakdown): boolean {
  return Object.values(usage).every((count) => count === 0);
}
