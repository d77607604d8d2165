import { defaultMaxListeners, getMaxListeners, setMaxListeners } from "node:events";
import { Deferred } from "./deferred.js";
import { nothingToUndo, undo, type Undo } from "./undo.js";

/** How many calls may share one signal before Node suspects a leak; `fetch` allows as many. */
const maxListeners = 1_500;

/**
 * Calls `listener` when `signal` aborts, but never before this function has returned: if the signal is
 * aborted already, in a microtask. A caller that must not begin then asks `signal.aborted` itself.
 *
 * Returns what takes the listener away. `{ once: true }` alone would leave one behind on every signal that
 * never aborts, and signals may live as long as the process.
 */
export function onAbort(
  signal: AbortSignal | undefined,
  listener: (reason: unknown) => void,
): Undo {
  if (!signal) return nothingToUndo;
  if (signal.aborted) {
    return soon(() => {
      listener(reasonOf(signal));
    });
  }
  const handle = (): void => {
    listener(reasonOf(signal));
  };
  allowListeners(signal, maxListeners);
  signal.addEventListener("abort", handle, { once: true });
  return undo(() => {
    signal.removeEventListener("abort", handle);
  });
}

/** Settles with `wait`, or rejects with the signal's reason when that comes first. */
export async function orAborted<T>(wait: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  const aborted = new Deferred<never>();
  using _link = onAbort(signal, aborted.reject);
  return await Promise.race([wait, aborted.promise]);
}

/** @throws `signal.reason` when it is aborted. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw reasonOf(signal);
}

/**
 * Whether `error` is what becomes of work that `signal` has ended: its reason, an error that was made of
 * it, or what Node and browsers throw themselves.
 */
export function isAbortOf(signal: AbortSignal, error: unknown): boolean {
  if (!signal.aborted) return false;
  if (error === signal.reason) return true;
  if (typeof error !== "object" || error === null) return false;
  const { name, cause } = error as { name?: unknown; cause?: unknown };
  return name === "AbortError" || cause === signal.reason;
}

/**
 * Lets so many listen to the signal before Node warns of a leak; 0 is any number. Node counts those of its
 * own signals only, and throws for others.
 */
export function allowListeners(signal: AbortSignal, count: number): void {
  try {
    if (getMaxListeners(signal) === defaultMaxListeners) setMaxListeners(count, signal);
  } catch {
    // One of jsdom, or of another library.
  }
}

/** Why it was aborted. Signals of older libraries do not say. */
export function reasonOf(signal: AbortSignal): unknown {
  const reason: unknown = signal.reason;
  return reason === undefined
    ? new DOMException("This operation was aborted", "AbortError")
    : reason;
}

function soon(callback: () => void): Undo {
  let isWanted = true;
  queueMicrotask(() => {
    if (isWanted) callback();
  });
  return undo(() => {
    isWanted = false;
  });
}
