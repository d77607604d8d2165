import type { OpenRequest } from "../../server-requests/open-request.js";
import type { HandlerPlaces } from "./find-handler.js";

/**
 * Whether this client has a say in a request. On a shared server every answer counts, a refusal too:
 * what is asked about the threads of others is left to them. A thread is ours when this client has
 * started or resumed it, or has handlers for it, and so are the sub-agents of such.
 */
export async function isOurs(
  { threadId }: OpenRequest,
  { threads, subagents, memory }: HandlerPlaces,
): Promise<boolean> {
  // About no thread: whoever has a handler answers.
  if (threadId === undefined) return true;
  for (const { threadId: id } of subagents.lineage(threadId, undefined)) {
    if (threads.find(id)?.isLoaded || memory.has(id)) return true;
    if (subagents.parentOf(id) === undefined) await subagents.ask(id);
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
  { threads, subagents }: HandlerPlaces,
): boolean {
  if (threadId === undefined) return true;
  if (method !== "item/tool/call") return false;
  const family = [...subagents.lineage(threadId, undefined)];
  return !family.some(({ threadId: id }) => threads.find(id)?.isMade);
}
