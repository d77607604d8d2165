import type { TurnFailureReason } from "./turn-failure-reason.js";

/** The server's attempts to reach the model, as long as they do not succeed. */
export interface TurnRetry {
  /** What the server said last, e.g. "Reconnecting... 2/5". */
  readonly message: string;
  /** Why the last attempt failed; `"other"` when the server gave no name for it. */
  readonly reason: TurnFailureReason;
  /** Which attempt comes next, as far as `message` counts them; else `null`. */
  readonly attempt: number | null;
  /** After how many attempts the server gives up; `null` when it does not say, or never does. */
  readonly maxAttempts: number | null;
  /** How many notices have come since the model was last heard. */
  readonly count: number;
  /** When the first of them was made (ms since the epoch); `null` when the server did not say. */
  readonly sinceMs: number | null;
}
