import type { AsyncIteration } from "../../async/async-iteration.js";
import { checkSignal } from "../../errors/check-values.js";
import { Following } from "../../jsonrpc/following.js";
import { SlowConsumerError } from "../../errors/slow-consumer-error.js";
import type { GetSession, Session } from "../../session/session.js";
import { readRunningTurn } from "../../session/recovery/running-turn.js";
import { Turn } from "../../turn.js";
import { announcesTurn } from "../../messages/announces-turn.js";

/** How many turns may wait for the consumer; each keeps its own events. */
const maxWaiting = 100;

/**
 * The turns of a thread that no handle has asked for, from now on. It ends when the client is
 * closed, and throws what kept it from going on.
 */
export function unsolicitedTurns(
  getSession: GetSession,
  threadId: string,
  signal: AbortSignal | undefined,
): AsyncIteration<Turn> {
  checkSignal(signal);
  const turns = new Following<Turn>({
    maxWeight: maxWaiting,
    weigh: () => 1,
    overflow: () => new SlowConsumerError(`${maxWaiting} turns`, "Take each turn as it comes."),
  });
  const begin = async (): Promise<void> => {
    const session = await getSession();
    if (turns.isOver) return;
    const unwatch = session.turns.watch(threadId, (id, event, isTaken) => {
      if (isTaken || !announcesTurn(event)) return undefined;
      const turn = new Turn(getSession, {
        threadId,
        start: { session, id, looksOn: true },
        // Whoever looks on must not stop what somebody else has started.
        controls: { onBreak: "detach" },
      });
      turns.push(turn);
      return turn.follower;
    });
    turns.holds(unwatch);
    turns.endWith(session.signal);
    const wasLoaded = session.isLoaded(threadId);
    await session.load(threadId);
    if (!wasLoaded) await offerRunningTurn(session, threadId);
  };
  turns.stopOn(signal);
  if (!signal?.aborted) {
    begin().catch((error: unknown) => {
      turns.fail(error);
    });
  }
  return turns;
}

/** The thread that has just been loaded may be in the middle of a turn: of its start nothing was told. */
async function offerRunningTurn(session: Session, threadId: string): Promise<void> {
  if (!session.thread(threadId).slots.isRunning) return;
  // Over a connection that drops meanwhile, the turn is found when the thread is resumed.
  const turn = await readRunningTurn(threadId, session.call.bind(session)).catch(() => undefined);
  if (!turn || !session.turns.of(threadId)?.isOnlyWatched) return;
  const started = { method: "turn/started", params: { threadId, turn } };
  session.turns.begunBefore(threadId, turn.id, started);
  session.turnFound({ threadId, turnId: turn.id }, turn.rootTurnId);
}
