import type { Failure } from "../async/life.js";
import type { Session } from "../session/session.js";
import type { TurnEvent } from "../protocol.js";
import type { RequestHandlers } from "../server-requests/handlers.js";
import type { TurnControls } from "../options/turn-options.js";
import type { FoundTurn } from "./start-place.js";
import type { TurnStart } from "./start-place.js";
import type { TurnState } from "../results/turn-state.js";

export interface TurnRequest {
  readonly threadId: string;
  readonly start: TurnStart | FoundTurn;
  readonly controls: TurnControls;
  /** Who answers the server's requests in this turn, before anybody else. */
  readonly handlers?: RequestHandlers | undefined;
  /** Whether nobody gets the handle, so that its events need not be kept. */
  readonly resultOnly?: boolean | undefined;
}

/** Who is told of the turn's progress. None of the functions may throw. */
export interface TurnListener {
  /** The connection is there; nothing has been heard over it. */
  connected?(session: Session): void;
  /** The turn has run before, for somebody else, and stands like this: what comes goes on from here. */
  joined?(state: TurnState): void;
  event(event: TurnEvent): void;
  /** Nothing has come for `idleTimeoutMs`; the turn goes on. */
  stalled?(failure: Failure): void;
  ended(failure: Failure | undefined): void;
}
