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
export { readPostedMessages, type PostedApproval, type PostedMessages } from "./posted-messages.js";
export { toUIMessageResponse, toUIMessageStream } from "./to-ui-message-stream.js";
export type { ChunkMetadata, UIMessageChunk } from "./ui-message-chunk.js";
