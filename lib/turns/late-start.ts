import { onAbort } from "../async/abort.js";
import { onDeadline } from "../async/deadline.js";
import type { Session } from "../session/session.js";
import { undoneWhenLate } from "../session/confirm-end.js";
import type { RequestOptions } from "../jsonrpc/connection.js";
import { stopUnfollowed } from "./stop-unfollowed.js";

/** How long after its deadline a turn may begin, and is still stopped (ms). */
const maxDelayMs = 60_000;

/** Says of an item whether it shows that a turn is the one that was asked for. */
export type ItemMatch = (item: Readonly<Record<string, unknown>>) => boolean;

/**
 * Options for a request that starts a turn: if it is carried out after its deadline, when nobody waits
 * for the turn, the turn is interrupted.
 */
export function interruptsLateTurn(session: Session, threadId: string): RequestOptions {
  return undoneWhenLate("If it does, this client interrupts the turn.", (result) => {
    const { turn } = (result ?? {}) as { turn?: { id?: unknown } | null };
    if (typeof turn?.id === "string") void stopUnfollowed(session, threadId, turn.id);
  });
}

/** The same when no answer comes, or none that names the turn: it is known by one of its items. */
export function watchForLateTurn(session: Session, threadId: string, isOurs: ItemMatch): void {
  const stop = session.on("item/started", ({ params }) => {
    const item: unknown = params.item;
    if (params.threadId !== threadId || !isRecord(item) || !isOurs(item)) return;
    end();
    void stopUnfollowed(session, threadId, params.turnId);
  });
  const unlink = onAbort(session.signal, () => {
    end();
  });
  const giveUp = (): void => {
    end();
  };
  const stopDeadline = onDeadline(maxDelayMs, giveUp, { unref: true });
  const end = (): void => {
    stop();
    unlink();
    stopDeadline();
  };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
