export { AppServerClient } from "./client.js";
export { Codex, type Readiness } from "./codex.js";
export type {
  CodexConnectOptions,
  CodexOptions,
  CodexServerOptions,
  SupervisionOptions,
} from "./supervision/codex-options.js";
export type { CodexStatus } from "./supervision/codex-status.js";
export type { CloseOptions } from "./supervision/drain.js";
export type { TurnInProgress } from "./session/turns-in-progress.js";
export type { RestartOptions } from "./supervision/restart-policy.js";
export {
  Thread,
  type ListItemsOptions,
  type ListTurnsOptions,
  type ThreadOpened,
} from "./thread.js";
export type {
  ForkThreadOptions,
  ResumeThreadOptions,
  StartThreadOptions,
  UpdateSettingsOptions,
} from "./options/thread-options.js";
export { Turn, type TurnEventWithOrigin, type TurnSnapshot } from "./turn.js";
export type { TurnName } from "./turns/turn-request.js";
export type { EventOrigin, Subagent } from "./turns/subagents.js";
export type {
  AccountStatus,
  CodexApi,
  ListModelsOptions,
  ListPermissionProfilesOptions,
} from "./catalogue/codex-api.js";
export type {
  ListThreadsOptions,
  LoadedThreadsOptions,
  ThreadCatalog,
} from "./catalogue/thread-catalog.js";
export type { Resource } from "./resources/resource.js";
export type {
  ListSectionsOptions,
  SectionOptions,
  Sections,
} from "./resources/threads/sections.js";
export type {
  ListRealtimeItemsOptions,
  SearchOccurrencesOptions,
  ThreadApi,
  UpdateMetadataOptions,
} from "./resources/threads/thread-api.js";
export type {
  AddAttachmentOptions,
  AttachmentIdentity,
  AttachmentOwnersOptions,
  ListAttachmentsOptions,
  ThreadAttachments,
} from "./resources/threads/thread-attachments.js";
export type { SetGoalOptions, GoalOptions } from "./options/goal-options.js";
export type { ThreadGoals } from "./resources/threads/thread-goals.js";
export type { GoalResult, GoalRunStatus } from "./results/goal-result.js";
export { GoalRun, type GoalEventWithOrigin } from "./goal.js";
export type { GoalEvent, GoalRunState } from "./goals/goal-state.js";
export type {
  AddToQueueOptions,
  ListQueueOptions,
  ThreadQueue,
  UpdateQueuedOptions,
} from "./resources/threads/thread-queue.js";
export {
  ThreadSearch,
  type SearchThreadsOptions,
  type ThreadSearchOptions,
} from "./resources/threads/thread-search.js";
export type { ThreadFacet } from "./resources/threads/thread-facet.js";
export type {
  ListTerminalsOptions,
  ThreadTerminals,
} from "./resources/threads/thread-terminals.js";
export type {
  Apps,
  AppsRead,
  InstalledAppsOptions,
  ListAppsOptions,
  ReadAppsOptions,
} from "./resources/extensions/apps.js";
export type { FollowOptions } from "./resources/extensions/follow-notifications.js";
export type { Hooks, ListHooksOptions } from "./resources/extensions/hooks.js";
export type {
  AddMarketplaceOptions,
  AddedMarketplace,
  MarketplaceUpgrade,
  Marketplaces,
} from "./resources/extensions/marketplaces.js";
export type { McpLogin, McpLoginOptions } from "./resources/extensions/mcp-login.js";
export type {
  ListMcpServersOptions,
  Mcp,
  McpResourceContents,
  McpResourceRead,
  McpStartup,
  McpToolCall,
  McpToolResult,
} from "./resources/extensions/mcp.js";
export type {
  InstalledPlugins,
  InstalledPluginsOptions,
  ListPluginsOptions,
  PluginInstallation,
  PluginList,
  PluginSelector,
  Plugins,
  SearchPluginsOptions,
} from "./resources/extensions/plugins.js";
export type { ListSkillsOptions, SkillSelector, Skills } from "./resources/extensions/skills.js";
export type {
  ConfigChange,
  ConfigStore,
  ReadConfigOptions,
  WriteConfigOptions,
} from "./resources/configuration/config-store.js";
export type { Features, ListFeaturesOptions } from "./resources/configuration/features.js";
export type { KeyPath } from "./resources/configuration/key-path.js";
export type {
  ModelProviderCapabilities,
  ModelProviderList,
  ModelProviders,
} from "./resources/configuration/model-providers.js";
export type {
  AuthTokens,
  BedrockAccessKeys,
  BedrockApiKey,
  BrowserLoginOptions,
  Login,
  LoginParams,
} from "./resources/account/login.js";
export { BrowserLogin, DeviceCodeLogin, LoginAttempt } from "./resources/account/login-attempt.js";
export type { LoginWaitOptions } from "./resources/account/login-process.js";
export { GatewayLogin, type GatewayLoginOptions } from "./resources/account/gateway-login.js";
export type { KnownRateLimits } from "./results/rate-limits.js";
export type { RateLimits, ResetCreditOptions } from "./resources/account/rate-limits.js";
export { CommandHandle } from "./resources/machine/command-handle.js";
export type {
  CommandOptions,
  ExecOptions,
  SpawnOptions,
  TerminalSize,
} from "./resources/machine/command-options.js";
export type { CommandResult } from "./results/command-result.js";
export type {
  Sandbox,
  SandboxCheck,
  SandboxCheckOptions,
  SandboxProblem,
} from "./resources/machine/sandbox.js";
export { OutputStream } from "./resources/machine/output-stream.js";
export {
  FileSearch,
  type FileSearchOptions,
  type FileSearchResults,
  type SearchFilesOptions,
} from "./resources/machine/file-search.js";
export type {
  CopyOptions,
  DirectoryEntry,
  Files,
  FileStat,
  MakeDirectoryOptions,
  RemoveOptions,
} from "./resources/machine/files.js";
export type { Subscription } from "./resources/machine/subscription.js";
export { Watch, type WatchEvent, type WatchOptions } from "./resources/machine/watch.js";
export { Pages, type Page } from "./options/pages.js";
export type { TextStreamOptions } from "./turns/answer-text.js";
export type { MessageFacts, MessageUpdate } from "./turns/message-updates.js";
export { itemsInOrder } from "./turns/turn-items.js";
export type {
  TurnItems,
  TurnRetry,
  TurnState,
  TurnUsage,
  TurnWarning,
} from "./results/turn-state.js";
export type { TurnFacts, TurnOutcome, TurnResult } from "./results/turn-result.js";
export { isRetryNotice, type RetryNotice } from "./turns/turn-state.js";
export type {
  RunOptions,
  AttachTurnOptions,
  ServiceTurnOptions,
  TurnControls,
  TurnOptions,
  TurnSettings,
  TurnStartSettings,
  WithoutOutput,
} from "./options/turn-options.js";
export { defineTool, type ToolDefinition } from "./tools/define-tool.js";
export type {
  BoundTools,
  StartThreadTools,
  Tool,
  ToolContent,
  ToolContext,
  ToolOutput,
} from "./tools/tool.js";
export type { OutputSchema } from "./schema/output-format.js";
export type { JsonSchema, SchemaIssue } from "./schema/json-schema.js";
export type {
  InferOutput,
  StandardIssue,
  StandardJsonOptions,
  StandardJsonSchema,
  StandardJsonWriter,
  StandardOutcome,
  StandardProperties,
  StandardSchema,
  StandardTypes,
} from "./schema/standard-schema.js";
export {
  maxInputCharacters,
  type InputItem,
  type InputPlace,
  type TurnInput,
} from "./options/input.js";
export type { InlineData } from "./results/inline-data.js";
export type { AppServerClientOptions, ConnectionSettings } from "./options/options.js";
export type { ConfigObject, ConfigValue } from "./runtime/config-args.js";
export type { LaunchCommandLine } from "./runtime/launch-command.js";
export type { LaunchOptions } from "./runtime/launch-options.js";
export type { Logger } from "./async/logger.js";
export type { CallbackName, ErrorListener, ErrorOrigin } from "./errors/callbacks.js";
export type { NotifyOptions, RequestOptions } from "./jsonrpc/connection.js";
export type { TraceContext, Traced } from "./jsonrpc/trace-context.js";
export type { ServerInfo } from "./session/server-info.js";
export { isRetryableError, retryOnOverload, type RetryOptions } from "./jsonrpc/retry.js";
export type {
  AllowUndefined,
  ClientRequestMethod,
  ConnectionGapEvent,
  ConnectionNotification,
  ParamsArgument,
  ParamsOf,
  ResultOf,
  ServerNotification,
  ServerNotificationMethod,
  ServerRequestMethod,
  ThreadWarningMethod,
  TurnEvent,
  TurnEventMethod,
  TurnRequestEvent,
  TurnRequestMethod,
  TurnWarningEvent,
} from "./protocol.js";
export type { AsyncIteration } from "./async/async-iteration.js";
export { isAppServerError, type AnyAppServerError } from "./app-server-errors.js";
export { AppServerError, type ErrorDetails } from "./errors/base.js";
export type {
  AppServerErrorCode,
  InvalidRequestErrorCode,
  JsonRpcErrorCode,
} from "./errors/error-codes.js";
export { InvalidArgumentError } from "./errors/invalid-argument-error.js";
export {
  BinaryNotFoundError,
  HandshakeError,
  IncompatibleServerError,
  RestartLimitError,
  SpawnError,
} from "./errors/start-errors.js";
export {
  ConnectError,
  MissingDependencyError,
  type ConnectFailure,
} from "./errors/connect-errors.js";
export type { ConnectOptions, ConnectTarget } from "./options/connect-options.js";
export type { ConnectionStatus } from "./jsonrpc/connection-status.js";
export type { ReconnectOptions } from "./jsonrpc/reconnect.js";
export type { SocketOptions, TokenSource } from "./transport/socket-options.js";
export type { InProcessServer, Transport, TransportEnd } from "./transport/transport.js";
export type { StreamPair } from "./transport/stream-transport.js";
export type { WebReadable, WebWritable } from "./transport/web-streams.js";
export {
  ConfigWriteError,
  FeatureNotChangedError,
  type ConfigWriteRefusal,
} from "./errors/config-errors.js";
export { PoolFullError, TenantOptionsError, type PoolResource } from "./errors/pool-errors.js";
export { NoNextPageError } from "./errors/list-errors.js";
export { ModelClosedError } from "./errors/model-closed-error.js";
export {
  SandboxWidenedError,
  SettingsLoosenedError,
  type GuardedSetting,
} from "./errors/settings-errors.js";
export { ToolInputError } from "./tools/tool-errors.js";
export {
  LoginFailedError,
  LoginTimeoutError,
  type LoginFailureReason,
} from "./errors/login-errors.js";
export {
  MessageTooLargeError,
  ProtocolError,
  RequestTimeoutError,
  TransportClosedError,
  type CloseReason,
  type TimeoutDetails,
} from "./errors/connection-errors.js";
export {
  CommandEndedError,
  CommandNotStartedError,
  FileNotFoundError,
  FileSystemError,
  HandleClosedError,
  OutputOverflowError,
  OutputStreamError,
} from "./errors/machine-errors.js";
export { CommandFailedError } from "./resources/machine/command-failed-error.js";
export {
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
  type RpcFailure,
} from "./errors/rpc-errors.js";
export {
  GoalDetachedError,
  GoalFailedError,
  GoalNotActiveError,
  GoalNotStartedError,
  GoalStalledError,
  GoalTimeoutError,
} from "./goals/goal-errors.js";
export {
  OutputMismatchError,
  RunFailedError,
  StopUnconfirmedError,
  TurnFailedError,
  TurnLostError,
  TurnNotFoundError,
  TurnNotStartedError,
  TurnStalledError,
  TurnStreamError,
  TurnTimeoutError,
  type StallProbe,
  type OutputMismatchReason,
} from "./turns/turn-errors.js";
export { ResultError, RunTimeoutError, type StopDetails } from "./errors/result-error.js";
export { CodexDrainingError } from "./errors/draining-error.js";
export { TurnDetachedError } from "./errors/turn-detached-error.js";
export type { TurnFailureReason } from "./results/turn-failure-reason.js";
export { SlowConsumerError } from "./errors/slow-consumer-error.js";
export {
  RequestNotPendingError,
  ServerRequestOverError,
  type RequestOverReason,
} from "./errors/server-request-errors.js";
export {
  approve,
  type ApprovalDecision,
  type ApprovalHandler,
  type ApprovalHandlers,
  type ApprovalPreset,
  type ApprovalRequest,
  type CommandApproval,
  type CommandDecision,
  type FileChangeApproval,
  type FileChangeDecision,
  type PermissionsApproval,
  type PermissionsDecision,
  type PermissionsGrant,
} from "./server-requests/approvals.js";
export type {
  ElicitationAnswer,
  ElicitationHandler,
  ElicitationParams,
  ElicitationReply,
  ElicitationRequest,
  FormElicitation,
  OtherElicitation,
  ToolApprovalElicitation,
  UrlElicitation,
  UserInputAnswers,
  UserInputHandler,
  UserInputRequest,
} from "./server-requests/questions.js";
export type {
  ClientRequestHandlers,
  RawHandler,
  RawHandlers,
  RequestHandlers,
} from "./server-requests/handlers.js";
export type { HandlerOf } from "./server-requests/client-handlers.js";
export type { PendingRequest } from "./server-requests/open-request.js";
export {
  defer,
  type Answering,
  type DeferredAnswer,
  type RequestContext,
} from "./server-requests/request-context.js";
export type { RequestAnswer, UserRequest } from "./server-requests/request-kinds.js";
export { SDK_VERSION } from "./version.js";
export { RUNTIME_VERSION } from "../generated/runtime.js";
export type { ClientRequests, ServerNotifications, ServerRequests } from "../generated/methods.js";
export type { Rpc } from "../generated/rpc.js";
export type * as protocol from "../generated/types.js";
