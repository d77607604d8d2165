import { Deferred } from "../async/deferred.js";
import { copyError } from "../errors/connection-errors.js";
import { ThreadNotFoundError } from "../errors/rpc-errors.js";
import type { NotificationMessage } from "../jsonrpc/message.js";
import type { GetSession, Session } from "../session/session.js";
import { findStoredTurn, lookOnce, overDrops, type StoredTurn } from "./find-stored-turn.js";
import { readEnded } from "./read-stored-turn.js";
import { TurnNotFoundError } from "./turn-errors.js";
import type { TurnExecution } from "./turn-execution.js";
import type { TurnName } from "./turn-request.js";

/**
 * Finds a turn that somebody else has started, and follows it: what it has done so far comes first. Nothing is sent
 * that starts a turn; and its thread is loaded only where there is a need, since a server that loads a thread begins what
 * is queued on it. Never rejects.
 */
export async function attachTurn(
  turn: TurnExecution,
  getSession: GetSession,
  sought: TurnName,
): Promise<void> {
  const { threadId } = turn;
  const found = new Deferred<void>();
  try {
    const session = await getSession();
    if (turn.life.isOver()) return;
    turn.connected(session);
    const stored = await find(turn, session, sought, found.promise);
    if (turn.life.isOver()) return;
    if (!stored)
      throw new TurnNotFoundError(threadId, "id" in sought ? "id" : "clientUserMessageId");
    turn.named(stored.id);
    turn.happened({ type: "accepted" });
    turn.receive(startOf(threadId, stored));
    if (stored.record.status === "inProgress") {
      session.turns.followBegun(threadId, stored.id, turn);
      found.resolve();
      await follow(turn, session, stored);
    } else await tell(turn, session, stored);
  } catch (error) {
    turn.happened({ type: "cannotStart", failure: () => copyError(error) });
  } finally {
    found.resolve();
  }
}

/**
 * The server lists turns from an index, and brings that up to date with the rollout only when it loads the thread. So
 * the index may lack the last turns of a server that was killed, or their end, and all turns of a rollout that was
 * brought here. What is asked on the thread meanwhile waits for `found`: it may be this turn's.
 */
async function find(
  turn: TurnExecution,
  session: Session,
  sought: TurnName,
  found: Promise<void>,
): Promise<StoredTurn | undefined> {
  const { threadId, life } = turn;
  const listed = await lookOnce(session, threadId, sought);
  const isCertain = listed && (listed.record.status !== "interrupted" || hasEnd(listed));
  if (isCertain || life.isOver()) return listed;
  session.thread(threadId).holdRequests(found);
  try {
    await session.load(threadId);
  } catch (error) {
    // A thread whose first turn is about to be stored, or that there is not.
    if (!(error instanceof ThreadNotFoundError)) throw error;
  }
  return life.isOver() ? undefined : findStoredTurn(session, threadId, sought, life);
}

/** Of a turn that ended with its process, the server does not know when. */
function hasEnd({ record }: StoredTurn): boolean {
  return typeof record.completedAt === "number";
}

/** It is followed already, so that what it asks while its thread is being loaded has its handlers. */
async function follow(
  turn: TurnExecution,
  session: Session,
  { id: turnId, record }: StoredTurn,
): Promise<void> {
  const { threadId } = turn;
  try {
    await session.load(threadId);
    const caughtUp = session.turns.catchUp(turn);
    const subagents = session.loadSubagents(threadId, turnId);
    await caughtUp;
    // One that has answered by now may be about to end by itself.
    if (!turn.life.hasEnded()) session.turnFound({ threadId, turnId }, record.rootTurnId);
    await subagents;
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
