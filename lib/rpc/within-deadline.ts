import { onAbort } from "../async/abort.js";
import { onDeadline, timeLeft } from "../async/deadline.js";
import { Deferred } from "../async/deferred.js";

interface Limits {
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
  /** Makes the error for when the time is up. */
  readonly expired: () => Error;
}

/**
 * Waits for what must be done before a request can be sent, say. Resolves with what is left of the
 * time (ms), always more than 0.
 *
 * @throws what `ready` rejects with, `expired()`, or `signal.reason`.
 */
export async function withinDeadline(
  ready: Promise<void>,
  { timeoutMs, signal, expired }: Limits,
): Promise<number> {
  const since = performance.now();
  const over = new Deferred<never>();
  const unlink = onAbort(signal, over.reject);
  const stopDeadline = onDeadline(timeoutMs, () => {
    over.reject(expired());
  });
  try {
    await Promise.race([ready, over.promise]);
  } finally {
    stopDeadline();
    unlink();
  }
  return timeLeft(timeoutMs, since);
}
