import { isDrop, TransportClosedError } from "../errors/connection-errors.js";
import { ThreadNotFoundError, TurnNotActiveError } from "../errors/rpc-errors.js";
import { says } from "../errors/server-sentences.js";
import type { Session } from "../session/session.js";
import type { Interruption } from "./machine/facts.js";
import { readRunningId } from "./read-stored-turn.js";

/**
 * Asks the server once to stop a turn (`turn/interrupt`), and says what came of it. `turnId` is the id that
 * it runs under, or at least the one it was answered with. Never rejects; `over` ends it early.
 */
export async function interruptTurn(
  session: Session,
  threadId: string,
  turnId: string,
  over: Promise<void>,
): Promise<Interruption> {
  const ask = (id: string) =>
    Promise.race([session.call("turn/interrupt", { threadId, turnId: id }), over]);
  try {
    await ask(turnId).catch(async (error: unknown) => {
      if (!isOfOtherTurn(error)) throw error;
      // A review runs under an id that only `turn/started` tells, which may have been missed.
      const runningId = await readRunningId(session, threadId, turnId);
      if (runningId === undefined) throw error;
      await ask(runningId);
    });
    return { type: "interruptConfirmed" };
  } catch (error) {
    if (error instanceof TurnNotActiveError) return { type: "interruptRefused" };
    if (isDrop(error)) return { type: "interruptDropped" };
    // With its process, the turn has ended.
    if (error instanceof TransportClosedError) return { type: "interruptConfirmed" };
    const isGone = error instanceof ThreadNotFoundError;
    return { type: "interruptFailed", failure: () => error, isGone };
  }
}

function isOfOtherTurn(error: unknown): boolean {
  return error instanceof TurnNotActiveError && says(error.serverMessage, "otherActiveTurn");
}
