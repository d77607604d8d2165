import type { ThreadGoal } from "../../generated/types.js";
import { Deferred } from "../async/deferred.js";
import { InvalidRequestError, JsonRpcError, ThreadNotFoundError } from "../errors/rpc-errors.js";
import { says } from "../errors/server-sentences.js";
import type { Session } from "../session/session.js";

/**
 * Takes away the goal that the thread has: setting another would only change it, its status and the
 * tokens it has used included. A turn for the old goal may be about to start although it is gone: then its
 * end is waited for.
 */
export async function clearOldGoal(
  session: Session,
  threadId: string,
  over: Promise<unknown>,
): Promise<void> {
  const { goal }: { goal?: unknown } = await session.call("thread/goal/get", { threadId });
  if (!goal) return;
  const turnEnded = new Deferred<void>();
  const stop = session.on("turn/completed", ({ params }) => {
    if (params.threadId === threadId) turnEnded.resolve();
  });
  try {
    await session.call("thread/goal/clear", { threadId });
    // Of a thread that is not loaded here, loading it will tell.
    if (session.isLoaded(threadId) && (await runsTurn(session, threadId))) {
      await Promise.race([turnEnded.promise, over]);
    }
  } finally {
    stop();
  }
}

/** Pauses the goal; undefined when there is none to pause any more. */
export async function pauseGoal(
  session: Session,
  threadId: string,
): Promise<ThreadGoal | undefined> {
  try {
    return (await session.call("thread/goal/set", { threadId, status: "paused" })).goal;
  } catch (error) {
    if (error instanceof InvalidRequestError) return undefined;
    throw error;
  }
}

/**
 * Whether the server runs a turn on the thread, or is about to say that it does. The status of the
 * thread lags behind, and a turn that is just starting is announced only after the answers to what
 * came before it. But the server looks at the turn itself when it is to be steered: by an id that no
 * turn has, it refuses in either case, and its words tell which it is.
 */
export async function runsTurn(session: Session, threadId: string): Promise<boolean> {
  const input = [{ type: "text" as const, text: "Go on.", text_elements: [] }];
  try {
    await session.call("turn/steer", { threadId, expectedTurnId: "none", input });
    return true;
  } catch (error) {
    if (!(error instanceof JsonRpcError)) throw error;
    if (error instanceof ThreadNotFoundError) return false;
    return !says(error.serverMessage, "noActiveTurn");
  }
}
