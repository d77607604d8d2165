/**
 * Calls a function of the caller's whose outcome nobody waits for. `failed` gets what it throws, or what
 * the promise rejects with that it returns; without that, a rejection would end the host.
 */
export function callSafely(callback: () => unknown, failed: (error: unknown) => void): void {
  try {
    handleOutcome(callback(), failed);
  } catch (error) {
    failed(error);
  }
}

/** Sees to a promise that such a function has returned, be it of another realm or another library. */
export function handleOutcome(outcome: unknown, failed: (error: unknown) => void): void {
  if (isPromise(outcome)) void Promise.resolve(outcome).then(undefined, failed);
}

/** Whether a value is a promise, be it of another realm or another library. */
export function isPromise(value: unknown): value is PromiseLike<unknown> {
  if (typeof value !== "object" || value === null) return false;
  return typeof (value as { then?: unknown }).then === "function";
}
