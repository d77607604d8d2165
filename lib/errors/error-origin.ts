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

/** Where an error comes from that `onError` gets. What is not known, or does not apply, is undefined. */
export interface ErrorOrigin {
  readonly where: CallbackName;
  /** The request or notification that the function was called for, such as `"item/tool/call"`. */
  readonly method: string | undefined;
  /** The thread that it is about. Under a sub-agent it is the sub-agent's. */
  readonly threadId: string | undefined;
  readonly turnId: string | undefined;
}

/** Gets what a function of yours throws, or rejects with, when nobody else would hear of it. */
export type ErrorListener = (error: unknown, origin: ErrorOrigin) => void;
