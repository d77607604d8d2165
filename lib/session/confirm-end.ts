import { settleWithin } from "../async/timers.js";
import { isDrop, TransportClosedError } from "../errors/connection-errors.js";
import { InvalidRequestError, MethodNotFoundError } from "../errors/rpc-errors.js";
import type { Session } from "./session.js";
import type { ClientRequestMethod, ParamsOf, ResultOf } from "../protocol.js";
import type { LateAnswer, RequestOptions } from "../jsonrpc/connection.js";

/** The shortest and the longest pause before the server is asked again (ms). */
const minPauseMs = 50;
const maxPauseMs = 5_000;

/** How often it is asked. With the pauses, that takes more than two minutes. */
const maxAttempts = 30;

/** How long each answer may take (ms). */
const answerMs = 10_000;

/**
 * Asks the server to end something that nobody waits for any more, again and again until it does: when
 * it is too busy, does not answer, or fails. A refusal says that there is nothing to be ended. What it
 * has not confirmed in the end is logged. Resolves with the answer, if one came; never rejects.
 *
 * `ended`: aborts when what is to be ended is gone (default: when the connection is over for good); for
 * what the server ends with the connection that it came from, its `connectionSignal`.
 */
export async function confirmEnd<M extends ClientRequestMethod>(
  session: Session,
  method: M,
  params: ParamsOf<M>,
  ended: AbortSignal = session.signal,
): Promise<ResultOf<M> | undefined> {
  let pauseMs = minPauseMs;
  for (let attempt = 0; attempt < maxAttempts && !ended.aborted; attempt += 1) {
    try {
      // Over the connection that takes the place of this one, the same id may name something else.
      return await session.call(method, params, { timeoutMs: answerMs, signal: ended });
    } catch (error) {
      if (error instanceof InvalidRequestError || error instanceof MethodNotFoundError) return;
      // With its process, it has ended.
      if (error instanceof TransportClosedError && !isDrop(error)) return;
    }
    await settleWithin(session.closed, pauseMs);
    pauseMs = Math.min(2 * pauseMs, maxPauseMs);
  }
  if (ended.aborted) return;
  session.logger.warn(`The server has not confirmed ${method}: what it was to end may go on.`);
}

/**
 * Options for a request that sets something going: if it is carried out when nobody waits for the answer
 * any more, `undo` is called with that answer. It must not throw. `consequence` is a sentence for the
 * error that tells of the deadline.
 */
export function undoneWhenLate(
  consequence: string,
  undo: LateAnswer["answered"],
): Pick<RequestOptions, "late"> {
  return { late: { consequence, answered: undo } };
}
