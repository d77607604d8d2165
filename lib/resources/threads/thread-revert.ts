import type { Thread as ThreadRecord } from "../../../generated/types.js";
import { InvalidArgumentError } from "../../errors/invalid-argument-error.js";
import type { Session } from "../../session/session.js";
import { Pages } from "../../options/pages.js";
import { callLoaded } from "../../session/call-loaded.js";

/**
 * Cuts a thread's history before a turn. The turns that wait here come after that.
 *
 * @throws InvalidArgumentError when the thread has no such turn.
 */
export async function revertThread(
  session: Session,
  threadId: string,
  beforeTurnId: string,
): Promise<ThreadRecord> {
  const slot = session.thread(threadId).slots.enter({ wait: false });
  try {
    await session.load(threadId);
    await requireTurn(session, threadId, beforeTurnId);
    const params = { threadId, beforeTurnId };
    return (await callLoaded(session, "thread/revert", params)).thread;
  } finally {
    slot.leave();
  }
}

/**
 * The server unloads the thread before it looks for the turn: an id that is not there would cost a
 * running turn, and a thread that was never stored all of itself.
 */
async function requireTurn(session: Session, threadId: string, turnId: string): Promise<void> {
  const turns = new Pages((cursor) => {
    const page = cursor === undefined ? {} : { cursor };
    const params = { threadId, itemsView: "notLoaded", limit: 100, ...page } as const;
    return session.call("thread/turns/list", params);
  });
  for await (const { id } of turns) {
    if (id === turnId) return;
  }
  throw new InvalidArgumentError("beforeTurnId", "must be the id of a turn of this thread");
}
