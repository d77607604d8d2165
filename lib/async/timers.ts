import { onAbort } from "./abort.js";
import { maxTimerMs, onDeadline } from "./deadline.js";
import { Deferred } from "./deferred.js";

/**
 * Settles with `promise`, or with `"timeout"` at a deadline of `ms` milliseconds. The deadline does not
 * keep the process alive, and is gone when the promise settles first.
 */
export async function settleWithin<T>(promise: Promise<T>, ms: number): Promise<T | "timeout"> {
  const timeout = new Deferred<"timeout">();
  const expire = (): void => {
    timeout.resolve("timeout");
  };
  using _deadline = onDeadline(ms, expire, { unref: true });
  return await Promise.race([promise, timeout.promise]);
}

/** Resolves after `ms` milliseconds; rejects with the signal's reason when that comes first. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const expire = (): void => {
      unlink();
      resolve();
    };
    const timer = setTimeout(expire, Math.min(ms, maxTimerMs));
    const unlink = onAbort(signal, (reason) => {
      clearTimeout(timer);
      // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- an abort reason may be anything
      reject(reason);
    });
  });
}
