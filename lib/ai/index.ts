export { readPostedMessages, type PostedApproval, type PostedMessages } from "./posted-messages.js";
export { toUIMessageResponse, toUIMessageStream } from "./to-ui-message-stream.js";
export type { ChunkMetadata, UIMessageChunk } from "./ui-message-chunk.js";
