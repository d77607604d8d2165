import { types } from "node:util";

// An object may come from another realm than this code: jest runs tests in one of their own, jsdom has
// classes of its own, and so have a `vm` context and a window of Electron. `instanceof` knows none of
// these, so here they are known by what they are made of, or by what they do.

/**
 * Whether it is an AbortSignal, of whatever library: it tells that it is aborted, and of the event. Older
 * ones, such as those of jsdom 19, have no `reason`.
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

/** Whether these are bytes; a Buffer is a Uint8Array, too. */
export function isBytes(value: unknown): value is Uint8Array {
  return types.isUint8Array(value);
}

export function isDate(value: unknown): value is Date {
  return types.isDate(value);
}

/** Whether JSON would write it as if it were empty, or as a list of numbered bytes. */
export function isCollection(value: unknown): boolean {
  return (
    types.isMap(value) ||
    types.isSet(value) ||
    types.isAnyArrayBuffer(value) ||
    ArrayBuffer.isView(value)
  );
}

/** In a test of jest, errors that Node itself throws are of another realm, too. */
export function isError(value: unknown): value is Error {
  return types.isNativeError(value) || value instanceof Error || isDomException(value);
}

function isDomException(value: unknown): boolean {
  return Object.prototype.toString.call(value) === "[object DOMException]";
}

/** Lets the process end before the timer fires. In jsdom and in a browser's window a timer is a number. */
export function unref(timer: NodeJS.Timeout): void {
  (timer as Partial<NodeJS.Timeout>).unref?.();
}
