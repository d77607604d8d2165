import type { TurnFailureReason } from "./turn-failure-reason.js";

/** The server's attempts to reach the model, as long as they do not succeed. */
export interface TurnRetry {
  /** The server's last words, such as "Reconnecting... 2/5". */
  readonly message: string;
  /** The reason of the last failure; `"other"` when the server gave no name for it. */
  readonly reason: TurnFailureReason;
  /** The number of the next attempt, as far as `message` counts them; else `null`. */
  readonly attempt: number | null;
  /** The number of attempts after which the server gives up; `null` when it does not say, or never does. */
  readonly maxAttempts: number | null;
  /** The number of notices since the model was last heard. */
  readonly count: number;
  /** The time of the first of them (ms since the epoch); `null` when the server did not say. */
  readonly sinceMs: number | null;
}
