import type { ClientHandlers } from "../../server-requests/client-handlers.js";
import type { RequestTurns } from "./find-handler.js";
import { Lineage, type Family } from "./lineage.js";
import type { OpenRequest } from "../../server-requests/open-request.js";
import type { ThreadScopes } from "./thread-scopes.js";

/** What is known of the threads and handlers of this client. */
export interface OwnPlaces extends Family {
  readonly turns: RequestTurns;
  readonly threads: ThreadScopes;
  readonly client: ClientHandlers;
  /** Whether this client has started or resumed the thread. */
  readonly isLoaded: (threadId: string) => boolean;
  /** Whether this client has made the thread itself. */
  readonly isMade: (threadId: string) => boolean;
}

/**
 * Whether this client has a say in a request. On a shared server every answer counts, a refusal too:
 * what is asked about the threads of others is left to them. A thread is ours when this client has
 * started or resumed it, or has handlers for it, and so are the sub-agents of such.
 */
export async function isOurs({ threadId }: OpenRequest, places: OwnPlaces): Promise<boolean> {
  // About no thread: whoever has a handler answers.
  if (threadId === undefined) return true;
  const lineage = new Lineage(threadId, places);
  let id: string | undefined = threadId;
  while (id !== undefined) {
    if (places.isLoaded(id) || places.threads.has(id)) return true;
    id = (await lineage.parentOf(id, true))?.threadId;
  }
  return false;
}

/**
 * Whether another client may be the one that is meant, so that not even a refusal is sent: for what
 * is about no thread, and for calls of tools on a thread that somebody else has made, whose tools
 * they may be. Everything else is refused, so that no turn waits for an answer that never comes.
 */
export function mayBeOfOthers(
  { method, threadId }: OpenRequest,
  { subagents, isMade }: OwnPlaces,
): boolean {
  if (threadId === undefined) return true;
  if (method !== "item/tool/call") return false;
  let id: string | undefined = threadId;
  while (id !== undefined && !isMade(id)) id = subagents.parentOf(id)?.threadId;
  return id === undefined;
}
