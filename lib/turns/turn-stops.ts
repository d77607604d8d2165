import { onAbort } from "../async/abort.js";
import { onDeadline } from "../async/deadline.js";
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
  if (timeoutMs === undefined || signal?.aborted) return unlink;
  const stopDeadline = onDeadline(timeoutMs, () => {
    stop(() => new TurnTimeoutError(timeoutMs, resultSoFar()));
  });
  return () => {
    stopDeadline();
    unlink();
  };
}
