import { onAbort } from "../async/abort.js";
import { maxTimerMs } from "../async/timers.js";
import { TurnTimeoutError } from "../errors/turn-errors.js";
import type { Failure } from "./turn-request.js";
import type { TurnControls } from "./turn-options.js";
import type { TurnResult } from "./turn-result.js";

/**
 * Calls `stop` when the turn's signal aborts or its time is up. Returns the function that stops
 * watching.
 */
export function watchForStops(
  { signal, timeoutMs }: TurnControls,
  stop: (failure: Failure) => void,
  resultSoFar: () => TurnResult,
): () => void {
  const unlink = onAbort(signal, (reason) => {
    stop(() => reason);
  });
  if (timeoutMs === undefined || timeoutMs > maxTimerMs || signal?.aborted) return unlink;
  const timer = setTimeout(() => {
    stop(() => new TurnTimeoutError(timeoutMs, resultSoFar()));
  }, timeoutMs);
  return () => {
    clearTimeout(timer);
    unlink();
  };
}
