import type { Life } from "../async/life.js";
import type { RequestOptions } from "../jsonrpc/connection.js";
import type { Session } from "../session/session.js";
import type { PendingTurn } from "../session/turn-follower.js";

/** Where a turn is started. */
export interface StartPlace {
  readonly session: Session;
  readonly threadId: string;
  readonly pending: PendingTurn;
  /** Options for the request that starts the turn. */
  readonly request?: Pick<RequestOptions, "signal" | "trace" | "onSent">;
  /** When it is over, nobody looks for the turn any more. */
  readonly life: Life;
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

/** A turn that the server runs already, and that somebody else has started. */
export interface FoundTurn {
  readonly session: Session;
  readonly id: string;
  /** Whether it is only looked at, since nobody here has asked for it. */
  readonly looksOn?: boolean;
  /** Whether the server has said that it runs (default true). */
  readonly hasBegun?: boolean;
}
