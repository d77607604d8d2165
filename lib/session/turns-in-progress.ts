import type { Session } from "./session.js";
import type { WorkUnderWay } from "./work-under-way.js";

/** A turn that runs on behalf of a client, or that it has accepted and not sent yet. */
export interface TurnInProgress {
  readonly threadId: string;
  /**
   * Undefined while a turn waits for its thread, or for the server to name it; between two turns of a goal; and for
   * a turn that ran already when its thread was loaded.
   */
  readonly turnId: string | undefined;
  /** When this client took the turn on, or heard of it (ms since 1970). */
  readonly since: number;
}

/** A turn that no handle has begun: of a queue or a goal, of a request by hand, of a sub-agent. */
export interface OtherTurn extends TurnInProgress {
  /** Resolves when it has ended. */
  readonly ended: Promise<void>;
}

/** All turns of the client; a goal counts as one. `session` is its connection, when there is one. */
export function turnsInProgress(
  work: WorkUnderWay,
  session: Session | undefined,
): readonly TurnInProgress[] {
  const ours = work.all.map(({ work: { threadId, turnId }, since }) => ({
    threadId,
    turnId,
    since,
  }));
  const others = session ? otherTurns(session) : [];
  const shown = ({ threadId, turnId, since }: TurnInProgress) => ({ threadId, turnId, since });
  return [...ours.filter(isFirstOfItsTurn), ...others.map(shown)];
}

/**
 * The turns of the client that no handle has begun. On a server that other clients use, too, these are not turns
 * that nobody here has asked for.
 */
export function otherTurns(session: Session): readonly OtherTurn[] {
  const sent = session.work.all.filter(({ work }) => work.life.wasSent);
  const taken = new Set(sent.map(({ work }) => work.threadId));
  const turns: OtherTurn[] = [];
  for (const [threadId, { slots, callers }] of session.threads) {
    const { running } = slots;
    if (!running || taken.has(threadId)) continue;
    const { turnId, since, ended } = running;
    const isOurs = !session.shared || callers.contextOf(turnId) !== undefined;
    if (isOurs) turns.push({ threadId, turnId, since, ended: ended.promise });
  }
  return turns;
}

/** Input that joined a turn which runs already is no turn of its own. */
function isFirstOfItsTurn(
  { turnId }: TurnInProgress,
  index: number,
  all: readonly TurnInProgress[],
): boolean {
  return turnId === undefined || all.findIndex((other) => other.turnId === turnId) === index;
}
