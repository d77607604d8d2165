import { onAbort } from "../async/abort.js";
import { Deferred } from "../async/deferred.js";
import { maxTimerMs } from "../async/timers.js";
import { RequestTimeoutError } from "../errors/connection-errors.js";

/**
 * Waits for what must be there before a request can be sent. Resolves with what is left of its time
 * (ms), 1 or more.
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
  const expire = (): void => {
    over.reject(new RequestTimeoutError(method, timeoutMs));
  };
  const timer = setTimeout(expire, Math.min(timeoutMs, maxTimerMs));
  try {
    await Promise.race([ready, over.promise]);
  } finally {
    clearTimeout(timer);
    unlink();
  }
  return Math.max(1, timeoutMs - (performance.now() - since));
}
