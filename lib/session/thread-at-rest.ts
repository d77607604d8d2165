import { GoalsUnavailableError, MethodNotFoundError } from "../errors/rpc-errors.js";
import { hasActiveGoal } from "../messages/goal-status.js";
import type { Call } from "./call.js";

/** How long each answer may take (ms). */
const timeoutMs = 10_000;

/**
 * Asks the server what only it knows of a loaded thread: resolves with whether it has nothing to do for it, no queue, no
 * active goal and no background command, and could load it again. Never rejects.
 */
export async function isThreadAtRest(call: Call, threadId: string): Promise<boolean> {
  const first = { threadId, limit: 1 };
  try {
    const [queue, goal, commands, turns] = await Promise.all([
      call("thread/queue/list", first, { timeoutMs }).catch(noneWhereUnknown),
      call("thread/goal/get", { threadId }, { timeoutMs }).catch(noneWhereUnknown),
      call("thread/backgroundTerminals/list", first, { timeoutMs }),
      call("thread/turns/list", { ...first, itemsView: "notLoaded" }, { timeoutMs }),
    ]);
    const isQueued = queue !== undefined && queue.data.length > 0;
    const isStored = turns.data.length > 0;
    return !isQueued && !hasActiveGoal(goal) && commands.data.length === 0 && isStored;
  } catch {
    // What the server does not tell may be something.
    return false;
  }
}

/** A server that does not know queues, or goals, works for none. */
function noneWhereUnknown(error: unknown): undefined {
  const isUnknown = error instanceof MethodNotFoundError || error instanceof GoalsUnavailableError;
  if (!isUnknown) throw error;
}
