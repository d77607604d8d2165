import type { GetAccountRateLimitsResponse } from "../../generated/types.js";
import type { NotificationMessage } from "../jsonrpc/message.js";
import { isRateLimit, knownFrom, mergeRateLimits } from "./known-rate-limits.js";
import { type KnownRateLimits } from "../results/rate-limits.js";

/** Keeps what one connection knows of the rate limits: the newest only. */
export class RateLimitsHolder {
  readonly #listeners = new Set<() => void>();
  #current: KnownRateLimits | null = null;

  /** `null` as long as the server has told nothing, and again after the account has changed. */
  get current(): KnownRateLimits | null {
    return this.#current;
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
      const { rateLimits } = (params ?? {}) as { rateLimits?: unknown };
      if (isRateLimit(rateLimits)) this.#change(mergeRateLimits(this.#current, rateLimits));
    } else if (method === "account/updated" && !isSameAccount(params)) {
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

/** Newer servers tell, for the same account, that they know by now where its requests go. */
function isSameAccount(params: unknown): boolean {
  return (params as { reason?: unknown } | null)?.reason === "workspaceRoutingReady";
}
