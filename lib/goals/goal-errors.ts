import type { CodexErrorInfo } from "../../generated/types.js";
import type { GoalResult } from "../results/goal-result.js";
import type { TurnResult } from "../results/turn-result.js";
import { AppServerError, hide } from "../errors/base.js";
import type { TransportClosedError } from "../errors/connection-errors.js";
import { timeoutOutcome, TurnFailedError, type StopDetails } from "../turns/turn-errors.js";
import { type TurnFailureReason } from "../results/turn-failure-reason.js";

/** The last turn of a goal failed, and the goal with it. The thread stays usable. */
export class GoalFailedError extends AppServerError {
  override readonly code = "GOAL_FAILED";
  /** Everything the goal did before; `result.goal.status` is what the server has made of it. */
  readonly result: GoalResult;
  readonly reason: TurnFailureReason;
  /** The server's structured reason, as sent; `null` when it gave none. */
  readonly codexErrorInfo: CodexErrorInfo | null;
  /** HTTP status of the model provider's answer, when the server told it. */
  readonly httpStatusCode: number | null;

  constructor(result: GoalResult, lastTurn: TurnResult) {
    const cause = new TurnFailedError(lastTurn);
    super(`The goal stopped in its turn ${result.turns.length}. ${cause.message}`, {
      cause,
    });
    this.result = result;
    hide(this, "result");
    this.reason = cause.reason;
    this.codexErrorInfo = cause.codexErrorInfo;
    this.httpStatusCode = cause.httpStatusCode;
  }
}

/**
 * The goal did not end within `timeoutMs`. It was paused, and its turn interrupted; or, when the server
 * has not confirmed that in time, this is still tried. One that still waited is not sent any more.
 */
export class GoalTimeoutError extends AppServerError {
  override readonly code = "GOAL_TIMEOUT";
  readonly timeoutMs: number;
  /** What the goal had done so far. */
  readonly result: GoalResult;
  /** Whether the server has confirmed that the goal stopped. If not, the client goes on stopping it. */
  readonly stopConfirmed: boolean;

  constructor(
    timeoutMs: number,
    result: GoalResult,
    { stopConfirmed = true, sent = true }: StopDetails = {},
  ) {
    const outcome = timeoutOutcome("stopped", { stopConfirmed, sent });
    super(`The goal did not end within ${timeoutMs} ms ${outcome}`, { sent });
    this.timeoutMs = timeoutMs;
    this.result = result;
    this.stopConfirmed = stopConfirmed;
    hide(this, "result");
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
export class GoalStalledError extends AppServerError {
  override readonly code = "GOAL_STALLED";
  /** What the goal had done so far. */
  readonly result: GoalResult;

  constructor(result: GoalResult) {
    super(
      "The server has the goal but starts no turn for it. It does not work on goals in plan mode: " +
        "change the thread's collaborationMode.",
    );
    this.result = result;
    hide(this, "result");
  }
}
