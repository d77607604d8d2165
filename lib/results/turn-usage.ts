import type { ThreadTokenUsage, TokenUsageBreakdown } from "../../generated/types.js";

/** Token counts of a turn, as of the server's last update in it. */
export interface TurnUsage extends ThreadTokenUsage {
  /** This turn alone: the sum over its model responses. */
  readonly turn: TokenUsageBreakdown;
  /** The last model response alone. */
  readonly last: TokenUsageBreakdown;
  /** Everything the thread has used so far, earlier turns included. */
  readonly total: TokenUsageBreakdown;
}
