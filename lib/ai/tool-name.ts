import type { ToolCall } from "../parts/part-types.js";

/** What a tool of Codex is called towards the AI SDK. */
export function toolNameOf(tool: ToolCall): string {
  if (tool.kind === "mcp") return `${tool.server}.${tool.tool}`;
  return tool.kind === "function" ? tool.tool : tool.kind;
}
