import { copyError } from "../errors/connection-errors.js";
import type { NotificationMessage } from "../jsonrpc/message.js";
import type { GetSession, Session } from "../session/session.js";
import { findStoredTurn, overDrops, type StoredTurn } from "./find-stored-turn.js";
import { readEnded } from "./read-stored-turn.js";
import { TurnNotFoundError } from "./turn-errors.js";
import type { TurnExecution } from "./turn-execution.js";
import type { TurnName } from "./turn-request.js";

/**
 * Finds a turn that somebody else has started, and follows it: what it has done so far comes first. Nothing is sent
 * that could start anything; not even its thread is loaded unless the turn runs, since a server that loads a thread
 * begins what is queued on it. Never rejects.
 */
export async function attachTurn(
  turn: TurnExecution,
  getSession: GetSession,
  sought: TurnName,
): Promise<void> {
  const { threadId } = turn;
  try {
    const session = await getSession();
    if (turn.life.isOver()) return;
    turn.connected(session);
    const stored = await findStoredTurn(session, threadId, sought, turn.life);
    if (turn.life.isOver()) return;
    if (!stored)
      throw new TurnNotFoundError(threadId, "id" in sought ? "id" : "clientUserMessageId");
    turn.named(stored.id);
    turn.happened({ type: "accepted" });
    turn.receive(startOf(threadId, stored));
    if (stored.record.status === "inProgress") await follow(turn, session, stored.id);
    else await tell(turn, session, stored);
  } catch (error) {
    turn.happened({ type: "cannotStart", failure: () => copyError(error) });
  }
}

/** What the turn asks while its thread is being loaded has its handlers already. */
async function follow(turn: TurnExecution, session: Session, turnId: string): Promise<void> {
  const { threadId } = turn;
  session.turns.followBegun(threadId, turnId, turn);
  try {
    await session.load(threadId);
    session.turns.catchUp(turn);
    await session.loadSubagents(threadId, turnId);
  } catch (error) {
    turn.lost(() => copyError(error));
  }
}

/** It has ended, so that nothing more comes: all of it is what is stored. */
async function tell(turn: TurnExecution, session: Session, stored: StoredTurn): Promise<void> {
  turn.dropped();
  const read = () => readEnded(session, turn.threadId, stored.record);
  const report = await overDrops(session, read).catch((error: unknown) => {
    turn.lost(() => copyError(error));
  });
  if (report) await turn.restored(true, report);
}

/** What the server has told whoever followed it then. */
function startOf(threadId: string, { record }: StoredTurn): NotificationMessage {
  const { id, startedAt = null, rootTurnId = null } = record;
  const running = { status: "inProgress", error: null, completedAt: null, durationMs: null };
  const turn = { ...running, id, items: [], itemsView: "notLoaded", rootTurnId, startedAt };
  return { method: "turn/started", params: { threadId, turn } };
}
