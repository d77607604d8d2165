import type { RateLimitSnapshot } from "../../generated/types.js";

/**
 * The rate limits that a connection knows, in the shape of `account/rateLimits/read`. The object never
 * changes: each update makes a new one.
 */
export interface KnownRateLimits {
  /** The limit that ordinary turns count against, `"codex"`; as long as that is unknown, the latest. */
  readonly rateLimits: RateLimitSnapshot;
  /** Every limit that was heard of, by its `limitId`: some models have one of their own. */
  readonly rateLimitsByLimitId: Readonly<Record<string, RateLimitSnapshot>>;
}
