import type { GetSession, Session } from "../../session/session.js";
import type { ThreadScope } from "../../session/thread-memory.js";

/** Brings the handlers, the tools and the budget of a thread's handle to each connection that the handle gets. */
export function withScope(
  getSession: GetSession,
  threadId: string,
  scope: ThreadScope | undefined,
): GetSession {
  if (scope === undefined) return getSession;
  return async (toBegin) => {
    const session = await getSession(toBegin);
    bindScope(session, threadId, scope);
    return session;
  };
}

export function bindScope(
  session: Pick<Session, "memory" | "usage">,
  threadId: string,
  scope: ThreadScope | undefined,
): void {
  if (scope?.handlers || scope?.tools) session.memory.bind(threadId, scope);
  if (scope?.budget) session.usage.budgets.bindThread(threadId, scope, scope.budget);
}
