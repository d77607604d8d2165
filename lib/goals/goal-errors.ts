import type { GoalResult } from "../results/goal-result.js";
import type { TurnResult } from "../results/turn-result.js";
import { AppServerError } from "../errors/base.js";
import type { TransportClosedError } from "../errors/connection-errors.js";
import { ResultError, RunTimeoutError, type StopDetails } from "../errors/result-error.js";
import { RunFailedError, TurnFailedError } from "../turns/turn-errors.js";

/** The last turn of a goal failed, and the goal with it. The thread stays usable. */
export class GoalFailedError extends RunFailedError<GoalResult> {
  override readonly code = "GOAL_FAILED";

  constructor(result: GoalResult, lastTurn: TurnResult) {
    const sentence = `The goal stopped in its turn ${result.turns.length}. The turn failed`;
    super(sentence, result, lastTurn, { cause: new TurnFailedError(lastTurn) });
  }
}

/**
 * The goal did not end within `timeoutMs`. It was paused, and its turn interrupted; or, when the server
 * has not confirmed that in time, this is still tried. One that still waited is not sent any more.
 */
export class GoalTimeoutError extends RunTimeoutError<GoalResult> {
  override readonly code = "GOAL_TIMEOUT";

  constructor(timeoutMs: number, result: GoalResult, details?: StopDetails) {
    super(["The goal", "stopped"], timeoutMs, result, details);
  }
}

/** The goal was stopped before it was sent: `goal.started` rejects with it. */
export class GoalNotStartedError extends AppServerError {
  override readonly code = "GOAL_NOT_STARTED";

  constructor() {
    const problem =
      "The goal was stopped before it was sent to the server. Start it again if it is still wanted.";
    super(problem, { sent: false });
  }
}

/** The goal has ended, or is being stopped: nothing was sent. */
export class GoalNotActiveError extends AppServerError {
  override readonly code = "GOAL_NOT_ACTIVE";

  constructor() {
    super("The goal has ended, so the input was not sent. Start a turn with it.", { sent: false });
  }
}

/**
 * The connection dropped while the server worked on the goal. It goes on with it: look at
 * `thread.goal.get()`, or stop it with `thread.goal.set({ status: "paused" })`. `cause` is the
 * TransportClosedError.
 */
export class GoalDetachedError extends AppServerError {
  override readonly code = "GOAL_DETACHED";

  constructor(cause: TransportClosedError) {
    super(
      "The connection dropped while the server worked on the goal. The server goes on with it: see thread.goal.get().",
      { cause },
    );
  }
}

/** The goal is active, but the server starts no turn for it. It was paused. */
export class GoalStalledError extends ResultError<GoalResult> {
  override readonly code = "GOAL_STALLED";

  constructor(result: GoalResult) {
    super(
      "The server has the goal but starts no turn for it. It does not work on goals in plan mode: " +
        "change the thread's collaborationMode.",
      result,
    );
  }
}
