import { AppServerError } from "./base.js";
import { shownMethod } from "./without-values.js";

/** The reason why nobody waits for the answer to a server request any more. */
export type RequestOverReason =
  "answered" | "resolved" | "turnEnded" | "callEnded" | "threadClosed";

/**
 * The reason with which a handler's `signal` aborts while the connection lives on. `why` is `"answered"`
 * when `respond()` answered, `"resolved"` when another client or the server itself did, `"turnEnded"`,
 * `"callEnded"` (of a tool) or `"threadClosed"`.
 */
export class ServerRequestOverError extends AppServerError {
  override readonly code = "SERVER_REQUEST_OVER";
  /** The method of the request. */
  readonly method: string;
  readonly requestId: string | number;
  readonly why: RequestOverReason;

  constructor(method: string, requestId: string | number, why: RequestOverReason) {
    super(`${shownMethod(method)} needs no answer any more: ${sentences[why]}.`);
    this.method = method;
    this.requestId = requestId;
    this.why = why;
  }
}

/** `respond()` was called for a request that is not open: too late, twice, or with a wrong id. */
export class RequestNotPendingError extends AppServerError {
  override readonly code = "REQUEST_NOT_PENDING";
  override readonly sent = false;
  /** The key or id that was given to `respond()`. */
  readonly requestId: string | number;

  constructor(requestId: string | number) {
    super(
      "No such request is open: it was answered, its turn has ended, or its server process is gone. pendingRequests() lists the open ones.",
    );
    this.requestId = requestId;
  }
}

const sentences: Readonly<Record<RequestOverReason, string>> = {
  answered: "respond() has answered it",
  resolved: "it was resolved elsewhere",
  turnEnded: "its turn has ended",
  callEnded: "the server has ended the call",
  threadClosed: "its thread is not loaded any more",
};
