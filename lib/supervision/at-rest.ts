import { inParallel } from "../async/in-parallel.js";
import type { ResultOf } from "../protocol.js";
import type { Call } from "../session/call.js";
import type { Session } from "../session/session.js";
import { isThreadAtRest } from "../session/thread-at-rest.js";
import { otherTurns } from "../session/turns-in-progress.js";

/** How many threads the server is asked about at a time: each costs five requests at most. */
const atOnce = 4;

/** How long each answer may take (ms). */
const timeoutMs = 10_000;

/**
 * Whether nobody here would miss the connection: no turn, goal, request or question is open, and nobody follows what
 * the server tells over this connection.
 */
export function isQuiet(session: Session): boolean {
  const { activity, connection, hub, rateLimits, requests, threads, work } = session;
  const isFollowed = hub.isFollowed || rateLimits.isFollowed;
  const isBusy = activity.isUnderWay || work.all.length > 0 || requests.pending().length > 0;
  if (isFollowed || isBusy || session.hasUnknownWork || connection.isDown) return false;
  // Of a voice session the server tells nothing when it is asked.
  const kept = threads.idsOf(({ isInUse, isLoaded, use }) => isInUse || (isLoaded && use.isSpoken));
  return otherTurns(session).length === 0 && kept.length === 0;
}

/**
 * Asks the server whether it works for no thread, and could load again all that it has loaded. On a server that other
 * clients use, too, only the threads of this one count. Never rejects.
 */
export async function isServerAtRest(session: Session): Promise<boolean> {
  // Past what counts the requests of this client, since nobody has asked for these.
  const call = ((...args) => session.connection.request(...args)) as Call;
  try {
    const ids = session.shared
      ? session.threads.idsOf(({ isLoaded }) => isLoaded)
      : await loadedThreads(call);
    let isAtRest = true;
    await inParallel(ids, atOnce, async (threadId) => {
      if (!isAtRest) return;
      // Of the turns of these, this client is not told.
      const mayRun = !session.isLoaded(threadId) && (await isActive(call, threadId));
      if (mayRun || !(await isThreadAtRest(call, threadId))) isAtRest = false;
    });
    return isAtRest;
  } catch {
    // What the server does not tell may be something.
    return false;
  }
}

/** @throws Error when there are more than can be asked about. */
async function loadedThreads(call: Call): Promise<readonly string[]> {
  const ids: string[] = [];
  let cursor: string | null = null;
  do {
    const page: ResultOf<"thread/loaded/list"> = await call(
      "thread/loaded/list",
      { cursor },
      { timeoutMs },
    );
    ids.push(...page.data);
    cursor = page.nextCursor;
    // Among those that were not listed one may run.
    if (cursor !== null && ids.length >= maxThreads)
      throw new Error("Too many threads are loaded.");
  } while (cursor !== null);
  return ids;
}

/** A server that lists more than this would be asked for longer than it would be idle. */
const maxThreads = 10_000;

async function isActive(call: Call, threadId: string): Promise<boolean> {
  const { thread } = await call("thread/read", { threadId, includeTurns: false }, { timeoutMs });
  return thread.status.type === "active";
}
