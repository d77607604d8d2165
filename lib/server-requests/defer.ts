const brand: unique symbol = Symbol.for("codex-app-server-sdk.DeferredAnswer");

/** The value that `defer()` returns. */
export interface DeferredAnswer {
  readonly [brand]: true;
}

const deferred: DeferredAnswer = Object.freeze({ [brand]: true } as const);

/**
 * Leaves a request open, when a handler returns this: `respond()` answers it later, from anywhere. The
 * server sets no time limit, so a deferred request waits until it is answered, its turn ends or the
 * connection closes.
 */
export function defer(): DeferredAnswer {
  return deferred;
}

export function isDeferred(value: unknown): value is DeferredAnswer {
  return typeof value === "object" && value !== null && brand in value;
}
