import type { RateLimitSnapshot } from "../../generated/types.js";

/**
 * What a connection knows of the rate limits, in the shape of `account/rateLimits/read`. It never
 * changes: each piece of news makes a new one.
 */
export interface KnownRateLimits {
  /** The limit that ordinary turns count against, `"codex"`; as long as that is unknown, the latest. */
  readonly rateLimits: RateLimitSnapshot;
  /** Every limit that was heard of, by its `limitId`: some models have one of their own. */
  readonly rateLimitsByLimitId: Readonly<Record<string, RateLimitSnapshot>>;
}
