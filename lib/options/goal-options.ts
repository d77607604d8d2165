import type { ThreadGoalMutationOrigin, ThreadGoalSetParams } from "../../generated/types.js";
import type { Traced } from "../diagnostics/trace-context.js";
import type { RequestHandlers } from "../server-requests/handlers.js";
import type { AllowUndefined } from "../protocol.js";
import type { Budgeted } from "./turn-options.js";

/**
 * Options of a goal. Its handlers answer the server's requests in any of its turns; for the others, those
 * of the thread answer, then those of the client. Model, sandbox and so on are the thread's own: change
 * them with `thread.updateSettings()`.
 *
 * Silence between two turns ends the goal with a GoalStalledError. There is no `idleTimeoutMs` for silence
 * within a turn: give the goal a `timeoutMs`.
 */
export interface GoalOptions extends RequestHandlers, Traced, Budgeted {
  /** The most tokens that the goal may use; above that it ends as `budgetLimited` (default: no limit). */
  tokenBudget?: number | null | undefined;
  /** The origin of the goal, in the protocol's words (default: the server's). */
  origin?: ThreadGoalMutationOrigin | null | undefined;
  /**
   * Covers the whole goal, waiting in the queue included: aborting stops it as `interrupt()` does,
   * and `run()` and iteration reject with `signal.reason`.
   */
  signal?: AbortSignal | undefined;
  /**
   * How long the goal may take, from this call to its end (ms; default: no limit). Then it is
   * stopped, and `run()` and iteration reject with a GoalTimeoutError.
   */
  timeoutMs?: number | undefined;
  /**
   * The effect of leaving a `for await` loop early: `"interrupt"` (default) stops the goal and waits for
   * its end; `"detach"` lets it run on.
   */
  onBreak?: "interrupt" | "detach" | undefined;
  /**
   * How much may wait for the consumer of the events (bytes, roughly; default 67,108,864). Beyond
   * this, what waits is dropped and iterating throws a SlowConsumerError; the goal goes on.
   */
  maxBacklogBytes?: number | undefined;
  /**
   * What to do when the thread already runs a turn: `"queue"` (default) waits for its end;
   * `"reject"` fails with a ThreadBusyError.
   */
  whenBusy?: "queue" | "reject" | undefined;
}

/** The params of a goal, besides the thread it is for. */
export type GoalSettings = { readonly objective: string } & Pick<
  GoalOptions,
  "tokenBudget" | "origin"
>;

/** The parts of a goal to set, as in `thread/goal/set`; parts that are left out stay as they are. */
export type SetGoalOptions = AllowUndefined<Omit<ThreadGoalSetParams, "threadId">> & Traced;
