import pRetry from "p-retry";
import { onAbort, throwIfAborted } from "../async/abort.js";
import { checkOptions } from "../errors/check-options.js";
import {
  abortSignal,
  amount,
  callback,
  checkFields,
  checkOrder,
  flag,
  whole,
  type RulesOf,
} from "../errors/check-values.js";
import { copyError } from "../errors/connection-errors.js";
import { RetryLimitExceededError, ServerBusyError } from "../errors/rpc-errors.js";

export interface RetryOptions {
  /** How often to try again after the first attempt (default 5). */
  retries?: number | undefined;
  /** Wait before the first retry (ms, default 100). */
  minTimeoutMs?: number | undefined;
  /** Longest wait between two attempts (ms, default 5,000). */
  maxTimeoutMs?: number | undefined;
  /** The factor by which each wait is longer than the one before (default 2). */
  factor?: number | undefined;
  /** Stretches each wait by a random factor from 1 to 2, so that clients do not come back in step (default true). */
  jitter?: boolean | undefined;
  /** Stops waiting and trying; the call rejects with `signal.reason`. */
  signal?: AbortSignal | undefined;
  /**
   * Called before each wait, which begins when it has settled. What it throws ends the call of
   * `retryOnOverload()`; as an option of a client, it goes to `onError`, and nothing waits for it.
   */
  onRetry?: ((error: ServerBusyError, attempt: number) => void) | undefined;
}

export const retryRules: RulesOf<RetryOptions> = {
  retries: whole(0),
  minTimeoutMs: amount,
  maxTimeoutMs: amount,
  factor: amount,
  jitter: flag,
  signal: abortSignal,
  onRetry: callback,
};

/**
 * Whether repeating the call unchanged is safe and may help: true only for a ServerBusyError whose
 * request the server never ran. A time-out is not: the outcome is unknown.
 */
export function isRetryableError(error: unknown): error is ServerBusyError {
  return error instanceof ServerBusyError && !(error instanceof RetryLimitExceededError);
}

/**
 * Calls `operation` again, with growing pauses, as long as the server is too busy to take it.
 * Every other error is thrown at once.
 *
 * @throws RetryLimitExceededError, a ServerBusyError with the number of attempts, after the last.
 */
export async function retryOnOverload<T>(
  operation: (attempt: number) => Promise<T> | T,
  options: RetryOptions = {},
): Promise<T> {
  checkOptions("retryOnOverload()", options, retryRules);
  const retry = resolveRetry(options);
  throwIfAborted(retry.signal);
  try {
    return await operation(1);
  } catch (error) {
    if (!isRetryableError(error)) throw error;
    return await repeat(operation, error, retry);
  }
}

/**
 * The same for a request, with pauses that end when the connection is over, too: `closed` then aborts,
 * with a TransportClosedError. Nearly every request is taken at its first attempt, which costs nothing more.
 */
export async function retryWhileOpen(
  method: string,
  send: () => Promise<unknown>,
  retry: RetryOptions,
  { signal, closed }: { signal: AbortSignal | undefined; closed: AbortSignal },
): Promise<unknown> {
  throwIfAborted(signal);
  try {
    return await send();
  } catch (refusal) {
    if (!isRetryableError(refusal)) throw refusal;
    try {
      return await repeat(send, refusal, { ...resolveRetry(retry), signal }, closed);
    } catch (error) {
      // In a pause: what was sent before was refused, so the server has nothing left of it to carry out.
      throw error === closed.reason ? copyError(error, method, false) : error;
    }
  }
}

/** Makes all attempts after the first, which was refused, until one of the signals aborts. */
async function repeat<T>(
  operation: (attempt: number) => Promise<T> | T,
  refusal: ServerBusyError,
  retry: ReturnType<typeof resolveRetry>,
  closed?: AbortSignal,
): Promise<T> {
  const { retries, minTimeoutMs, maxTimeoutMs, factor, jitter, signal, onRetry } = retry;
  throwIfAborted(signal);
  throwIfAborted(closed);
  // The caller's signal need only fire its event: it may be of another library.
  const stop = new AbortController();
  const abort = (reason: unknown): void => {
    stop.abort(reason);
  };
  using _caller = onAbort(signal, abort);
  using _connection = onAbort(closed, abort);
  let attempts = 1;
  let outcome: { readonly value: T } | { readonly error: unknown } | undefined;
  try {
    await pRetry(
      async (attempt) => {
        attempts = attempt;
        try {
          // The first attempt has been made already.
          if (attempt === 1) throw refusal;
          outcome = { value: await operation(attempt) };
        } catch (error) {
          // What is not to be repeated is kept out of p-retry, which wraps what is not an Error and
          // would itself repeat a DOM AbortError.
          if (isRetryableError(error)) throw error;
          outcome = { error };
        }
      },
      {
        retries,
        minTimeout: minTimeoutMs,
        maxTimeout: maxTimeoutMs,
        factor,
        randomize: jitter,
        signal: stop.signal,
        shouldRetry: ({ error }) => isRetryableError(error),
        onFailedAttempt: async ({ error, attemptNumber, retriesLeft }) => {
          if (!isRetryableError(error) || retriesLeft === 0) return;
          await (onRetry?.(error, attemptNumber) as unknown);
        },
      },
    );
  } catch (error) {
    // An operation that has settled counts, even if the signal aborted in the same moment.
    if (!outcome) {
      throwIfAborted(stop.signal);
      throw isRetryableError(error) ? new RetryLimitExceededError(error, attempts) : error;
    }
  }
  if (!outcome) throw new TypeError("The operation was not called: p-retry settled without it.");
  if ("value" in outcome) return outcome.value;
  throw outcome.error;
}

/**
 * The options with every default filled in. `path` goes before the name of an option in errors.
 *
 * @throws InvalidArgumentError
 */
export function resolveRetry(options: RetryOptions, path?: string) {
  checkFields(options, retryRules, path);
  const {
    retries = 5,
    minTimeoutMs = 100,
    maxTimeoutMs = 5_000,
    factor = 2,
    jitter = true,
  } = options;
  const { signal, onRetry } = options;
  checkOrder({ minTimeoutMs, maxTimeoutMs }, path);
  return { retries, minTimeoutMs, maxTimeoutMs, factor, jitter, signal, onRetry };
}
