import type { ThreadItem, TurnStatus, TurnPlanStep, TurnError } from "../../generated/types.js";
import type { TurnWarning } from "./turn-warning.js";
import type { TurnUsage } from "./turn-usage.js";
import type { TurnRetry } from "./turn-retry.js";

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
