import { onAbort, throwIfAborted } from "./async/abort.js";
import { Deferred } from "./async/deferred.js";
import { checkSignal } from "./checks.js";
import type { Connect, Host } from "./host.js";

/**
 * The connection for a call that `signal` may cancel. For one that was cancelled before, nothing is
 * started; one that is cancelled meanwhile does not wait for the start.
 *
 * @throws InvalidArgumentError for what is not a signal, `signal.reason`, or what `connect` throws.
 */
export async function untilConnected(
  connect: Connect,
  signal: AbortSignal | undefined,
): Promise<Host> {
  if (signal === undefined) return connect();
  checkSignal(signal);
  throwIfAborted(signal);
  const aborted = new Deferred<never>();
  const unlink = onAbort(signal, aborted.reject);
  try {
    const host = await Promise.race([connect(), aborted.promise]);
    throwIfAborted(signal);
    return host;
  } finally {
    unlink();
  }
}
