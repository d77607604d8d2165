import { isAppServerError as isOurs } from "./errors/base.js";
import type * as config from "./errors/config-errors.js";
import type { CodexDrainingError } from "./errors/draining-error.js";
import type * as connect from "./errors/connect-errors.js";
import type * as connection from "./errors/connection-errors.js";
import type * as goal from "./goals/goal-errors.js";
import type * as pool from "./errors/pool-errors.js";
import type * as rpc from "./errors/rpc-errors.js";
import type { InvalidArgumentError } from "./errors/invalid-argument-error.js";
import type { NoNextPageError } from "./errors/list-errors.js";
import type * as login from "./errors/login-errors.js";
import type * as machine from "./errors/machine-errors.js";
import type { CommandFailedError } from "./resources/machine/command-failed-error.js";
import type { ModelClosedError } from "./errors/model-closed-error.js";
import type * as request from "./errors/server-request-errors.js";
import type * as settings from "./errors/settings-errors.js";
import type { SlowConsumerError } from "./errors/slow-consumer-error.js";
import type * as start from "./errors/start-errors.js";
import type { ToolInputError } from "./tools/tool-errors.js";
import type * as turn from "./turns/turn-errors.js";
import type { TurnDetachedError } from "./errors/turn-detached-error.js";

/**
 * Every error of this library, told apart by `code`: inside `case "TURN_FAILED":` the error is a
 * TurnFailedError, with all its properties. A class that has subclasses stands here for its own code alone.
 */
export type AnyAppServerError =
  | start.BinaryNotFoundError
  | CodexDrainingError
  | machine.CommandEndedError
  | CommandFailedError
  | machine.CommandNotStartedError
  | config.ConfigWriteError
  | connect.ConnectError
  | rpc.ExperimentalApiError
  | rpc.ExternalClockError
  | config.FeatureNotChangedError
  | machine.FileNotFoundError
  | (machine.FileSystemError & { readonly code: "FILE_SYSTEM_ERROR" })
  | goal.GoalDetachedError
  | goal.GoalFailedError
  | goal.GoalNotActiveError
  | goal.GoalNotStartedError
  | goal.GoalStalledError
  | goal.GoalTimeoutError
  | rpc.GoalsUnavailableError
  | machine.HandleClosedError
  | start.HandshakeError
  | start.IncompatibleServerError
  | rpc.InternalRpcError
  | InvalidArgumentError
  | rpc.InvalidParamsError
  | (rpc.InvalidRequestError & { readonly code: "INVALID_REQUEST" })
  | (rpc.JsonRpcError & { readonly code: "RPC_ERROR" })
  | login.LoginFailedError
  | login.LoginTimeoutError
  | rpc.McpServerError
  | connection.MessageTooLargeError
  | rpc.MethodNotFoundError
  | connect.MissingDependencyError
  | ModelClosedError
  | NoNextPageError
  | turn.OutputMismatchError
  | machine.OutputOverflowError
  | machine.OutputStreamError
  | rpc.ParseError
  | pool.PoolFullError
  | connection.ProtocolError
  | request.RequestNotPendingError
  | connection.RequestTimeoutError
  | start.RestartLimitError
  | rpc.RetryLimitExceededError
  | settings.SandboxWidenedError
  | (rpc.ServerBusyError & { readonly code: "SERVER_BUSY" })
  | rpc.ServerDrainingError
  | request.ServerRequestOverError
  | rpc.SettingNotAllowedError
  | (settings.SettingsLoosenedError & { readonly code: "SETTINGS_LOOSENED" })
  | SlowConsumerError
  | start.SpawnError
  | turn.StopUnconfirmedError
  | pool.TenantOptionsError
  | rpc.ThreadArchivedError
  | rpc.ThreadBusyError
  | rpc.ThreadNotFoundError
  | ToolInputError
  | connection.TransportClosedError
  | TurnDetachedError
  | turn.TurnFailedError
  | turn.TurnLostError
  | rpc.TurnNotActiveError
  | turn.TurnNotFoundError
  | turn.TurnNotStartedError
  | turn.TurnStalledError
  | turn.TurnStreamError
  | turn.TurnTimeoutError;

/**
 * Whether `error` was made by this library. Unlike `instanceof`, it also recognises errors of another
 * installed copy of the package, and TypeScript knows the class of the error by its `code` from then on.
 */
export const isAppServerError = isOurs as (error: unknown) => error is AnyAppServerError;
