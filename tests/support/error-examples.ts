import * as library from "../../lib/index.js";
import type { AnyAppServerError, AppServerErrorCode, TurnResult } from "../../lib/index.js";

const failure = { method: "thread/read", rpcCode: -32_600, message: "no", data: null };
const closeReason = { kind: "closed", exitCode: null, signal: null, stderrTail: "" } as const;
const result = {} as TurnResult;
const closed = new library.TransportClosedError(closeReason);
const busy = new library.ServerBusyError(failure);
const refused = new library.InvalidRequestError(failure);

type Coded<Code extends AppServerErrorCode> = Extract<AnyAppServerError, { code: Code }>;

/** One of each code, of the very class that has it: a code without one does not compile. */
export const errorExamples: { [Code in AppServerErrorCode]: Coded<Code> } = {
  BINARY_NOT_FOUND: new library.BinaryNotFoundError([], "Install it."),
  CODEX_DRAINING: new library.CodexDrainingError("turn/start"),
  COMMAND_ENDED: new library.CommandEndedError(failure),
  COMMAND_FAILED: new library.CommandFailedError({} as library.CommandResult),
  COMMAND_NOT_STARTED: new library.CommandNotStartedError(failure),
  CONFIG_WRITE_REFUSED: new library.ConfigWriteError(failure, "configLayerReadonly"),
  CONNECT_FAILED: new library.ConnectError("ws://localhost", "no.", { retryable: true }),
  EXPERIMENTAL_API: new library.ExperimentalApiError(failure),
  EXTERNAL_CLOCK_UNAVAILABLE: new library.ExternalClockError(failure),
  FEATURE_NOT_CHANGED: new library.FeatureNotChangedError([]),
  FILE_NOT_FOUND: new library.FileNotFoundError(failure),
  FILE_SYSTEM_ERROR: own(new library.FileSystemError(failure, null), "FILE_SYSTEM_ERROR"),
  GOAL_DETACHED: new library.GoalDetachedError(closed),
  GOAL_FAILED: new library.GoalFailedError({ turns: [] } as unknown as library.GoalResult, result),
  GOAL_NOT_ACTIVE: new library.GoalNotActiveError(),
  GOAL_NOT_STARTED: new library.GoalNotStartedError(),
  GOAL_STALLED: new library.GoalStalledError({} as library.GoalResult),
  GOAL_TIMEOUT: new library.GoalTimeoutError(1, {} as library.GoalResult),
  GOALS_UNAVAILABLE: new library.GoalsUnavailableError(failure, "Start it."),
  HANDLE_CLOSED: new library.HandleClosedError("The watch", "codex.watch()"),
  HANDSHAKE_FAILED: new library.HandshakeError("no.", ""),
  INCOMPATIBLE_SERVER: new library.IncompatibleServerError("0.1.0", "0.2.0"),
  INTERNAL_ERROR: new library.InternalRpcError(failure),
  INVALID_ARGUMENT: new library.InvalidArgumentError("cwd", "must exist"),
  INVALID_PARAMS: new library.InvalidParamsError(failure),
  INVALID_REQUEST: own(refused, "INVALID_REQUEST"),
  LOGIN_FAILED: new library.LoginFailedError("denied"),
  LOGIN_TIMEOUT: new library.LoginTimeoutError(1),
  MCP_SERVER_ERROR: new library.McpServerError(failure),
  MESSAGE_TOO_LARGE: new library.MessageTooLargeError("incoming", 1),
  METHOD_NOT_FOUND: new library.MethodNotFoundError(failure),
  MISSING_DEPENDENCY: new library.MissingDependencyError("ws", "ws", "For this"),
  MODEL_CLOSED: new library.ModelClosedError(),
  NO_NEXT_PAGE: new library.NoNextPageError(),
  OUTPUT_MISMATCH: new library.OutputMismatchError("notJson", result),
  OUTPUT_OVERFLOW: new library.OutputOverflowError(1),
  OUTPUT_STREAM_UNAVAILABLE: new library.OutputStreamError("no."),
  PARSE_ERROR: new library.ParseError(failure),
  POOL_FULL: new library.PoolFullError("servers", 1),
  PROTOCOL_ERROR: new library.ProtocolError("no."),
  REQUEST_NOT_PENDING: new library.RequestNotPendingError("key"),
  REQUEST_TIMEOUT: new library.RequestTimeoutError("thread/read", 1),
  RESTART_LIMIT: new library.RestartLimitError(1, 1, closed),
  RETRY_LIMIT_EXCEEDED: new library.RetryLimitExceededError(busy, 2),
  RPC_ERROR: own(new library.JsonRpcError(failure), "RPC_ERROR"),
  SANDBOX_WIDENED: new library.SandboxWidenedError("thread-1", undefined),
  SERVER_BUSY: own(busy, "SERVER_BUSY"),
  SERVER_DRAINING: new library.ServerDrainingError(failure),
  SERVER_REQUEST_OVER: new library.ServerRequestOverError("item/tool/call", 1, "answered"),
  SETTING_NOT_ALLOWED: new library.SettingNotAllowedError(failure),
  SETTINGS_LOOSENED: own(
    new library.SettingsLoosenedError("thread-1", "sandbox"),
    "SETTINGS_LOOSENED",
  ),
  SLOW_CONSUMER: new library.SlowConsumerError("1 turns", "Read on."),
  SPAWN_FAILED: new library.SpawnError("codex", "no."),
  STOP_UNCONFIRMED: new library.StopUnconfirmedError("turn", 1),
  TENANT_OPTIONS: new library.TenantOptionsError("no."),
  THREAD_ARCHIVED: new library.ThreadArchivedError(failure, "thread-1"),
  THREAD_BUSY: new library.ThreadBusyError(failure),
  THREAD_NOT_FOUND: new library.ThreadNotFoundError(failure),
  TOOL_INPUT: new library.ToolInputError("tool", []),
  TRANSPORT_CLOSED: closed,
  TURN_DETACHED: new library.TurnDetachedError(),
  TURN_FAILED: new library.TurnFailedError(result),
  TURN_LOST: new library.TurnLostError(result),
  TURN_NOT_ACTIVE: new library.TurnNotActiveError(failure),
  TURN_NOT_FOUND: new library.TurnNotFoundError("thread-1", "id"),
  TURN_NOT_STARTED: new library.TurnNotStartedError(),
  TURN_STALLED: new library.TurnStalledError(1, result, "unknown"),
  TURN_STREAM_UNAVAILABLE: new library.TurnStreamError("no."),
  TURN_TIMEOUT: new library.TurnTimeoutError(1, result),
};

/** The error, which must be of a class that has subclasses, as one that is of none of these. */
function own<Code extends AppServerErrorCode>(error: unknown, code: Code): Coded<Code> {
  if (hasCode(error, code)) return error;
  throw new Error(`it has not the code ${code}`);
}

function hasCode<Code extends AppServerErrorCode>(
  error: unknown,
  code: Code,
): error is Coded<Code> {
  return library.isAppServerError(error) && error.code === code;
}
