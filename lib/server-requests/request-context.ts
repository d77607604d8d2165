import type { DeferredAnswer } from "./defer.js";

/** What a handler gets besides the request itself. Ids are undefined where the request has none. */
export interface RequestContext {
  /**
   * Names the request in `respond()`. Unlike `requestId`, no other request ever has it: a server
   * that was restarted counts its ids from zero again.
   */
  readonly key: string;
  /** The id on the wire, as events of the turn have it, too. */
  readonly requestId: string | number;
  /** The method of the protocol, such as `"item/fileChange/requestApproval"`. */
  readonly method: string;
  /** The thread that asks. Under a sub-agent it is the sub-agent's, not the one you started. */
  readonly threadId: string | undefined;
  /** When the request names none: the turn that runs on its thread, if that is followed here. */
  readonly turnId: string | undefined;
  /** The item that the request is about; for a tool call, its call id. */
  readonly itemId: string | undefined;
  /**
   * Aborts when an answer is of no use any more: somebody else has answered, the turn has ended (the
   * reason is a ServerRequestOverError), or the connection is closed (a TransportClosedError).
   */
  readonly signal: AbortSignal;
}

/** A handler's answer: at once, later, or left to `respond()`. */
export type Answering<Answer> = Answer | DeferredAnswer | Promise<Answer | DeferredAnswer>;
