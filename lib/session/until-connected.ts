import { checkSignal } from "../errors/check-values.js";
import type { GetSession, Session } from "./session.js";
import type { RequestOptions } from "../jsonrpc/connection.js";
import { beforeRequest } from "../jsonrpc/within-deadline.js";

const notConnected = "the server had not started, or was not connected, yet";

/**
 * The connection for a call that `signal` may cancel. For one that was cancelled before, nothing is
 * started; one that is cancelled meanwhile does not wait for the start, which goes on for others.
 *
 * @throws InvalidArgumentError for what is not a signal, `signal.reason`, or what `getSession` throws.
 */
export async function untilConnected(
  getSession: GetSession,
  signal: AbortSignal | undefined,
): Promise<Session> {
  checkSignal(signal);
  const [session] = await beforeRequest(
    "",
    { signal },
    { prepare: () => getSession(), since: notConnected },
  );
  return session;
}

/**
 * The same for a request of `method`, whose `timeoutMs` counts from now on. Resolves with its options,
 * less the time that has passed, too. `toBegin`: see GetSession.
 *
 * @throws RequestTimeoutError, and what `untilConnected` throws.
 */
export async function connectedFor<Options extends RequestOptions>(
  getSession: GetSession,
  method: string,
  options: Options,
  toBegin?: string,
): Promise<[Session, Options]> {
  checkSignal(options.signal);
  const prepare = () => getSession(toBegin);
  return beforeRequest(method, options, { prepare, since: notConnected });
}
