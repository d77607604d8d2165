import { AppServerError, hide } from "./base.js";
import type { InvalidRequestErrorCode, JsonRpcErrorCode } from "./error-codes.js";

/** The content of a JSON-RPC error answer. */
export interface RpcFailure {
  /** The method that was refused. */
  readonly method: string;
  /** JSON-RPC error code, e.g. `-32600`. */
  readonly rpcCode: number;
  /** The server's own sentence. */
  readonly message: string;
  /** The server's structured details, if it sent any. */
  readonly data: unknown;
  /** False when this library refused in the server's place (default true). */
  readonly sent?: boolean;
}

/** The server answered a request with an error. The subclasses say which kind. */
export class JsonRpcError extends AppServerError {
  override readonly code: JsonRpcErrorCode = "RPC_ERROR";
  readonly method: string;
  readonly rpcCode: number;
  readonly data: unknown;
  /** The server's sentence, without the words that this library adds. */
  readonly serverMessage: string;

  /** `advice`: what to do; a sentence behind that of the server. */
  constructor(failure: RpcFailure, advice?: string) {
    super(`${failure.method} was refused: ${withAdvice(failure.message, advice)}`, {
      sent: failure.sent,
    });
    this.method = failure.method;
    this.rpcCode = failure.rpcCode;
    this.data = failure.data;
    hide(this, "data");
    this.serverMessage = failure.message;
  }
}

/** `-32700`: the server could not read the message. */
export class ParseError extends JsonRpcError {
  override readonly code = "PARSE_ERROR";
}

/** `-32600` without a more precise class: a precondition does not hold, or the request is malformed. */
export class InvalidRequestError extends JsonRpcError {
  override readonly code: InvalidRequestErrorCode = "INVALID_REQUEST";
}

/** This server does not know the method, or not for this thread. Use another one or another runtime. */
export class MethodNotFoundError extends JsonRpcError {
  override readonly code = "METHOD_NOT_FOUND";
}

/** The params are wrong: fix the call. Never worth repeating unchanged. */
export class InvalidParamsError extends JsonRpcError {
  override readonly code = "INVALID_PARAMS";
}

/** `-32603`: the server failed on its own. */
export class InternalRpcError extends JsonRpcError {
  override readonly code = "INTERNAL_ERROR";
}

/** No thread of that id is loaded or stored. */
export class ThreadNotFoundError extends InvalidRequestError {
  override readonly code = "THREAD_NOT_FOUND";
}

/**
 * The thread is archived, so it can neither be loaded nor copied. Call `codex.unarchiveThread(id)` or
 * `thread.unarchive()` first.
 */
export class ThreadArchivedError extends InvalidRequestError {
  override readonly code = "THREAD_ARCHIVED";

  /** The server's own sentence names a command for the shell instead. */
  constructor(failure: RpcFailure, threadId = "it") {
    const message = `thread ${threadId} is archived.`;
    super({ ...failure, message }, "Call unarchiveThread(id) first.");
  }
}

/** Another process, or a review or compaction, holds the thread. */
export class ThreadBusyError extends JsonRpcError {
  override readonly code = "THREAD_BUSY";
}

/** The turn to steer or to interrupt is not the one that runs. */
export class TurnNotActiveError extends InvalidRequestError {
  override readonly code = "TURN_NOT_ACTIVE";
}

/**
 * The server is shutting down: it ends the turns that run, and takes no new ones. The input did not reach
 * the model, so it may be repeated once there is a server again.
 */
export class ServerDrainingError extends InvalidRequestError {
  override readonly code = "SERVER_DRAINING";
}

/**
 * An administrator's requirements forbid the approval policy, reviewer or sandbox that a turn or
 * `updateSettings` names; `rpc.configRequirements.read()` lists the allowed ones. Nothing has changed.
 */
export class SettingNotAllowedError extends InvalidRequestError {
  override readonly code = "SETTING_NOT_ALLOWED";
}

/** The method or field needs `experimentalApi: true` (the default of this library). */
export class ExperimentalApiError extends InvalidRequestError {
  override readonly code = "EXPERIMENTAL_API";
}

/**
 * The configuration says that the time comes from outside
 * (`features.current_time_reminder.clock_source = "external"`), and this server asks no client for it, as
 * 0.171.0 does not. Set `clock_source` to `"system"`, or use a server up to 0.169.0.
 */
export class ExternalClockError extends JsonRpcError {
  override readonly code = "EXTERNAL_CLOCK_UNAVAILABLE";
}

/**
 * `-32001`: the server's queue is full. It did not run the request, so repeating it is safe;
 * `retryOnOverload` does.
 */
export class ServerBusyError extends JsonRpcError {
  override readonly code: "SERVER_BUSY" | "RETRY_LIMIT_EXCEEDED" = "SERVER_BUSY";
}

/** The server was still busy after the last attempt. */
export class RetryLimitExceededError extends ServerBusyError {
  override readonly code = "RETRY_LIMIT_EXCEEDED";
  /** The number of times that the request was sent. */
  readonly attempts: number;

  constructor(last: ServerBusyError, attempts: number) {
    const { method, rpcCode, serverMessage: message, data } = last;
    super({ method, rpcCode, message, data }, `(${attempts} attempts)`);
    this.attempts = attempts;
    this.cause = last;
  }
}

/** This server, or this thread, cannot have goals. */
export class GoalsUnavailableError extends InvalidRequestError {
  override readonly code = "GOALS_UNAVAILABLE";
}

/**
 * An MCP server, not the app-server, answered a tool call or a read with an error. `rpcCode`,
 * `serverMessage` and `data` are that server's own. The codes `-32600` and `-32603` are used by both;
 * with those, the error is an InvalidRequestError or an InternalRpcError whoever it came from.
 */
export class McpServerError extends JsonRpcError {
  override readonly code = "MCP_SERVER_ERROR";
}

/** The server's sentences seldom end with a full stop. */
function withAdvice(message: string, advice: string | undefined): string {
  if (advice === undefined) return message;
  const sentence = message.trimEnd();
  return `${sentence}${/[.!?]$/.test(sentence) ? "" : "."} ${advice}`;
}
