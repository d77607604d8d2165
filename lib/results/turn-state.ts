import type {
  ThreadItem,
  ThreadTokenUsage,
  TokenUsageBreakdown,
  TurnError,
  TurnPlanStep,
  TurnStatus,
} from "../../generated/types.js";
import type { ThreadWarningMethod } from "../protocol.js";
import type { TurnFailureReason } from "./turn-failure-reason.js";

/** The items of a turn; each stands where it began, whenever it completes. */
export interface TurnItems {
  /** Completed items, in the order in which they began. */
  readonly items: readonly ThreadItem[];
  /** Items that have started and not completed, with what has been streamed of them, in that order. */
  readonly openItems: readonly ThreadItem[];
  /**
   * For each of `openItems`, how many of `items` began before it. `itemsInOrder()` makes one list of
   * both.
   */
  readonly openPositions: readonly number[];
}

/** The state of a turn at one moment. Snapshots never change; each event makes a new one. */
export interface TurnState extends TurnItems {
  readonly threadId: string;
  /** Empty until the server has accepted the turn. */
  readonly id: string;
  readonly status: TurnStatus;
  /** The error of a failed turn; while it runs, the last problem that the server reported. */
  readonly error: TurnError | null;
  /**
   * The server's attempts to reach the model, while it fails to; `null` as soon as the model is heard
   * again. A model that cannot be reached at all is tried without end, unless `timeoutMs` is set.
   */
  readonly retry: TurnRetry | null;
  /**
   * The server's warnings, each once: that the thread could not be saved, for example. At most the newest
   * 100, and of each the first 4,000 characters.
   */
  readonly warnings: readonly TurnWarning[];
  readonly usage: TurnUsage | null;
  /** The latest plan; `null` when the turn has none. */
  readonly plan: readonly TurnPlanStep[] | null;
  /** The latest unified diff of all the turn's file changes, or `null`. */
  readonly diff: string | null;
  /** Unix time in seconds, or `null` when the server did not say. */
  readonly startedAt: number | null;
  /** Unix time in seconds, or `null` until the end. */
  readonly completedAt: number | null;
  /** Milliseconds from start to end, or `null` until the end. */
  readonly durationMs: number | null;
}

/** The server's attempts to reach the model, as long as they do not succeed. */
export interface TurnRetry {
  /** The server's last words, such as "Reconnecting... 2/5". */
  readonly message: string;
  /** The reason of the last failure; `"other"` when the server gave no name for it. */
  readonly reason: TurnFailureReason;
  /** The number of the next attempt, as far as `message` counts them; else `null`. */
  readonly attempt: number | null;
  /** The number of attempts after which the server gives up; `null` when it does not say, or never does. */
  readonly maxAttempts: number | null;
  /** The number of notices since the model was last heard. */
  readonly count: number;
  /** The time of the first of them (ms since the epoch); `null` when the server did not say. */
  readonly sinceMs: number | null;
}

/** Token counts of a turn, as of the server's last update in it. */
export interface TurnUsage extends ThreadTokenUsage {
  /** This turn alone: the sum over its model responses. */
  readonly turn: TokenUsageBreakdown;
  /** The last model response alone. */
  readonly last: TokenUsageBreakdown;
  /** Everything the thread has used so far, earlier turns included. */
  readonly total: TokenUsageBreakdown;
}

/** A warning of the server while a turn ran. */
export interface TurnWarning {
  /** `"guardianWarning"` is one of the reviewer that decides on approvals. */
  readonly method: ThreadWarningMethod;
  /** The server's words, which may name paths and commands. */
  readonly message: string;
}
