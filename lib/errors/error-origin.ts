/**
 * A function of yours that failed: a handler of the server's requests, a tool, a listener of
 * notifications, or the option of this name.
 */
export type CallbackName =
  | "handler"
  | "tool"
  | "listener"
  | "onConnectionStatus"
  | "onRetry"
  | "onStderr"
  | "token"
  | "logger";

/**
 * The origin of an error that `onError` gets. Parts that are not known, or do not apply, are undefined.
 */
export interface ErrorOrigin {
  readonly where: CallbackName;
  /** The request or notification that the function was called for, such as `"item/tool/call"`. */
  readonly method: string | undefined;
  /** The thread that it is about. Under a sub-agent it is the sub-agent's. */
  readonly threadId: string | undefined;
  readonly turnId: string | undefined;
}

/**
 * Gets an error that a function of yours throws, or rejects with, when no call of yours rejects with it.
 */
export type ErrorListener = (error: unknown, origin: ErrorOrigin) => void;
