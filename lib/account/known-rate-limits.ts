import type { RateLimitSnapshot, RateLimitWindow } from "../../generated/types.js";

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

const mainId = "codex";

/**
 * What is known after `account/rateLimits/updated`. Updates are sparse: what is `null` there was not
 * told, and stays as it was.
 */
export function mergeRateLimits(
  known: KnownRateLimits | null,
  update: RateLimitSnapshot,
): KnownRateLimits {
  const limits = known?.rateLimitsByLimitId ?? {};
  const id = update.limitId ?? mainId;
  const merged = mergeSnapshot(limits[id], update);
  const rateLimitsByLimitId = { ...limits, [id]: merged };
  return { rateLimits: rateLimitsByLimitId[mainId] ?? merged, rateLimitsByLimitId };
}

/** What is known after `account/rateLimits/read`, which tells everything. */
export function knownFrom(answer: {
  readonly rateLimits: RateLimitSnapshot;
  readonly rateLimitsByLimitId?: Readonly<Record<string, RateLimitSnapshot>> | null;
}): KnownRateLimits {
  const { rateLimits, rateLimitsByLimitId } = answer;
  return {
    rateLimits,
    rateLimitsByLimitId: rateLimitsByLimitId ?? { [rateLimits.limitId ?? mainId]: rateLimits },
  };
}

function mergeSnapshot(
  known: RateLimitSnapshot | undefined,
  update: RateLimitSnapshot,
): RateLimitSnapshot {
  if (!known) return update;
  return {
    ...mergeFields(known, update),
    primary: mergeWindow(known.primary, update.primary),
    secondary: mergeWindow(known.secondary, update.secondary),
  };
}

function mergeWindow(
  known: RateLimitWindow | null,
  update: RateLimitWindow | null,
): RateLimitWindow | null {
  return known && update ? mergeFields(known, update) : (update ?? known);
}

function mergeFields<T extends object>(known: T, update: T): T {
  const told = Object.entries(update).filter(([, value]) => value !== null && value !== undefined);
  return { ...known, ...(Object.fromEntries(told) as Partial<T>) };
}
