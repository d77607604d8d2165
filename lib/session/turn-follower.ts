import type { CallerContext } from "../async/caller-context.js";
import type { TracedTurn } from "../diagnostics/turn-operation.js";
import type { NotificationMessage } from "../jsonrpc/message.js";
import type { TurnState } from "../results/turn-state.js";
import type { RequestHandlers } from "../server-requests/handlers.js";
import type { ScopedBudget } from "../usage/budget-book.js";
import type { TurnMatch } from "./unclaimed-events.js";

/** Whoever follows a turn. None of its functions may throw. */
export interface TurnFollower {
  readonly state: TurnState;
  /** Whether it only looks on at a turn that nobody here has asked for. */
  readonly looksOn?: boolean | undefined;
  /** Who answers the server's requests in this turn, before anybody else. */
  readonly handlers?: RequestHandlers | undefined;
  /** The context of the call that started the turn, or joined it; undefined for whoever looks on. */
  readonly context?: CallerContext | undefined;
  /** The turn as its tracing channel shows it; undefined while nobody subscribes. */
  readonly operation?: TracedTurn | undefined;
  /** Whether somebody wants the turn to stop: whatever it asks is refused then. */
  readonly isStopping?: boolean | undefined;
  /**
   * The server announces this turn under an id of its own: a `turn/started` that is nobody else's
   * belongs to it. True of a review until it has started.
   */
  readonly adoptsStart?: boolean;
  /** A notification about the turn, in wire order. */
  receive(message: NotificationMessage): void;
  /**
   * Nothing more will come: the connection is over, or the thread let go. `failure` makes the error for
   * each who waits.
   */
  lost(failure: () => Error): void;
  /** A budget of the turn is used up: returns whether it sees to it that the turn stops. */
  usedUp?(exceeded: ScopedBudget): boolean;
  /** The thread of the turn has this status now (`thread/status/changed`), e.g. `"idle"`. */
  threadStatus?(status: string): void;
  /** The connection dropped and is being restored: from now on events may be missed. */
  dropped?(): void;
  /**
   * The connection is back: finds out what was missed. `isResumed`: whether the thread could be
   * resumed, so that events come again. What `receive` gets between `dropped()` and the end of this is
   * held back. Never rejects.
   */
  restored?(isResumed: boolean): Promise<void>;
}

/** A turn that is being started and whose id is not known yet. */
export interface PendingTurn {
  /**
   * The turn got its id: `follower` receives what has come for it so far, then the rest. Returns those
   * that were following this turn already, up to its end if it has ended meanwhile.
   */
  claim(turnId: string, follower: TurnFollower): readonly TurnFollower[];
  /** For turns whose id no answer tells: the id of the first one that matches and is nobody's. */
  find(matches: TurnMatch): Promise<string>;
  /** Ends the wait; needed once, whether the turn was claimed or not. */
  settle(): void;
}

/**
 * Shown an event of a turn that nobody follows: whoever returns a follower follows it from then on. Those
 * who ask for the turns of a thread come first; the others are told whether one of them has taken it.
 */
export type Offer = (
  turnId: string,
  event: NotificationMessage,
  isTaken: boolean,
) => TurnFollower | undefined;
