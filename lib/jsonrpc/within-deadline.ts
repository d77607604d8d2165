import { onAbort, throwIfAborted } from "../async/abort.js";
import { onDeadline, timeLeft } from "../async/deadline.js";
import { Deferred, ignoreRejection } from "../async/deferred.js";
import { RequestTimeoutError, unsent } from "../errors/connection-errors.js";
import { checkTimeout } from "../errors/check-values.js";

/**
 * Waits for what must be done before a request can be sent, say. Resolves with what is left of the
 * time (ms): 0 when it is up, and more than 0 otherwise.
 *
 * @throws what `ready` rejects with, or `signal.reason`.
 */
export async function withinDeadline(
  ready: Promise<unknown>,
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<number> {
  const since = performance.now();
  const over = new Deferred<0>();
  using _link = onAbort(signal, over.reject);
  using _deadline = onDeadline(timeoutMs, () => {
    over.resolve(0);
  });
  const left = ready.then(() => timeLeft(timeoutMs, since));
  return await Promise.race([left, over.promise]);
}

/** The work before a request can be sent. */
interface Preparation<T> {
  readonly prepare: () => Promise<T>;
  /** Why the request was not sent, when this takes too long: the rest of a sentence. */
  readonly since: string;
}

/**
 * Does what must be done before a request of `method` can be sent, within the signal and the `timeoutMs`
 * that it was given. Resolves with what that came to, and with the options of the request less the time
 * that has passed.
 *
 * @throws InvalidArgumentError before anything is done, RequestTimeoutError, `signal.reason`, or what
 * `prepare` rejects with.
 */
export async function beforeRequest<
  T,
  Options extends { signal?: AbortSignal | undefined; timeoutMs?: number | undefined },
>(method: string, options: Options, { prepare, since }: Preparation<T>): Promise<[T, Options]> {
  const { signal, timeoutMs = Infinity } = options;
  throwIfAborted(signal);
  checkTimeout(timeoutMs);
  const prepared = ignoreRejection(beforeSending(method, prepare()));
  const leftMs = await withinDeadline(prepared, timeoutMs, signal);
  if (leftMs === 0) throw new RequestTimeoutError(method, timeoutMs, { since });
  throwIfAborted(signal);
  return [await prepared, timeoutMs === Infinity ? options : { ...options, timeoutMs: leftMs }];
}

/** The same; what it rejects with says that the request of `method` was not sent. */
export async function beforeSending<T>(method: string, preparation: Promise<T>): Promise<T> {
  try {
    return await preparation;
  } catch (error) {
    throw unsent(error, method);
  }
}
