import type { Host } from "../host.js";
import type { RequestOptions } from "../rpc/connection.js";

/**
 * Options for a request that opens a thread: if it is carried out after its deadline, when nobody
 * waits for the thread, this client lets go of it. The thread is not deleted.
 */
export function leavesLateThread(host: Host): RequestOptions {
  return {
    late: {
      consequence: "If it does, this client unsubscribes from the thread.",
      answered: (result) => {
        const { thread } = (result ?? {}) as { thread?: { id?: unknown } | null };
        const threadId = thread?.id;
        if (typeof threadId !== "string" || host.isLoaded(threadId)) return;
        // There is nobody to tell when that fails, too.
        host.call("thread/unsubscribe", { threadId }).catch(() => undefined);
      },
    },
  };
}
