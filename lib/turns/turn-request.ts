import type { UserInput } from "../../generated/types.js";
import type { Failure, Life } from "../async/life.js";
import type { RequestOptions } from "../jsonrpc/connection.js";
import type { CheckedControls } from "../options/turn-options.js";
import type { TurnEvent } from "../protocol.js";
import type { TurnState } from "../results/turn-state.js";
import type { RequestHandlers } from "../server-requests/handlers.js";
import type { Session } from "../session/session.js";
import type { ScopedBudget } from "../usage/budget-book.js";
import type { PendingTurn } from "../session/turn-follower.js";

export interface TurnRequest {
  readonly threadId: string;
  readonly start: TurnStart | FoundTurn | SoughtTurn;
  readonly controls: CheckedControls;
  /** Who answers the server's requests in this turn, before anybody else. */
  readonly handlers?: RequestHandlers | undefined;
  /** What the turn was begun with, and the model that it asks for; undefined where its caller has not said. */
  readonly input?: readonly UserInput[] | undefined;
  readonly model?: string | undefined;
  /** Whether nobody gets the handle, so that its events need not be kept. */
  readonly resultOnly?: boolean | undefined;
}

/** How a turn comes to run: what is sent for it, and how its id is learnt. */
export interface TurnStart {
  readonly method:
    | "turn/start"
    | "review/start"
    | "thread/compact/start"
    | "thread/shellCommand"
    | "thread/queue/start";
  /** Makes ready what is sent, as far as that takes time; it is done while the turn waits for its thread. */
  prepare?(session: Session): Promise<void>;
  /** Sends it, and resolves with the id under which the turn's events come. */
  send(place: StartPlace): Promise<string>;
  /**
   * Finds out whether a request has arrived whose answer was lost with the connection: resolves with
   * the turn's id, or with undefined when it has not. Missing where there is no telling.
   */
  find?(place: StartPlace): Promise<string | undefined>;
}

export interface StartPlace {
  readonly session: Session;
  readonly threadId: string;
  readonly pending: PendingTurn;
  readonly request?: RequestOptions;
  /** When it is over, nobody looks for the turn any more. */
  readonly life: Life;
}

/** A turn that the server runs already, and that somebody else has started. */
export interface FoundTurn {
  readonly session: Session;
  readonly id: string;
  /** Whether it is only looked at, since nobody here has asked for it. */
  readonly looksOn?: boolean;
  /** Whether the server has said that it runs (default true). */
  readonly hasBegun?: boolean;
}

/** A turn that somebody else has started, another process say. It is looked for, and never sent. */
export interface SoughtTurn {
  readonly sought: TurnName;
}

/** By what a turn is known: its id, or the client id of its user message. */
export type TurnName = { readonly id: string } | { readonly clientUserMessageId: string };

/** Who is told of the turn's progress. None of the methods may throw. */
export interface TurnListener {
  /** The connection is there, and nothing has been heard over it. `heard` is to be called for sub-agents. */
  connected?(session: Session, turn: { heard(): void }): void;
  /** The turn has run before, for somebody else, and stands like this: what comes goes on from here. */
  joined?(state: TurnState): void;
  event(event: TurnEvent): void;
  /** A budget of the turn is used up: returns whether it sees to it that the turn stops. */
  usedUp?(exceeded: ScopedBudget): boolean;
  /** Nothing has come for `idleTimeoutMs`; the turn goes on. */
  stalled?(failure: Failure): void;
  /** The turn has ended for those who wait for it: in this state, or with `failure`. */
  ended(failure: Failure | undefined, state: TurnState): void;
}
