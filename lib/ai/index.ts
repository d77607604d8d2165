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
