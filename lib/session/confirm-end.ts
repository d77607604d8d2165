import { poll } from "../async/poll.js";
import { isDrop, TransportClosedError } from "../errors/connection-errors.js";
import { InvalidRequestError, MethodNotFoundError } from "../errors/rpc-errors.js";
import type { Session } from "./session.js";
import type { ClientRequestMethod, ParamsOf, ResultOf } from "../protocol.js";
import type { LateAnswer, RequestOptions } from "../jsonrpc/connection.js";
import { fieldOf } from "../messages/field-of.js";

/** The pauses before the server is asked again (ms), and how often it is: that takes more than two minutes. */
const pauses = { pauseMs: 50, maxPauseMs: 5_000, looks: 30 };

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
  const isEnded = (): boolean => ended.aborted;
  const ask = async (): Promise<{ readonly answer?: ResultOf<M> } | undefined> => {
    if (isEnded()) return {};
    try {
      // Over the connection that takes the place of this one, the same id may name something else.
      return { answer: await session.call(method, params, { timeoutMs: answerMs, signal: ended }) };
    } catch (error) {
      const isRefused =
        error instanceof InvalidRequestError || error instanceof MethodNotFoundError;
      // With its process, it has ended.
      const isGone = error instanceof TransportClosedError && !isDrop(error);
      return isRefused || isGone || isEnded() ? {} : undefined;
    }
  };
  const end = await poll(ask, { ...pauses, wake: session.closed });
  if (!end) {
    session.logger.warn(`The server has not confirmed ${method}: what it was to end may go on.`);
  }
  return end?.answer;
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

/**
 * Options for a request that opens a thread: if it is carried out after its deadline, when nobody
 * waits for the thread, this client lets go of it. The thread is not deleted.
 */
export function leavesLateThread(session: Session): RequestOptions {
  return undoneWhenLate("If it does, this client unsubscribes from the thread.", (result) => {
    const threadId = fieldOf(result, "thread", "id");
    if (typeof threadId !== "string" || session.isLoaded(threadId)) return;
    void confirmEnd(session, "thread/unsubscribe", { threadId });
  });
}
