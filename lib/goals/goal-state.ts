import type { ThreadGoal } from "../../generated/types.js";
import type { ServerNotification, TurnEvent } from "../protocol.js";
import type { GoalResult, GoalRunStatus } from "../results/goal-result.js";
import type { TurnResult } from "../results/turn-result.js";
import type { TurnState } from "../results/turn-state.js";
import { combine } from "../turns/turn-usage.js";
import { addSummaries } from "../usage/turn-account.js";

/** What iterating a goal yields: the events of all its turns, and what becomes of the goal itself. */
export type GoalEvent = TurnEvent | ServerNotification<"thread/goal/cleared">;

/** What is known of a goal at one moment. Snapshots never change. */
export interface GoalRunState {
  readonly threadId: string;
  /** The server's last word on the goal; `null` until it was set. */
  readonly goal: ThreadGoal | null;
  /** Whether somebody has taken the goal away. */
  readonly cleared: boolean;
  /** The turns that have ended, in order. */
  readonly turns: readonly TurnResult[];
  /** The turn that runs; `null` between two. */
  readonly turn: TurnState | null;
}

/** The part of the state that is folded; the running turn keeps its own. */
export interface GoalProgress extends Omit<GoalRunState, "turn"> {
  /** Whether the goal was paused from here, as the way to stop it. */
  readonly stopped: boolean;
}

/** A goal that was taken away is over, though another one may be set before its last turn ends. */
export function goalUpdated(progress: GoalProgress, goal: ThreadGoal): GoalProgress {
  return progress.cleared ? progress : { ...progress, goal };
}

export function goalCleared(progress: GoalProgress): GoalProgress {
  return { ...progress, cleared: true };
}

export function turnEnded(progress: GoalProgress, turn: TurnResult): GoalProgress {
  return { ...progress, turns: [...progress.turns, turn] };
}

/** Whether the server goes on with the goal by itself: in every other status it does not. */
export function isActive({ goal, cleared }: GoalProgress): boolean {
  return !cleared && goal?.status === "active";
}

/**
 * What comes next of a goal that is set, between two turns: another `turn`; nothing, so that it is to `stop`,
 * since after a turn that was cut short or failed the server does not go on with it either; its `end`; or, when
 * it has left `active` between two turns, a `question`: the server may have begun a turn just before.
 */
export function nextForGoal(
  progress: GoalProgress,
  hasSettledBetweenTurns: boolean,
): "turn" | "stop" | "question" | "end" {
  const last = progress.turns.at(-1);
  const brokeOff = last !== undefined && last.status !== "completed";
  if (isActive(progress)) return brokeOff ? "stop" : "turn";
  return hasSettledBetweenTurns ? "question" : "end";
}

export function toGoalResult(progress: GoalProgress): GoalResult {
  const { threadId, goal, turns } = progress;
  const usages = turns.flatMap(({ usage }) => (usage ? [usage.turn] : []));
  return {
    threadId,
    status: statusOf(progress),
    goal,
    error: turns.at(-1)?.error ?? null,
    turns,
    finalResponse: turns.findLast((turn) => turn.finalResponse !== null)?.finalResponse ?? null,
    items: turns.flatMap(({ items }) => items),
    usage: usages.length > 0 ? usages.reduce((sum, usage) => combine(sum, usage, 1)) : null,
    usageWithSubagents: addSummaries(turns.map(({ usageWithSubagents }) => usageWithSubagents)),
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
