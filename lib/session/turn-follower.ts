import type { CallerContext } from "../async/caller-context.js";
import type { TurnState } from "../results/turn-state.js";
import type { RequestHandlers } from "../server-requests/handlers.js";
import type { TurnSink } from "./turn-sink.js";

/** A turn handle, as the routes see it. */
export interface TurnFollower extends TurnSink {
  readonly state: TurnState;
  /** Whether it only looks on at a turn that nobody here has asked for. */
  readonly looksOn?: boolean | undefined;
  /** Who answers the server's requests in this turn, before anybody else. */
  readonly handlers?: RequestHandlers | undefined;
  /** The context of the call that started the turn, or joined it; undefined for whoever looks on. */
  readonly context?: CallerContext | undefined;
  /** Whether somebody wants the turn to stop: whatever it asks is refused then. */
  readonly isStopping?: boolean | undefined;
}
