import { isAppServerError as isOurs } from "./errors/base.js";
import type { ConfigWriteError, FeatureNotChangedError } from "./errors/config-errors.js";
import type { CodexDrainingError } from "./errors/draining-error.js";
import type { ConnectError, MissingDependencyError } from "./errors/connect-errors.js";
import type {
  MessageTooLargeError,
  ProtocolError,
  RequestTimeoutError,
  TransportClosedError,
} from "./errors/connection-errors.js";
import type {
  GoalDetachedError,
  GoalFailedError,
  GoalNotActiveError,
  GoalNotStartedError,
  GoalStalledError,
  GoalTimeoutError,
} from "./goals/goal-errors.js";
import type {
  ExperimentalApiError,
  ExternalClockError,
  GoalsUnavailableError,
  InternalRpcError,
  InvalidParamsError,
  InvalidRequestError,
  JsonRpcError,
  McpServerError,
  MethodNotFoundError,
  ParseError,
  RetryLimitExceededError,
  ServerBusyError,
  ServerDrainingError,
  SettingNotAllowedError,
  ThreadArchivedError,
  ThreadBusyError,
  ThreadNotFoundError,
  TurnNotActiveError,
} from "./errors/rpc-errors.js";
import type { InvalidArgumentError } from "./errors/invalid-argument-error.js";
import type { NoNextPageError } from "./errors/list-errors.js";
import type { LoginFailedError, LoginTimeoutError } from "./errors/login-errors.js";
import type {
  CommandEndedError,
  CommandNotStartedError,
  FileNotFoundError,
  FileSystemError,
  HandleClosedError,
  OutputOverflowError,
  OutputStreamError,
} from "./errors/machine-errors.js";
import type { CommandFailedError } from "./resources/machine/command-failed-error.js";
import type { ModelClosedError } from "./errors/model-closed-error.js";
import type {
  RequestNotPendingError,
  ServerRequestOverError,
} from "./errors/server-request-errors.js";
import type { SandboxWidenedError, SettingsLoosenedError } from "./errors/settings-errors.js";
import type { SlowConsumerError } from "./errors/slow-consumer-error.js";
import type {
  BinaryNotFoundError,
  HandshakeError,
  IncompatibleServerError,
  RestartLimitError,
  SpawnError,
} from "./errors/start-errors.js";
import type { ToolInputError } from "./tools/tool-errors.js";
import type {
  OutputMismatchError,
  StopUnconfirmedError,
  TurnFailedError,
  TurnLostError,
  TurnNotStartedError,
  TurnStalledError,
  TurnStreamError,
  TurnTimeoutError,
} from "./turns/turn-errors.js";
import type { TurnDetachedError } from "./errors/turn-detached-error.js";

/**
 * Every error of this library, told apart by `code`: inside `case "TURN_FAILED":` the error is a
 * TurnFailedError, with all its properties. A class that has subclasses stands here for its own code alone.
 */
export type AnyAppServerError =
  | BinaryNotFoundError
  | CodexDrainingError
  | CommandEndedError
  | CommandFailedError
  | CommandNotStartedError
  | ConfigWriteError
  | ConnectError
  | ExperimentalApiError
  | ExternalClockError
  | FeatureNotChangedError
  | FileNotFoundError
  | (FileSystemError & { readonly code: "FILE_SYSTEM_ERROR" })
  | GoalDetachedError
  | GoalFailedError
  | GoalNotActiveError
  | GoalNotStartedError
  | GoalStalledError
  | GoalTimeoutError
  | GoalsUnavailableError
  | HandleClosedError
  | HandshakeError
  | IncompatibleServerError
  | InternalRpcError
  | InvalidArgumentError
  | InvalidParamsError
  | (InvalidRequestError & { readonly code: "INVALID_REQUEST" })
  | (JsonRpcError & { readonly code: "RPC_ERROR" })
  | LoginFailedError
  | LoginTimeoutError
  | McpServerError
  | MessageTooLargeError
  | MethodNotFoundError
  | MissingDependencyError
  | ModelClosedError
  | NoNextPageError
  | OutputMismatchError
  | OutputOverflowError
  | OutputStreamError
  | ParseError
  | ProtocolError
  | RequestNotPendingError
  | RequestTimeoutError
  | RestartLimitError
  | RetryLimitExceededError
  | SandboxWidenedError
  | (ServerBusyError & { readonly code: "SERVER_BUSY" })
  | ServerDrainingError
  | ServerRequestOverError
  | SettingNotAllowedError
  | (SettingsLoosenedError & { readonly code: "SETTINGS_LOOSENED" })
  | SlowConsumerError
  | SpawnError
  | StopUnconfirmedError
  | ThreadArchivedError
  | ThreadBusyError
  | ThreadNotFoundError
  | ToolInputError
  | TransportClosedError
  | TurnDetachedError
  | TurnFailedError
  | TurnLostError
  | TurnNotActiveError
  | TurnNotStartedError
  | TurnStalledError
  | TurnStreamError
  | TurnTimeoutError;

/**
 * Whether `error` was made by this library. Unlike `instanceof`, it also recognises errors of another
 * installed copy of the package, and TypeScript knows the class of the error by its `code` from then on.
 */
export const isAppServerError = isOurs as (error: unknown) => error is AnyAppServerError;
