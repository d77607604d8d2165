import { settleWithin } from "../async/timers.js";
import { ThreadNotFoundError } from "../errors/rpc-errors.js";
import type { Session } from "../session/session.js";
import type { ClientRequestMethod, ParamsOf, ResultOf } from "../protocol.js";
import { retryOnOverload } from "../jsonrpc/retry.js";

/** How long each question may take to be answered (ms). */
const answerGraceMs = 5_000;

/** How long a question that a busy server refuses may take with all its repetitions (ms). */
const statusGraceMs = 10_000;

/** Asked again while the server is too busy, whatever the client is set to: nobody else would. */
export function askServer<M extends ClientRequestMethod>(
  session: Session,
  method: M,
  params: ParamsOf<M>,
): Promise<ResultOf<M>> {
  const { signal } = session;
  return retryOnOverload(() => session.call(method, params, { timeoutMs: answerGraceMs }), {
    signal,
  });
}

/**
 * Whether the server runs a turn on the thread; `"unknown"` when it does not say so in time. A thread
 * that it does not know is idle. Never rejects, and takes a bounded time.
 */
export async function readThreadStatus(
  session: Session,
  threadId: string,
): Promise<"active" | "idle" | "unknown"> {
  try {
    const answer = await settleWithin(
      askServer(session, "thread/read", { threadId }),
      statusGraceMs,
    );
    if (answer === "timeout") return "unknown";
    const type: unknown = answer.thread.status.type;
    if (typeof type !== "string") return "unknown";
    return type === "active" ? "active" : "idle";
  } catch (error) {
    return error instanceof ThreadNotFoundError ? "idle" : "unknown";
  }
}
