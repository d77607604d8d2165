import { JsonRpcError, ServerBusyError } from "../errors/rpc-errors.js";
import type { Call } from "./call.js";
import type { LoadQuestions } from "./load-watch.js";

/** How long each answer may take (ms): a turn waits for them. */
const answerGraceMs = 5_000;

const options = { timeoutMs: answerGraceMs };

/**
 * What tells whether the server starts a turn when it loads a thread. It answers all of this of threads
 * that are not loaded, too. Without the experimental methods it does not tell what is queued.
 */
export function loadQuestions(
  call: Call,
  threadId: string,
  { experimentalApi }: { experimentalApi: boolean },
): LoadQuestions {
  return {
    async queue() {
      if (!experimentalApi) return undefined;
      return listQueue(call, threadId).catch(() => undefined);
    },
    async hasActiveGoal() {
      try {
        const { goal }: { goal: unknown } = await call("thread/goal/get", { threadId }, options);
        return (goal as { status?: unknown } | null | undefined)?.status === "active";
      } catch {
        // A server without goals, or one that will not load the thread either.
        return false;
      }
    },
    async standsStill() {
      const newest = { limit: 1, sortDirection: "desc", itemsView: "notLoaded" } as const;
      try {
        const { data } = await call("thread/turns/list", { threadId, ...newest }, options);
        const [turn] = Array.isArray(data) ? data : [];
        // A turn that ended with its process is listed as interrupted, too, but as never completed.
        return turn?.status === "interrupted" && typeof turn.completedAt === "number";
      } catch {
        return false;
      }
    },
  };
}

/**
 * The ids of all that is queued, 100 being the most that the server keeps for a thread.
 *
 * @throws ServerBusyError, RequestTimeoutError or TransportClosedError: there may be something.
 */
export async function listQueue(call: Call, threadId: string): Promise<string[]> {
  const page = { threadId, limit: 100 };
  try {
    const { data }: { data: unknown } = await call("thread/queue/list", page, options);
    return Array.isArray(data) ? (data as { id: string }[]).map(({ id }) => id) : [];
  } catch (error) {
    // A server that refuses to list the queue of a thread has none for it.
    if (error instanceof JsonRpcError && !(error instanceof ServerBusyError)) return [];
    throw error;
  }
}
