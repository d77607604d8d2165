import { checkSignal } from "../options/checks.js";
import type { Connect, Host } from "./host.js";
import type { RequestOptions } from "../jsonrpc/connection.js";
import { beforeRequest } from "../jsonrpc/within-deadline.js";

const notConnected = "the server had not started, or was not connected, yet";

/**
 * The connection for a call that `signal` may cancel. For one that was cancelled before, nothing is
 * started; one that is cancelled meanwhile does not wait for the start, which goes on for others.
 *
 * @throws InvalidArgumentError for what is not a signal, `signal.reason`, or what `connect` throws.
 */
export async function untilConnected(
  connect: Connect,
  signal: AbortSignal | undefined,
): Promise<Host> {
  checkSignal(signal);
  const [host] = await beforeRequest("", { signal }, { prepare: connect, since: notConnected });
  return host;
}

/**
 * The same for a request of `method`, whose `timeoutMs` counts from now on. Resolves with its options,
 * less the time that has passed, too.
 *
 * @throws RequestTimeoutError, and what `untilConnected` throws.
 */
export async function connectedFor<Options extends RequestOptions>(
  connect: Connect,
  method: string,
  options: Options,
): Promise<[Host, Options]> {
  checkSignal(options.signal);
  return beforeRequest(method, options, { prepare: connect, since: notConnected });
}
