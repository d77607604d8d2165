import type { Session } from "../session/session.js";
import { TurnExecution } from "./turn-execution.js";

/**
 * Stops a turn that nobody waits for, and does not rest before the server has confirmed that, the turn
 * is over, or the connection is. Resolves when another turn may start on the thread, which is then or,
 * of a turn that does not begin, after a minute; no handle starts one before. Never rejects: there is
 * nobody to tell.
 */
export async function stopUnfollowed(
  session: Session,
  threadId: string,
  turnId: string,
): Promise<void> {
  await session.turns.of(threadId)?.whenSettled(turnId);
  // Input that joined a turn of somebody else is not worth stopping that for.
  if (session.turns.followersOf(threadId, turnId).some(({ looksOn }) => !looksOn)) return;
  // Asked before this one goes in: a late answer may come long before the turn begins.
  const hasBegun = session.thread(threadId).slots.isRunning;
  const slot = session.thread(threadId).slots.enter({ wait: false });
  const start = { session, id: turnId, hasBegun };
  const turn = new TurnExecution(
    () => Promise.resolve(session),
    { threadId, start, controls: {} },
    nobody,
  );
  const pending = session.turns.expect(threadId);
  pending.claim(turnId, turn.follower);
  pending.settle();
  await turn.stopUnwatched();
  slot.leave();
}

const nobody = {
  event: () => undefined,
  ended: () => undefined,
};
