import { onAbort } from "../async/abort.js";
import { onDeadline, timeLeft } from "../async/deadline.js";
import { Deferred } from "../async/deferred.js";
import { RequestTimeoutError } from "../errors/connection-errors.js";

/**
 * Waits for what must be there before a request can be sent. Resolves with what is left of its time
 * (ms), always more than 0.
 *
 * @throws what `ready` rejects with, RequestTimeoutError, or `signal.reason`.
 */
export async function withinDeadline(
  ready: Promise<void>,
  method: string,
  { timeoutMs, signal }: { timeoutMs: number; signal: AbortSignal | undefined },
): Promise<number> {
  const since = performance.now();
  const over = new Deferred<never>();
  const unlink = onAbort(signal, over.reject);
  const stopDeadline = onDeadline(timeoutMs, () => {
    over.reject(new RequestTimeoutError(method, timeoutMs));
  });
  try {
    await Promise.race([ready, over.promise]);
  } finally {
    stopDeadline();
    unlink();
  }
  return timeLeft(timeoutMs, since);
}
