import { onAbort } from "../async/abort.js";
import { maxTimerMs } from "../async/timers.js";
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
  if (timeoutMs === undefined || timeoutMs > maxTimerMs || signal?.aborted) return unlink;
  const timer = setTimeout(() => {
    stop(() => new GoalTimeoutError(timeoutMs, resultSoFar()));
  }, timeoutMs);
  return () => {
    clearTimeout(timer);
    unlink();
  };
}
