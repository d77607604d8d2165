import type { RateLimitSnapshot, RateLimitWindow } from "../../generated/types.js";
import type { KnownRateLimits } from "../results/rate-limits.js";

const mainId = "codex";

/** Far more than a server has; of more, the oldest are forgotten. */
const maxLimits = 32;

/**
 * What is known after `account/rateLimits/updated`. Updates are sparse: what is `null` there was not
 * told, and stays as it was.
 */
export function mergeRateLimits(
  before: KnownRateLimits | null,
  update: RateLimitSnapshot,
): KnownRateLimits {
  const limits = before?.rateLimitsByLimitId ?? {};
  const id = update.limitId ?? mainId;
  const merged = mergeSnapshot(Object.hasOwn(limits, id) ? limits[id] : undefined, update);
  const known = withoutOldest({ ...limits, [id]: merged });
  return { rateLimits: known[mainId] ?? merged, rateLimitsByLimitId: known };
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

/** Whether what a server sent as a limit can be kept as one. */
export function isRateLimit(value: unknown): value is RateLimitSnapshot {
  if (typeof value !== "object" || value === null) return false;
  const { limitId } = value as { limitId?: unknown };
  return limitId === undefined || limitId === null || typeof limitId === "string";
}

function withoutOldest(
  limits: Readonly<Record<string, RateLimitSnapshot>>,
): Readonly<Record<string, RateLimitSnapshot>> {
  const entries = Object.entries(limits);
  if (entries.length <= maxLimits) return limits;
  const oldest = entries.findIndex(([id]) => id !== mainId);
  return Object.fromEntries(entries.toSpliced(oldest, 1));
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
