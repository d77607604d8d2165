/**
 * Why a request of a browser was refused. `status` is that of the response; `title` is fit for users, and
 * names nothing internal. Your own routes may throw it, too: `toProblem()` knows it.
 */
export abstract class WebError extends Error {
  /** Stable, and meant for `switch`. */
  abstract readonly code: string;
  /** The status of the HTTP response. */
  abstract readonly status: number;
  readonly title: string;

  constructor(title: string) {
    super(title);
    this.name = new.target.name;
    this.title = title;
  }
}

/** There is no such stream, request or thread, or it is somebody else's: nobody is told which. */
export class NotFoundError extends WebError {
  override readonly code = "NOT_FOUND";
  override readonly status = 404;

  constructor() {
    super("This does not exist, or is not yours.");
  }
}

/** Nobody is logged in. */
export class UnauthorizedError extends WebError {
  override readonly code = "UNAUTHORIZED";
  override readonly status = 401;

  constructor() {
    super("Please log in.");
  }
}

/** A page of another site has sent the request. See the option `origins`. */
export class OriginRefusedError extends WebError {
  override readonly code = "ORIGIN_REFUSED";
  override readonly status = 403;

  constructor() {
    super("Requests from other sites are refused.");
  }
}

/** The decision is not one that may be made from a browser. See the option `allowForSession`. */
export class DecisionRefusedError extends WebError {
  override readonly code = "DECISION_REFUSED";
  override readonly status = 403;

  constructor() {
    super("This decision cannot be made here.");
  }
}

/** The request has an answer already, or needs none any more. */
export class AlreadyAnsweredError extends WebError {
  override readonly code = "ALREADY_ANSWERED";
  override readonly status = 409;

  constructor() {
    super("This has been answered already, or needs no answer any more.");
  }
}

/** The turn has ended. */
export class TurnOverError extends WebError {
  override readonly code = "TURN_OVER";
  override readonly status = 409;

  constructor() {
    super("The turn has ended.");
  }
}

/** A turn runs in the conversation, and the next message is to wait for its end. */
export class ChatBusyError extends WebError {
  override readonly code = "CHAT_BUSY";
  override readonly status = 409;

  constructor() {
    super("The conversation is busy with another message. Please wait for its answer.");
  }
}

/** The turn runs in another process than the one that the request came to. */
export class TurnElsewhereError extends WebError {
  override readonly code = "TURN_ELSEWHERE";
  override readonly status = 421;

  constructor() {
    super("The turn runs on another server. Please try again.");
  }
}

/**
 * Nobody runs the turn at the moment, or whoever does has not answered in time. What was asked is stored, and is carried out
 * when a process takes the turn on. Do not repeat it.
 */
export class CommandPendingError extends WebError {
  override readonly code = "COMMAND_PENDING";
  override readonly status = 504;

  constructor() {
    super("This is noted, and will be done as soon as the assistant goes on.");
  }
}

/** The process that runs the turn has refused what was asked, for a reason that no other error here tells. */
export class CommandRefusedError extends WebError {
  override readonly code = "COMMAND_REFUSED";
  override readonly status = 409;
  /** The `code` of the error that it was refused with. */
  readonly reason: string;

  constructor(reason: string) {
    super("This could not be done.");
    this.reason = reason;
  }
}

/** There is such a route, but not with this method. */
export class MethodNotAllowedError extends WebError {
  override readonly code = "METHOD_NOT_ALLOWED";
  override readonly status = 405;
  /** The methods that there are, as the header `Allow` names them: `"GET, HEAD"`. */
  readonly allow: string;

  constructor(methods: readonly string[]) {
    super("This cannot be done here.");
    this.allow = methods.join(", ");
  }
}

/** What the browser has sent is not what this route takes. */
export class BadRequestError extends WebError {
  override readonly code = "BAD_REQUEST";
  override readonly status: number;

  /** @param status 400 (default), 413 when it is too large, or 415 when it is not JSON. */
  constructor(title: string, status = 400) {
    super(title);
    this.status = status;
  }
}

/** The server is stopping, and takes no new turns. */
export class StreamsClosedError extends WebError {
  override readonly code = "STREAMS_CLOSED";
  override readonly status = 503;

  constructor() {
    super("The server is being restarted. Please try again.");
  }
}
