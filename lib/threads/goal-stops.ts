import { onAbort } from "../async/abort.js";
import { onDeadline } from "../async/deadline.js";
import { GoalTimeoutError } from "../errors/goal-errors.js";
import type { Failure } from "../turns/turn-request.js";
import type { TurnControls } from "../turns/turn-options.js";
import type { GoalResult } from "./goal-result.js";

/**
 * Calls `stop` when the goal's signal aborts or its time is up. Returns the function that stops
 * watching.
 */
export function watchForGoalStops(
  { signal, timeoutMs }: TurnControls,
  stop: (failure: Failure) => void,
  resultSoFar: () => GoalResult,
): () => void {
  const unlink = onAbort(signal, (reason) => {
    stop(() => reason);
  });
  if (timeoutMs === undefined || signal?.aborted) return unlink;
  const stopDeadline = onDeadline(timeoutMs, () => {
    stop(() => new GoalTimeoutError(timeoutMs, resultSoFar()));
  });
  return () => {
    stopDeadline();
    unlink();
  };
}
