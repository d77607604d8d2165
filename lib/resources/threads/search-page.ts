import type { ThreadSearchResponse, ThreadSearchResult } from "../../../generated/types.js";
import { settleWithin } from "../../async/timers.js";
import { RequestTimeoutError } from "../../errors/connection-errors.js";
import type { GetSession } from "../../session/session.js";
import { confirmEnd, undoneWhenLate } from "../../session/confirm-end.js";
import type { ParamsOf } from "../../protocol.js";
import { connectedFor } from "../../session/until-connected.js";

/** The params of the request. */
export type SearchQuery = ParamsOf<"thread/search">;

interface SearchPageOptions {
  /** Aborts when nobody wants the page any more. */
  readonly signal: AbortSignal;
  readonly timeoutMs: number | undefined;
  /** Gets what is found before the page is there; it must not throw. */
  readonly found: (results: readonly ThreadSearchResult[]) => void;
}

const method = "thread/search/stream";

/** How long `close()` waits for the server to stop (ms); the client goes on asking. */
const stopGraceMs = 10_000;

/**
 * Asks for a page of what `query` finds. When nobody waits for it any more, the search is cancelled on the
 * server, once.
 */
export async function searchPage(
  getSession: GetSession,
  query: SearchQuery,
  { signal, timeoutMs, found }: SearchPageOptions,
): Promise<ThreadSearchResponse> {
  const [session, left] = await connectedFor(getSession, method, { signal, timeoutMs });
  // The server knows the search by its request, on the connection that this was sent over.
  let running: { readonly stop: () => void; readonly cancel: () => Promise<unknown> } | undefined;
  // Called before anything that the server tells of the search can be read.
  const onSent = (requestId: number): void => {
    running?.stop();
    const { connectionSignal } = session;
    running = {
      stop: session.on("thread/search/partial", ({ params }) => {
        if (params.requestId === requestId) found(readable(params.data));
      }),
      cancel: () =>
        confirmEnd(session, "thread/search/stream/cancel", { requestId }, connectionSignal),
    };
  };
  const late = undoneWhenLate("This client has asked it to cancel the search.", () => undefined);
  try {
    return await session.call(method, query, { ...left, ...late, onSent });
  } catch (error) {
    if (running && signal.aborted) await settleWithin(running.cancel(), stopGraceMs);
    else if (running && error instanceof RequestTimeoutError) void running.cancel();
    throw error;
  } finally {
    running?.stop();
  }
}

/** The id of the thread that was found, if it has one. */
export function foundIdOf(result: ThreadSearchResult): string | undefined {
  // Whatever a server may send.
  const { thread } = (result as { thread?: { id?: unknown } | null } | null) ?? {};
  return typeof thread?.id === "string" ? thread.id : undefined;
}

/** Threads that were found early and have an id; the page brings the rest. */
function readable(data: unknown): readonly ThreadSearchResult[] {
  if (!Array.isArray(data)) return [];
  return (data as ThreadSearchResult[]).filter((result) => foundIdOf(result) !== undefined);
}
