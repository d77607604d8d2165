import { inspect, type InspectOptions } from "node:util";
import { AppServerError, hide } from "./base.js";
import { ConnectError } from "./connect-errors.js";
import { withStderr } from "./start-errors.js";

/** The reason why a connection ended. `AppServerClient.closed` resolves with it. */
export interface CloseReason {
  /**
   * `"closed"`: this client closed it. `"exited"`: the process ended by itself, or the stream of yours
   * that is read ended. `"failed"`: the stream broke. The end of a socket that this client did not close
   * is always a failure, since a server that ends and a network that fails look the same. `"dropped"`: the
   * socket was lost and is being connected again; only calls that were waiting then reject with it, and
   * the client goes on.
   */
  readonly kind: "closed" | "exited" | "failed" | "dropped";
  /** Exit code of the process, or `null` when it was ended by a signal or is not known. */
  readonly exitCode: number | null;
  /** Signal that ended the process, or `null`. */
  readonly signal: NodeJS.Signals | null;
  /** The end of what the process wrote to stderr, at most 8,192 characters. */
  readonly stderrTail: string;
  /** The error, when `kind` is `"failed"`. */
  readonly error?: Error;
}

/**
 * The process or the socket is gone. Every pending call rejects with an instance of its own; what
 * was already sent (`sent`) may or may not have been carried out. The message is fit for a user's eyes: the
 * end of what the process wrote to stderr is in `stderrTail`, which `console.log(error)` and `util.inspect`
 * show.
 */
export class TransportClosedError extends AppServerError {
  override readonly code = "TRANSPORT_CLOSED";
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The end of what the process wrote to stderr, at most 8,192 characters; for your log only. */
  readonly stderrTail: string;
  /** The same as `client.closed` resolves with. */
  readonly reason: CloseReason;
  /** The request that was waiting, if there was one. */
  readonly method: string | undefined;

  /** `sent`: whether what `method` names, or else the caller's request, may have been sent. */
  constructor(reason: CloseReason, method?: string, sent = true) {
    super(`${describe(reason)}${fateOf(method, sent)} ${adviceFor(reason, method, sent)}`, {
      cause: reason.error,
      sent,
    });
    this.exitCode = reason.exitCode;
    this.signal = reason.signal;
    this.stderrTail = reason.stderrTail;
    this.reason = reason;
    hide(this, "stderrTail", "reason");
    this.method = method;
  }

  /** @internal */
  [inspect.custom](_depth: number, options: InspectOptions): string {
    // Without the custom one of this error, which would come here again; its cause has none.
    return withStderr(inspect(this, { ...options, customInspect: false }), this.stderrTail);
  }
}

/** Whether a call was cut off by a connection that is being restored. */
export function isDrop(error: unknown): error is TransportClosedError {
  return error instanceof TransportClosedError && error.reason.kind === "dropped";
}

/**
 * The error for one of several callers that wait for the same thing: the loss of a connection is thrown to
 * each as an instance of its own. `method` names what this caller waited for, and `sent` says whether that
 * was sent (default: what `error` says). Every other error comes back as it is.
 */
export function copyError<E>(error: E, method?: string, sent?: boolean): E | TransportClosedError {
  if (!(error instanceof TransportClosedError)) return error;
  return new TransportClosedError(error.reason, method ?? error.method, sent ?? error.sent);
}

/** Details of a RequestTimeoutError. */
export interface TimeoutDetails extends ErrorOptions {
  readonly awaited?: "answered" | "read";
  readonly consequence?: string | undefined;
  readonly since?: string | undefined;
}

/**
 * No answer came within the deadline. If the request was sent (`sent`), the outcome is unknown: the server
 * may still carry it out, so look before you repeat a request that changes something. A turn or a thread
 * that starts late is interrupted or unsubscribed from; the message says so.
 */
export class RequestTimeoutError extends AppServerError {
  override readonly code = "REQUEST_TIMEOUT";
  readonly method: string;
  readonly timeoutMs: number;

  /**
   * `awaited`: a notification is only awaited until the server reads it. `consequence`: what this client
   * does when the server carries it out after all. `since`: why it was not sent, if it was not; the rest
   * of a sentence.
   */
  constructor(
    method: string,
    timeoutMs: number,
    { awaited = "answered", consequence, since, ...options }: TimeoutDetails = {},
  ) {
    const more = consequence === undefined ? "" : ` ${consequence}`;
    const outcome =
      since === undefined
        ? `not ${awaited} within ${timeoutMs} ms; the server may still carry it out.${more}`
        : `not sent within ${timeoutMs} ms, since ${since}. The server will not carry it out.`;
    super(`${method} was ${outcome}`, { ...options, sent: since === undefined });
    this.method = method;
    this.timeoutMs = timeoutMs;
  }
}

/**
 * The error that tells what came before a request of `method` and kept it from being sent. What else went
 * wrong there says the same of both.
 */
export function unsent(error: unknown, method: string): unknown {
  if (!(error instanceof AppServerError) || !error.sent) return error;
  if (!(error instanceof RequestTimeoutError)) return copyError(error, method, false);
  const since = `${error.method} was not answered before`;
  return new RequestTimeoutError(method, error.timeoutMs, { since, cause: error });
}

/** A message is larger than the limit (`maxMessageBytes`, in bytes). */
export class MessageTooLargeError extends AppServerError {
  override readonly code = "MESSAGE_TOO_LARGE";
  readonly limitBytes: number;

  constructor(direction: "incoming" | "outgoing", limitBytes: number) {
    super(
      `An ${direction} message is larger than ${limitBytes} bytes. Raise maxMessageBytes if you expect that` +
        (direction === "outgoing" ? "; over a socket, a server takes 64 MiB at most." : "."),
      { sent: direction === "incoming" },
    );
    this.limitBytes = limitBytes;
  }
}

/** The server sent something that is not the protocol. */
export class ProtocolError extends AppServerError {
  override readonly code = "PROTOCOL_ERROR";
}

/** How a connection was lost, for a log: without the words of an error, which may name a place. */
export function describeLoss(reason: CloseReason): string {
  const { error, ...rest } = reason;
  if (error === undefined) return describe(reason);
  const { code = error.name } = error as NodeJS.ErrnoException;
  return `${describe(rest)} (${code})`;
}

function fateOf(method: string | undefined, sent: boolean): string {
  if (method === undefined) return ".";
  return sent ? ` while ${method} was pending.` : `: ${method} was not sent.`;
}

function adviceFor({ kind }: CloseReason, method: string | undefined, sent: boolean): string {
  if (method !== undefined && sent) {
    return "The server may have carried it out: look before you repeat it.";
  }
  if (kind === "dropped") return "Call again: calls wait until it is back.";
  return kind === "closed"
    ? "Start another client."
    : "Call the Codex again, which starts another server, or start another client.";
}

function describe({ kind, error, exitCode, signal }: CloseReason): string {
  if (kind === "closed") return "The connection is closed";
  if (kind === "dropped") return "The connection dropped and is being restored";
  if (kind === "failed") {
    return `The connection to the app-server failed${error ? ` (${inWords(error)})` : ""}`;
  }
  if (signal !== null) return `The app-server process ended by ${signal}`;
  return `The app-server process ended${exitCode === null ? "" : ` with code ${exitCode}`}`;
}

/** The words of these errors name addresses and files, which are in `cause`. */
function inWords(error: Error): string {
  const { code } = error as NodeJS.ErrnoException;
  if (error instanceof ConnectError) return error.code;
  return typeof code === "string" && /^E[A-Z\d_]+$/.test(code) ? code : error.message;
}
