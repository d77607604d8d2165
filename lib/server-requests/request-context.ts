/**
 * The circumstances of a request, for its handler. Ids are undefined where the request has none.
 */
export interface RequestContext {
  /**
   * Names the request in `respond()`. Unlike `requestId`, no other request ever has it: a server
   * that was restarted counts its ids from zero again. A request that names its turn has the same key in each process
   * that the server asks, and after a reconnect: 32 characters of `A-Za-z0-9_-`, made from what it asks and no secret.
   * Other requests have a random one.
   */
  readonly key: string;
  /** The id on the wire, as events of the turn have it, too. */
  readonly requestId: string | number;
  /** The method of the protocol, such as `"item/fileChange/requestApproval"`. */
  readonly method: string;
  /**
   * The thread that asks. A sub-agent's request has the sub-agent's thread, not the one you started.
   */
  readonly threadId: string | undefined;
  /**
   * The turn of the request. If the request names none: the turn that runs on its thread, if a handle here
   * follows it.
   */
  readonly turnId: string | undefined;
  /** The item that the request is about; for a tool call, its call id. */
  readonly itemId: string | undefined;
  /**
   * Aborts when an answer is of no use any more: another client has answered, the turn has ended (the
   * reason is a ServerRequestOverError), or the connection is closed (a TransportClosedError).
   */
  readonly signal: AbortSignal;
}

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

/** A handler's answer: at once, later, or left to `respond()`. */
export type Answering<Answer> = Answer | DeferredAnswer | Promise<Answer | DeferredAnswer>;
