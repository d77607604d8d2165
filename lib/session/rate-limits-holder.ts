import type {
  GetAccountRateLimitsResponse,
  RateLimitSnapshot,
  RateLimitWindow,
} from "../../generated/types.js";
import type { NotificationMessage } from "../jsonrpc/message.js";
import { fieldOf } from "../messages/field-of.js";
import type { KnownRateLimits } from "../results/rate-limits.js";

const mainId = "codex";

/** Far more than a server has; of more, the oldest are forgotten. */
const maxLimits = 32;

/** Keeps what one connection knows of the rate limits: the newest only. */
export class RateLimitsHolder {
  readonly #listeners = new Set<() => void>();
  #current: KnownRateLimits | null = null;

  /** `null` as long as the server has told nothing, and again after the account has changed. */
  get current(): KnownRateLimits | null {
    return this.#current;
  }

  get isFollowed(): boolean {
    return this.#listeners.size > 0;
  }

  /** Calls `listener` after each change; returns the function that stops it. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  observe({ method, params }: NotificationMessage): void {
    if (method === "account/rateLimits/updated") {
      const rateLimits = fieldOf(params, "rateLimits");
      if (isRateLimit(rateLimits)) this.#change(mergeRateLimits(this.#current, rateLimits));
    } else if (
      method === "account/updated" &&
      // Newer servers tell, for the same account, that they know by now where its requests go.
      fieldOf(params, "reason") !== "workspaceRoutingReady"
    ) {
      // Limits belong to an account.
      this.#change(null);
    }
  }

  /** Learns from the answers to requests, whoever has made them. */
  answered(method: string, result: unknown): void {
    if (method !== "account/rateLimits/read") return;
    const answer = (result ?? {}) as Partial<GetAccountRateLimitsResponse>;
    const { rateLimits, rateLimitsByLimitId } = answer;
    if (!isRateLimit(rateLimits)) return;
    const byId = typeof rateLimitsByLimitId === "object" ? rateLimitsByLimitId : null;
    this.#change(knownFrom({ ...answer, rateLimits, rateLimitsByLimitId: byId }));
  }

  #change(known: KnownRateLimits | null): void {
    this.#current = known;
    for (const listener of [...this.#listeners]) listener();
  }
}

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
function isRateLimit(value: unknown): value is RateLimitSnapshot {
  if (typeof value !== "object" || value === null) return false;
  return typeof (fieldOf(value, "limitId") ?? "") === "string";
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
