import type {
  ThreadGoal,
  ThreadGoalStatus,
  TurnError,
  ThreadItem,
  TokenUsageBreakdown,
} from "../../generated/types.js";
import type { TurnResult } from "./turn-result.js";
import type { UsageSummary } from "./turn-tokens.js";

/** A goal that has ended, with all its turns. */
export interface GoalResult {
  readonly threadId: string;
  readonly status: GoalRunStatus;
  /** The goal as the server last told it; `null` when it was stopped before it was set. */
  readonly goal: ThreadGoal | null;
  /** The error of the last turn if it failed; else `null`. */
  readonly error: TurnError | null;
  /** The turns that the server ran for the goal, in order. */
  readonly turns: readonly TurnResult[];
  /** The answer of the last turn that has one; `null` when none has. */
  readonly finalResponse: string | null;
  /** The items of all turns, in order; the ids repeat where the model repeats them. */
  readonly items: readonly ThreadItem[];
  /** Tokens of all turns together; `null` when the model reported none. */
  readonly usage: TokenUsageBreakdown | null;
  /** The same with all that the turns' sub-agents have used, by model; `null` when nobody has reported any. */
  readonly usageWithSubagents: UsageSummary | null;
  /** Start of the first turn: Unix time in seconds. */
  readonly startedAt: number | null;
  /** End of the last turn: Unix time in seconds. */
  readonly completedAt: number | null;
  /** The time that the turns took together (ms). */
  readonly durationMs: number;
}

/**
 * The end of a goal: the status that the server gave it (`"complete"`, `"blocked"` and so on; newer
 * servers may have others), or
 *
 * - `"interrupted"`: it was cut short, and is `paused` in the server where that was possible; -
 * `"failed"`: its last turn failed, and the server left it active; it is `paused` now; - `"cleared"`:
 * somebody took it away.
 */
export type GoalRunStatus =
  | Exclude<ThreadGoalStatus, "active">
  | "interrupted"
  | "failed"
  | "cleared"
  // Keeps the list open without losing the completion of the names above.
  | (string & Record<never, never>);
