import { isAppServerError, type AppServerError } from "../../errors/base.js";
import type { TransportClosedError } from "../../errors/connection-errors.js";

/** By these `ai` knows its errors, whichever copy of it has made them. */
const markers = ["vercel.ai.error", "vercel.ai.error.AI_APICallError"].map((name) =>
  Symbol.for(name),
);

/** Errors of a server that is not there, or too busy: it has not begun the turn. */
const passing = new Set([
  "SERVER_BUSY",
  "RETRY_LIMIT_EXCEEDED",
  "SERVER_DRAINING",
  "CONNECT_FAILED",
]);

/**
 * Makes `ai` repeat a call (`maxRetries`) that failed before the server had anything to carry out. It repeats
 * nothing but its own `APICallError`, which is not imported here; so the error is given what `ai` looks at. The
 * error stays the same in all else. What may have run is not repeated: a command could run twice.
 */
export function markRetryable(error: unknown): unknown {
  if (!isAppServerError(error) || !isPassing(error)) return error;
  for (const marker of markers) Object.defineProperty(error, marker, { value: true });
  Object.defineProperty(error, "isRetryable", { value: true });
  return error;
}

function isPassing(error: AppServerError): boolean {
  if (passing.has(error.code)) return true;
  // After `close()` there is no other server to go to.
  if (error.code !== "TRANSPORT_CLOSED" || error.sent) return false;
  const { reason } = error as AppServerError & Pick<TransportClosedError, "reason">;
  return reason.kind !== "closed";
}
