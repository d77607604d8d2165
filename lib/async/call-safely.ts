/**
 * Calls a function of the caller's whose outcome nobody waits for. `failed` gets what it throws, or what
 * the promise rejects with that it returns; without that, a rejection would end the host.
 */
export function callSafely(callback: () => unknown, failed: (error: unknown) => void): void {
  try {
    const outcome = callback();
    // Of another realm or another library, too.
    if (isThenable(outcome)) void Promise.resolve(outcome).then(undefined, failed);
  } catch (error) {
    failed(error);
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  if (typeof value !== "object" || value === null) return false;
  return typeof (value as { then?: unknown }).then === "function";
}
