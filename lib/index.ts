export { AppServerClient } from "./client.js";
export {
  Codex,
  type CodexConnectOptions,
  type CodexOptions,
  type Readiness,
  type SupervisionOptions,
} from "./codex.js";
export type { CodexStatus } from "./supervision/codex-status.js";
export type { RestartOptions } from "./supervision/restart-policy.js";
export {
  Thread,
  type ForkThreadOptions,
  type ListItemsOptions,
  type ListTurnsOptions,
  type ThreadOpened,
} from "./thread.js";
export { Turn, type TurnEventWithOrigin, type TurnSnapshot } from "./turn.js";
export type { EventOrigin, Subagent } from "./turns/subagents.js";
export type { CodexApi, ListModelsOptions, ListPermissionProfilesOptions } from "./api.js";
export type {
  ListThreadsOptions,
  LoadedThreadsOptions,
  ResumeThreadOptions,
  StartThreadOptions,
  ThreadCatalog,
} from "./thread-catalog.js";
export type { ListSectionsOptions, SectionOptions, Sections } from "./threads/sections.js";
export type {
  ListRealtimeItemsOptions,
  SearchOccurrencesOptions,
  ThreadApi,
  UpdateMetadataOptions,
  UpdateSettingsOptions,
} from "./threads/thread-api.js";
export type {
  AddAttachmentOptions,
  AttachmentIdentity,
  AttachmentOwnersOptions,
  ListAttachmentsOptions,
  ThreadAttachments,
} from "./threads/thread-attachments.js";
export type { SetGoalOptions, ThreadGoals } from "./threads/thread-goals.js";
export type { GoalOptions } from "./threads/goal-options.js";
export type { GoalResult, GoalRunStatus } from "./threads/goal-result.js";
export { GoalRun, type GoalEventWithOrigin } from "./threads/goal-run.js";
export type { GoalEvent, GoalRunState } from "./threads/goal-state.js";
export type {
  AddToQueueOptions,
  ListQueueOptions,
  ThreadQueue,
  UpdateQueuedOptions,
} from "./threads/thread-queue.js";
export {
  ThreadSearch,
  type SearchThreadsOptions,
  type ThreadSearchOptions,
} from "./threads/thread-search.js";
export type { ListTerminalsOptions, ThreadTerminals } from "./threads/thread-terminals.js";
export type {
  Apps,
  AppsRead,
  InstalledAppsOptions,
  ListAppsOptions,
  ReadAppsOptions,
} from "./extensions/apps.js";
export type { FollowOptions } from "./extensions/follow-notifications.js";
export type { Hooks, ListHooksOptions } from "./extensions/hooks.js";
export type {
  AddMarketplaceOptions,
  AddedMarketplace,
  MarketplaceUpgrade,
  Marketplaces,
} from "./extensions/marketplaces.js";
export type { McpLogin, McpLoginOptions } from "./extensions/mcp-login.js";
export type {
  ListMcpServersOptions,
  Mcp,
  McpResourceContents,
  McpResourceRead,
  McpStartup,
  McpToolCall,
  McpToolResult,
} from "./extensions/mcp.js";
export type {
  InstalledPlugins,
  InstalledPluginsOptions,
  ListPluginsOptions,
  PluginInstallation,
  PluginList,
  PluginSelector,
  Plugins,
  SearchPluginsOptions,
} from "./extensions/plugins.js";
export type { ListSkillsOptions, SkillSelector, Skills } from "./extensions/skills.js";
export type {
  ConfigChange,
  ConfigStore,
  ReadConfigOptions,
  WriteConfigOptions,
} from "./configuration/config-store.js";
export type { Features, ListFeaturesOptions } from "./configuration/features.js";
export type { KeyPath } from "./configuration/key-path.js";
export type {
  ModelProviderCapabilities,
  ModelProviderList,
  ModelProviders,
} from "./configuration/model-providers.js";
export type { AccountStatus } from "./account/account-status.js";
export type {
  AuthTokens,
  BedrockAccessKeys,
  BedrockApiKey,
  BrowserLoginOptions,
  Login,
  LoginParams,
} from "./account/login.js";
export { BrowserLogin, DeviceCodeLogin, LoginAttempt } from "./account/login-attempt.js";
export type { LoginWaitOptions } from "./account/login-outcome.js";
export { GatewayLogin, type GatewayLoginOptions } from "./account/gateway-login.js";
export type { KnownRateLimits } from "./account/known-rate-limits.js";
export type { RateLimits, ResetCreditOptions } from "./account/rate-limits.js";
export { CommandHandle } from "./machine/command-handle.js";
export type {
  CommandOptions,
  ExecOptions,
  SpawnOptions,
  TerminalSize,
} from "./machine/command-options.js";
export type { CommandResult } from "./machine/command-result.js";
export type {
  Sandbox,
  SandboxCheck,
  SandboxCheckOptions,
  SandboxProblem,
} from "./machine/sandbox.js";
export { OutputStream } from "./machine/output-stream.js";
export {
  FileSearch,
  type FileSearchOptions,
  type FileSearchResults,
  type SearchFilesOptions,
} from "./machine/file-search.js";
export type {
  CopyOptions,
  DirectoryEntry,
  Files,
  FileStat,
  MakeDirectoryOptions,
  RemoveOptions,
} from "./machine/files.js";
export { Watch, type WatchEvent, type WatchOptions } from "./machine/watch.js";
export { Pages, type Page } from "./pages.js";
export type { TextStreamOptions } from "./turns/answer-text.js";
export type { MessageFacts, MessageUpdate } from "./turns/message-updates.js";
export { itemsInOrder, type TurnItems } from "./turns/turn-items.js";
export type { TurnWarning } from "./turns/turn-warnings.js";
export type { TurnFacts, TurnOutcome, TurnResult } from "./turns/turn-result.js";
export { isRetryNotice, type RetryNotice, type TurnRetry } from "./turns/turn-retry.js";
export type { TurnState } from "./turns/turn-state.js";
export type { TurnUsage } from "./turns/turn-usage.js";
export type {
  RunOptions,
  ServiceTurnOptions,
  TurnControls,
  TurnOptions,
  TurnSettings,
  TurnStartSettings,
  WithoutOutput,
} from "./turns/turn-options.js";
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
  type InlineData,
  type InputItem,
  type InputPlace,
  type TurnInput,
} from "./input.js";
export type { AppServerClientOptions, ConnectionSettings } from "./options.js";
export type {
  ConfigObject,
  ConfigValue,
  LaunchCommandLine,
  LaunchOptions,
} from "./runtime/launch.js";
export type { Logger } from "./async/logger.js";
export type { CallbackName, ErrorListener, ErrorOrigin } from "./errors/error-origin.js";
export type { NotifyOptions, RequestOptions } from "./rpc/connection.js";
export type { TraceContext, Traced } from "./rpc/trace-context.js";
export type { ServerInfo } from "./rpc/server-info.js";
export { isRetryableError, retryOnOverload, type RetryOptions } from "./rpc/retry.js";
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
export { isAppServerError, type AnyAppServerError } from "./any-app-server-error.js";
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
export type { ConnectOptions, ConnectTarget } from "./connect-options.js";
export type { ConnectionStatus } from "./rpc/connection-status.js";
export type { ReconnectOptions } from "./rpc/reconnect.js";
export type { SocketOptions, TokenSource } from "./transport/socket-options.js";
export type { StreamPair } from "./transport/stream-transport.js";
export type { WebReadable, WebWritable } from "./transport/web-streams.js";
export {
  ConfigWriteError,
  FeatureNotChangedError,
  type ConfigWriteRefusal,
} from "./errors/config-errors.js";
export { NoNextPageError } from "./errors/list-errors.js";
export { McpServerError } from "./errors/mcp-errors.js";
export { ModelClosedError } from "./errors/model-closed-error.js";
export { OutputMismatchError, type OutputMismatchReason } from "./errors/output-errors.js";
export {
  SandboxWidenedError,
  SettingsLoosenedError,
  type GuardedSetting,
} from "./errors/settings-errors.js";
export { ToolInputError } from "./errors/tool-errors.js";
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
  CommandFailedError,
  CommandNotStartedError,
  FileNotFoundError,
  FileSystemError,
  HandleClosedError,
  OutputOverflowError,
  OutputStreamError,
} from "./errors/machine-errors.js";
export {
  ExperimentalApiError,
  ExternalClockError,
  InternalRpcError,
  InvalidParamsError,
  InvalidRequestError,
  JsonRpcError,
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
  GoalsUnavailableError,
} from "./errors/goal-errors.js";
export {
  StopUnconfirmedError,
  TurnDetachedError,
  TurnFailedError,
  TurnLostError,
  TurnNotStartedError,
  TurnStalledError,
  TurnStreamError,
  TurnTimeoutError,
  type StallProbe,
  type TurnFailureReason,
  type StopDetails,
} from "./errors/turn-errors.js";
export { SlowConsumerError } from "./errors/slow-consumer-error.js";
export { RequestNotPendingError, ServerRequestOverError } from "./errors/server-request-errors.js";
export type { RequestOverReason } from "./errors/server-request-errors.js";
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
export { defer, type DeferredAnswer } from "./server-requests/defer.js";
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
} from "./server-requests/elicitations.js";
export type {
  ClientRequestHandlers,
  RawHandler,
  RawHandlers,
  RequestHandlers,
} from "./server-requests/handlers.js";
export type { HandlerOf } from "./server-requests/client-handlers.js";
export type { PendingRequest } from "./server-requests/open-request.js";
export type { RequestAnswer } from "./server-requests/request-answer.js";
export type { Answering, RequestContext } from "./server-requests/request-context.js";
export type { UserRequest } from "./server-requests/request-kinds.js";
export type {
  UserInputAnswers,
  UserInputHandler,
  UserInputRequest,
} from "./server-requests/user-input.js";
export { SDK_VERSION } from "./version.js";
export { RUNTIME_VERSION } from "../generated/runtime.js";
export type * as protocol from "../generated/types.js";
export type { ClientRequests, ServerNotifications, ServerRequests } from "../generated/methods.js";
export type { Rpc } from "../generated/rpc.js";
