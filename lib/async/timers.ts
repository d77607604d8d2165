import { onAbort } from "./abort.js";

/** The longest delay that `setTimeout` takes (ms); it fires at once for a longer one. */
export const maxTimerMs = 2_147_483_647;

/**
 * Settles with `promise`, or with `"timeout"` after `ms` milliseconds. The timer does not keep the
 * process alive, and is gone when the promise settles first.
 */
export async function settleWithin<T>(promise: Promise<T>, ms: number): Promise<T | "timeout"> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<"timeout">((resolve) => {
    timer = setTimeout(resolve, ms, "timeout");
    timer.unref();
  });
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    clearTimeout(timer);
  }
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
