import { orAborted } from "./abort.js";
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
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  const over = new Deferred<void>();
  using _deadline = onDeadline(Math.min(ms, maxTimerMs), () => {
    over.resolve();
  });
  await orAborted(over.promise, signal);
}
