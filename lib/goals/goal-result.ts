import type { TokenUsageBreakdown } from "../../generated/types.js";
import type { GoalResult, GoalRunStatus } from "../results/goal-result.js";

import { isActive, type GoalProgress } from "./goal-state.js";

/** The result as far as the goal has come. */
export function toGoalResult(progress: GoalProgress): GoalResult {
  const { threadId, goal, turns } = progress;
  return {
    threadId,
    status: statusOf(progress),
    goal,
    error: turns.at(-1)?.error ?? null,
    turns,
    finalResponse: turns.findLast((turn) => turn.finalResponse !== null)?.finalResponse ?? null,
    items: turns.flatMap(({ items }) => items),
    usage: sumOf(turns.flatMap(({ usage }) => (usage ? [usage.turn] : []))),
    startedAt: turns[0]?.startedAt ?? null,
    completedAt: turns.at(-1)?.completedAt ?? null,
    durationMs: turns.reduce((sum, turn) => sum + (turn.durationMs ?? 0), 0),
  };
}

function statusOf(progress: GoalProgress): GoalRunStatus {
  const { goal, cleared, turns, stopped } = progress;
  if (cleared) return "cleared";
  if (goal && !stopped && !isActive(progress)) return goal.status;
  return turns.at(-1)?.status === "failed" ? "failed" : "interrupted";
}

function sumOf(parts: readonly TokenUsageBreakdown[]): TokenUsageBreakdown | null {
  const [first, ...rest] = parts;
  if (!first) return null;
  const sum = { ...first };
  for (const part of rest) {
    for (const key of Object.keys(sum) as (keyof TokenUsageBreakdown)[]) sum[key] += part[key];
  }
  return sum;
}
