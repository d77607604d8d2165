import type { Connect, Host } from "../../session/host.js";
import type { ThreadScope } from "../../session/requests/thread-scopes.js";

/** Brings the handlers and tools of a thread's handle to each connection that the handle gets. */
export function withScope(
  connect: Connect,
  threadId: string,
  scope: ThreadScope | undefined,
): Connect {
  if (scope === undefined) return connect;
  return async () => {
    const host = await connect();
    bindScope(host, threadId, scope);
    return host;
  };
}

export function bindScope(
  host: Pick<Host, "scopes">,
  threadId: string,
  scope: ThreadScope | undefined,
): void {
  if (scope?.handlers || scope?.tools) host.scopes.bind(threadId, scope);
}
