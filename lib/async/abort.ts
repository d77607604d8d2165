import { defaultMaxListeners, getMaxListeners, setMaxListeners } from "node:events";

/** How many calls may share one signal before Node suspects a leak; `fetch` allows as many. */
const maxListeners = 1_500;

/**
 * Calls `listener` when `signal` aborts, but never before this function has returned: of a signal that
 * is aborted already, in a microtask. Whatever must not begin then asks `signal.aborted` itself, at
 * once. Returns the function that unlinks. `{ once: true }` alone would leave a listener behind on
 * every signal that never aborts, and signals may live as long as the process.
 */
export function onAbort(
  signal: AbortSignal | undefined,
  listener: (reason: unknown) => void,
): () => void {
  if (!signal) return noop;
  if (signal.aborted)
    return soon(() => {
      listener(signal.reason);
    });
  const handle = (): void => {
    listener(signal.reason);
  };
  allowManyListeners(signal);
  signal.addEventListener("abort", handle, { once: true });
  return () => {
    signal.removeEventListener("abort", handle);
  };
}

/** @throws `signal.reason` when it is aborted. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw signal.reason;
}

/**
 * Whether it is an AbortSignal, known by what it does: jsdom and other realms have classes of their
 * own.
 */
export function isAbortSignal(value: unknown): value is AbortSignal {
  if (typeof value !== "object" || value === null) return false;
  const { aborted, addEventListener, removeEventListener } = value as Partial<AbortSignal>;
  return (
    typeof aborted === "boolean" &&
    typeof addEventListener === "function" &&
    typeof removeEventListener === "function"
  );
}

/** Node counts, and warns of, the listeners of its own signals only; for others it would throw. */
function allowManyListeners(signal: AbortSignal): void {
  if (!(signal instanceof AbortSignal)) return;
  if (getMaxListeners(signal) === defaultMaxListeners) setMaxListeners(maxListeners, signal);
}

function soon(callback: () => void): () => void {
  let isWanted = true;
  queueMicrotask(() => {
    if (isWanted) callback();
  });
  return () => {
    isWanted = false;
  };
}

function noop(): void {}
