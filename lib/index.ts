export { AppServerClient } from "./client.js";
export { Codex, type CodexOptions, type Readiness } from "./codex.js";
export {
  Thread,
  type ListItemsOptions,
  type ListTurnsOptions,
  type ThreadOpened,
} from "./thread.js";
export { Turn } from "./turn.js";
export type {
  ForkThreadOptions,
  ListModelsOptions,
  ListThreadsOptions,
  ResumeThreadOptions,
  StartThreadOptions,
} from "./api.js";
export { Pages, type Page } from "./pages.js";
export type { TurnResult } from "./turns/turn-result.js";
export type { TurnState } from "./turns/turn-state.js";
export type { TurnUsage } from "./turns/turn-usage.js";
export type { RunOptions, TurnControls, TurnOptions, TurnSettings } from "./turns/turn-options.js";
export { maxInputCharacters, type InlineData, type InputItem, type TurnInput } from "./input.js";
export type { AppServerClientOptions, ConnectionSettings } from "./options.js";
export type { ConfigObject, ConfigValue, LaunchOptions } from "./runtime/launch.js";
export type { Logger } from "./async/logger.js";
export type { RequestOptions } from "./rpc/connection.js";
export type { ServerInfo } from "./rpc/server-info.js";
export { isRetryableError, retryOnOverload, type RetryOptions } from "./rpc/retry.js";
export type {
  AllowUndefined,
  ClientRequestMethod,
  ParamsArgument,
  ParamsOf,
  ResultOf,
  ServerNotification,
  ServerNotificationMethod,
  ServerRequestMethod,
  TurnEvent,
  TurnEventMethod,
} from "./protocol.js";
export { AppServerError, isAppServerError } from "./errors/base.js";
export { InvalidArgumentError } from "./errors/invalid-argument-error.js";
export {
  BinaryNotFoundError,
  HandshakeError,
  IncompatibleServerError,
  SpawnError,
} from "./errors/start-errors.js";
export {
  MessageTooLargeError,
  ProtocolError,
  RequestTimeoutError,
  TransportClosedError,
  type CloseReason,
} from "./errors/connection-errors.js";
export {
  ExperimentalApiError,
  InternalRpcError,
  InvalidParamsError,
  InvalidRequestError,
  JsonRpcError,
  MethodNotFoundError,
  ParseError,
  RetryLimitExceededError,
  ServerBusyError,
  ThreadBusyError,
  ThreadNotFoundError,
  TurnNotActiveError,
  type RpcFailure,
} from "./errors/rpc-errors.js";
export {
  TurnFailedError,
  TurnNotStartedError,
  TurnStreamError,
  TurnTimeoutError,
  type TurnFailureReason,
} from "./errors/turn-errors.js";
export { SDK_VERSION } from "./version.js";
export { RUNTIME_VERSION } from "../generated/runtime.js";
export type * as protocol from "../generated/types.js";
export type { ClientRequests, ServerNotifications, ServerRequests } from "../generated/methods.js";
