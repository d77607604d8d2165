import { onAbort } from "../async/abort.js";
import { onDeadline } from "../async/deadline.js";
import type { Failure } from "./turn-request.js";
import type { TurnControls } from "../options/turn-options.js";

/**
 * Calls `stop` when the signal of a turn or a goal, which is not aborted yet, aborts or its time is up;
 * `expired` makes the error for the latter. Returns the function that stops watching.
 */
export function watchForStops(
  { signal, timeoutMs }: TurnControls,
  stop: (failure: Failure) => void,
  expired: (timeoutMs: number) => Error,
): () => void {
  const unlink = onAbort(signal, (reason) => {
    stop(() => reason);
  });
  if (timeoutMs === undefined) return unlink;
  const stopDeadline = onDeadline(timeoutMs, () => {
    stop(() => expired(timeoutMs));
  });
  return () => {
    stopDeadline();
    unlink();
  };
}
