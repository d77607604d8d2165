import { defaultMaxListeners, getMaxListeners, setMaxListeners } from "node:events";

/** How many calls may share one signal before Node suspects a leak; `fetch` allows as many. */
const maxListeners = 1_500;

/**
 * Calls `listener` when `signal` aborts, at once when it already has. Returns the function that
 * unlinks. `{ once: true }` alone would leave a listener behind on every signal that never aborts,
 * and signals may live as long as the process.
 */
export function onAbort(
  signal: AbortSignal | undefined,
  listener: (reason: unknown) => void,
): () => void {
  if (!signal) return noop;
  if (signal.aborted) {
    listener(signal.reason);
    return noop;
  }
  const handle = (): void => {
    listener(signal.reason);
  };
  if (getMaxListeners(signal) === defaultMaxListeners) setMaxListeners(maxListeners, signal);
  signal.addEventListener("abort", handle, { once: true });
  return () => {
    signal.removeEventListener("abort", handle);
  };
}

function noop(): void {}
