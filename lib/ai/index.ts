export {
  createCodex,
  type CodexProvider,
  type CodexProviderOptions,
} from "./model/create-codex.js";
export type { ModelSource, ModelThreadOptions } from "./model/model-threads.js";
export type {
  CodexLanguageModel,
  ModelCallOptions,
  ModelContent,
  ModelFinishReason,
  ModelMetadata,
  ModelResult,
  ModelStreamPart,
  ModelText,
  ModelTool,
  ModelToolCall,
  ModelToolResult,
  ModelUsage,
  ModelVersion,
  ModelWarning,
  PromptMessage,
  PromptPart,
  ResponseMetadata,
} from "./model/model-types.js";
export { createCodexHarness, type CodexHarnessOptions } from "./harness/create-codex-harness.js";
export { createCodexSandbox, type CodexSandboxOptions } from "./harness/create-codex-sandbox.js";
export type { SandboxSource } from "./harness/codex-sandbox-session.js";
export type {
  HarnessOwnSetting,
  HarnessSource,
  HarnessThreadOptions,
} from "./harness/harness-thread.js";
export type {
  BuiltinTool,
  BuiltinToolName,
  BuiltinTools,
  CodexHarness,
  CodexHarnessSession,
  HarnessContinueOptions,
  HarnessContinueState,
  HarnessFinishReason,
  HarnessPermissionMode,
  HarnessPromptControl,
  HarnessPromptOptions,
  HarnessQuestions,
  HarnessQuestionsAnswer,
  HarnessResumeState,
  HarnessSchema,
  HarnessSchemaResult,
  HarnessSkill,
  HarnessStartOptions,
  HarnessStateData,
  HarnessStreamPart,
  HarnessToolFiltering,
  HarnessToolSpec,
  HarnessTurnSettings,
} from "./harness/harness-types.js";
export type {
  HarnessSandbox,
  HarnessSandboxSession,
  SandboxCommand,
  SandboxContent,
  SandboxFilesAndCommands,
  SandboxNetworkPolicy,
  SandboxPath,
  SandboxProcess,
} from "./harness/sandbox-types.js";
export {
  createUIMessageChat,
  type UIMessageChat,
  type UIMessageChatOptions,
} from "./create-ui-message-chat.js";
export {
  readPostedMessages,
  type PostedApproval,
  type PostedItem,
  type PostedMessages,
} from "./posted-messages.js";
export { toUIMessageResponse, toUIMessageStream } from "./to-ui-message-stream.js";
export {
  MemoryUIMessageChatStore,
  type UIMessageChatRecord,
  type UIMessageChatStore,
} from "./ui-message-chats.js";
export type { ChunkMetadata, UIMessageChunk } from "./ui-message-chunk.js";
