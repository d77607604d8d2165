import type { ThreadTokenUsage, TokenUsageBreakdown } from "../../generated/types.js";
import type { TurnUsage } from "../results/turn-state.js";

/** What is known of the turn besides. */
interface UpdateContext {
  /** Whether a compaction is under way. */
  readonly isCompacting: boolean;
  /** What the thread had used before the turn; undefined when that is not known. */
  readonly totalBefore?: TokenUsageBreakdown | undefined;
}

/**
 * The server counts per thread and per response, never per turn. What the thread had used before
 * this turn is the first update's total without that update's own response, unless it is known.
 *
 * At the start of a compaction, though, the server repeats the thread's last update under the new
 * turn's id; an empty thread has none to repeat. So a first update during a compaction counts
 * nothing yet: if the next one leaves the total alone and only estimates the context that is left
 * (in `last`), the first was the compaction's own response after all.
 */
export function updateUsage(
  before: TurnUsage | null,
  update: ThreadTokenUsage,
  context: UpdateContext,
): TurnUsage {
  return { ...update, turn: usageOfTurn(before, update, context) };
}

function usageOfTurn(
  before: TurnUsage | null,
  update: ThreadTokenUsage,
  { isCompacting, totalBefore }: UpdateContext,
): TokenUsageBreakdown {
  // A total that is less than before belongs to a history that was taken back.
  if (totalBefore && totalBefore.totalTokens <= update.total.totalTokens) {
    return combine(update.total, totalBefore, -1);
  }
  if (!before) return isCompacting ? nothingOf(update.last) : { ...update.last };
  const since = combine(update.total, before.total, -1);
  const isNew = !isZero(combine(update.last, before.last, -1));
  const isEstimate = isCompacting && isZero(since) && isNew;
  return isEstimate && isZero(before.turn) ? { ...before.last } : combine(before.turn, since, 1);
}

/**
 * The usage of a turn that has failed or was interrupted before its first response was complete. The server repeats
 * the thread's last update then, too: what was taken for the turn's own was the turn's before.
 */
export function withoutRepeated(usage: TurnUsage): TurnUsage {
  const isOneResponse = isZero(combine(usage.turn, usage.last, -1));
  return isOneResponse ? { ...usage, turn: nothingOf(usage.turn) } : usage;
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

function nothingOf(usage: TokenUsageBreakdown): TokenUsageBreakdown {
  return combine(usage, usage, -1);
}

function isZero(usage: TokenUsageBreakdown): boolean {
  return Object.values(usage).every((count) => count === 0);
}
