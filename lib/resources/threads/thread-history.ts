import { isBeforeFirstTurn } from "../../errors/to-rpc-error.js";
import { MethodNotFoundError } from "../../errors/rpc-errors.js";
import { pageAt, Pages, type PageAnswer } from "../../options/pages.js";
import type { ParamsOf } from "../../protocol.js";
import type { GetSession, Session } from "../../session/session.js";
import type { EntryOf } from "../resource.js";

type HistoryMethod = "thread/turns/list" | "thread/items/list" | "thread/searchOccurrences";

/**
 * What the server stores of a thread, page by page. Of one that has not run a turn yet that is nothing,
 * which the server takes for an error.
 */
export function historyPages<M extends HistoryMethod>(
  getSession: GetSession,
  method: M,
  params: Omit<ParamsOf<M>, "cursor">,
): Pages<EntryOf<M>> {
  return new Pages(async (cursor) => {
    const session = await getSession();
    const page = pageAt(params, cursor) as ParamsOf<M>;
    try {
      const answer = await session.call(method, page);
      return answer as PageAnswer<unknown> as PageAnswer<EntryOf<M>>;
    } catch (error) {
      if (isBeforeFirstTurn(error) || (await neverRan(session, page.threadId, error))) {
        return { data: [], nextCursor: null, backwardsCursor: null };
      }
      throw error;
    }
  });
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
