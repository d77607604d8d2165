/** The codes of InvalidRequestError and of the classes that say more precisely what was refused. */
export type InvalidRequestErrorCode =
  | "INVALID_REQUEST"
  | "COMMAND_ENDED"
  | "CONFIG_WRITE_REFUSED"
  | "EXPERIMENTAL_API"
  | "GOALS_UNAVAILABLE"
  | "SERVER_DRAINING"
  | "SETTING_NOT_ALLOWED"
  | "THREAD_ARCHIVED"
  | "THREAD_NOT_FOUND"
  | "TURN_NOT_ACTIVE";

/** The codes of JsonRpcError and of all its subclasses: the server answered with an error. */
export type JsonRpcErrorCode =
  | InvalidRequestErrorCode
  | "RPC_ERROR"
  | "COMMAND_NOT_STARTED"
  | "EXTERNAL_CLOCK_UNAVAILABLE"
  | "FILE_NOT_FOUND"
  | "FILE_SYSTEM_ERROR"
  | "INTERNAL_ERROR"
  | "INVALID_PARAMS"
  | "MCP_SERVER_ERROR"
  | "METHOD_NOT_FOUND"
  | "PARSE_ERROR"
  | "RETRY_LIMIT_EXCEEDED"
  | "SERVER_BUSY"
  | "THREAD_BUSY";

/**
 * The codes of all errors of this library, for `switch (error.code)`; docs/errors.md has a table of them.
 * A later version may add some, so keep a `default` branch.
 */
export type AppServerErrorCode =
  | JsonRpcErrorCode
  | "BINARY_NOT_FOUND"
  | "CODEX_DRAINING"
  | "COMMAND_FAILED"
  | "CONNECT_FAILED"
  | "FEATURE_NOT_CHANGED"
  | "GOAL_DETACHED"
  | "GOAL_FAILED"
  | "GOAL_NOT_ACTIVE"
  | "GOAL_NOT_STARTED"
  | "GOAL_STALLED"
  | "GOAL_TIMEOUT"
  | "HANDLE_CLOSED"
  | "HANDSHAKE_FAILED"
  | "INCOMPATIBLE_SERVER"
  | "INVALID_ARGUMENT"
  | "LOGIN_FAILED"
  | "LOGIN_TIMEOUT"
  | "MESSAGE_TOO_LARGE"
  | "MISSING_DEPENDENCY"
  | "MODEL_CLOSED"
  | "NO_NEXT_PAGE"
  | "OUTPUT_MISMATCH"
  | "OUTPUT_OVERFLOW"
  | "OUTPUT_STREAM_UNAVAILABLE"
  | "POOL_FULL"
  | "PROTOCOL_ERROR"
  | "REQUEST_NOT_PENDING"
  | "REQUEST_TIMEOUT"
  | "RESTART_LIMIT"
  | "SANDBOX_WIDENED"
  | "SERVER_REQUEST_OVER"
  | "SETTINGS_LOOSENED"
  | "SLOW_CONSUMER"
  | "SPAWN_FAILED"
  | "STOP_UNCONFIRMED"
  | "TENANT_OPTIONS"
  | "TOOL_INPUT"
  | "TRANSPORT_CLOSED"
  | "TURN_DETACHED"
  | "TURN_FAILED"
  | "TURN_LOST"
  | "TURN_NOT_FOUND"
  | "TURN_NOT_STARTED"
  | "TURN_STALLED"
  | "TURN_STREAM_UNAVAILABLE"
  | "TURN_TIMEOUT";
