import { isBeforeFirstTurn } from "../../errors/to-rpc-error.js";
import { MethodNotFoundError } from "../../errors/rpc-errors.js";
import type { Session } from "../../session/session.js";
import type { ParamsOf, ResultOf } from "../../protocol.js";

type HistoryMethod = "thread/turns/list" | "thread/items/list" | "thread/searchOccurrences";

/**
 * Asks for a page of what the server stores of a thread. Of one that has not run a turn yet that is
 * nothing, which the server takes for an error.
 *
 * @throws ThreadNotFoundError when there is no such thread; InvalidRequestError for an ephemeral one;
 * MethodNotFoundError for items of a thread that an old runtime stored.
 */
export async function listHistory<M extends HistoryMethod>(
  session: Session,
  method: M,
  params: ParamsOf<M>,
): Promise<ResultOf<M>> {
  try {
    return await session.call(method, params);
  } catch (error) {
    if (isBeforeFirstTurn(error) || (await neverRan(session, params.threadId, error))) {
      return { data: [], nextCursor: null, backwardsCursor: null } as ResultOf<M>;
    }
    throw error;
  }
}

/**
 * Of items the server says no more than that it cannot list them, whether the thread never ran, is
 * ephemeral, was stored by an old runtime or does not exist. Of turns it tells these apart.
 */
async function neverRan(session: Session, threadId: string, refusal: unknown): Promise<boolean> {
  if (!(refusal instanceof MethodNotFoundError) || refusal.method === turnsList) return false;
  try {
    await session.call(turnsList, { threadId, limit: 1, itemsView: "notLoaded" });
    return false;
  } catch (error) {
    if (isBeforeFirstTurn(error)) return true;
    if (error instanceof MethodNotFoundError) return false;
    throw error;
  }
}

const turnsList = "thread/turns/list";
