const brand: unique symbol = Symbol.for("codex-app-server-sdk.DeferredAnswer");

/** What `defer()` returns. */
export interface DeferredAnswer {
  readonly [brand]: true;
}

const deferred: DeferredAnswer = Object.freeze({ [brand]: true } as const);

/**
 * A handler that returns this leaves its request open: `respond()` answers it later, from anywhere.
 * The server sets no time limit, so a deferred request waits until it is answered, its turn ends or
 * the connection closes.
 */
export function defer(): DeferredAnswer {
  return deferred;
}

export function isDeferred(value: unknown): value is DeferredAnswer {
  return typeof value === "object" && value !== null && brand in value;
}
