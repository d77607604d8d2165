import { onAbort } from "../async/abort.js";
import { onDeadline } from "../async/deadline.js";
import type { RequestOptions } from "../jsonrpc/connection.js";
import { textOf } from "../messages/field-of.js";
import type { ServerNotification, ServerNotificationMethod } from "../protocol.js";
import { undoneWhenLate } from "../session/confirm-end.js";
import type { Session } from "../session/session.js";
import { TurnExecution } from "./turn-execution.js";
import type { TurnListener } from "./turn-request.js";

/** How long after its deadline something may begin, and is still stopped (ms). */
const maxDelayMs = 60_000;

const nobody: TurnListener = { event: () => undefined, ended: () => undefined };

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
  { evenIfFollowed = false }: { readonly evenIfFollowed?: boolean } = {},
): Promise<void> {
  await session.turns.of(threadId)?.whenSettled(turnId);
  // Input that joined a turn of somebody else is not worth stopping that for.
  const isFollowed = () =>
    session.turns.followersOf(threadId, turnId).some(({ looksOn }) => !looksOn);
  // A sub-agent's turn is followed by whoever follows the turn that it works for, and stopped by nobody.
  if (!evenIfFollowed && isFollowed()) return;
  // Asked before this one goes in: a late answer may come long before the turn begins.
  const hasBegun = session.thread(threadId).slots.isRunning;
  const slot = session.thread(threadId).slots.enter({ wait: false });
  const start = { session, id: turnId, hasBegun };
  const turn = new TurnExecution({ threadId, start, controls: {} }, nobody);
  const pending = session.turns.expect(threadId);
  pending.claim(turnId, turn);
  pending.settle();
  await turn.stopUnwatched();
  slot.leave();
}

/** Says of an item whether it shows that a turn is the one that was asked for. */
export type ItemMatch = (item: unknown) => boolean;

/**
 * Options for a request that starts a turn: if it is carried out after its deadline, when nobody waits
 * for the turn, the turn is interrupted.
 */
export function interruptsLateTurn(session: Session, threadId: string): RequestOptions {
  return undoneWhenLate("If it does, this client interrupts the turn.", (result) => {
    const turnId = textOf(result, "turn", "id");
    if (turnId !== undefined) void stopUnfollowed(session, threadId, turnId);
  });
}

/** The same when no answer comes, or none that names the turn: it is known by one of its items. */
export function watchForLateTurn(session: Session, threadId: string, isOurs: ItemMatch): void {
  watchForLate(session, "item/started", ({ params }) => {
    if (params.threadId !== threadId || !isOurs(params.item)) return false;
    void stopUnfollowed(session, threadId, params.turnId);
    return true;
  });
}

/** Shows `takes` such notifications until it takes one, for a minute at most. */
export function watchForLate<M extends ServerNotificationMethod>(
  session: Session,
  method: M,
  takes: (notification: ServerNotification<M>) => boolean,
): void {
  const end = (): void => {
    stop();
    unlink();
    stopDeadline();
  };
  const stop = session.on(method, (notification) => {
    if (takes(notification)) end();
  });
  const unlink = onAbort(session.signal, end);
  const stopDeadline = onDeadline(maxDelayMs, end, { unref: true });
}
