import { onAbort, throwIfAborted } from "../async/abort.js";
import { copyError } from "../errors/connection-errors.js";
import { retryOnOverload, type RetryOptions } from "./retry.js";

interface RetrySignals {
  readonly signal: AbortSignal | undefined;
  /** Aborts, with a TransportClosedError, when the connection is over. */
  readonly closed: AbortSignal;
}

/** `retryOnOverload`, with pauses that end when the connection is over, too. */
export async function retryWhileOpen(
  method: string,
  send: () => Promise<unknown>,
  retry: RetryOptions,
  { signal, closed }: RetrySignals,
): Promise<unknown> {
  throwIfAborted(signal);
  const stop = new AbortController();
  const abort = (reason: unknown): void => {
    stop.abort(reason);
  };
  using _caller = onAbort(signal, abort);
  using _connection = onAbort(closed, abort);
  try {
    return await retryOnOverload(send, { ...retry, signal: stop.signal });
  } catch (error) {
    // In a pause: what was sent before was refused, so the server has nothing left of it to carry out.
    throw error === closed.reason ? copyError(error, method, false) : error;
  }
}
