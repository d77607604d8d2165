import type { Session } from "./session.js";
import { confirmEnd, undoneWhenLate } from "./confirm-end.js";
import type { RequestOptions } from "../jsonrpc/connection.js";

/**
 * Options for a request that opens a thread: if it is carried out after its deadline, when nobody
 * waits for the thread, this client lets go of it. The thread is not deleted.
 */
export function leavesLateThread(session: Session): RequestOptions {
  return undoneWhenLate("If it does, this client unsubscribes from the thread.", (result) => {
    const { thread } = (result ?? {}) as { thread?: { id?: unknown } | null };
    const threadId = thread?.id;
    if (typeof threadId !== "string" || session.isLoaded(threadId)) return;
    void confirmEnd(session, "thread/unsubscribe", { threadId });
  });
}
