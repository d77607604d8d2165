import type { IncomingHttpHeaders } from "node:http";
import { says } from "../errors/server-sentences.js";
import { asObject, asObjects, asString, isJsonObject, type JsonObject } from "./json.js";

/** The output of a tool call, as the server reported it to the model. */
export interface ToolOutput {
  readonly callId: string;
  /** The text that the model sees. Outputs made of several parts are joined. */
  readonly output: string;
}

/** A request of the app-server to the model, taken apart. */
export interface ModelRequest {
  /** The thread that asks. */
  readonly threadId: string | undefined;
  /** The turn that asks. */
  readonly turnId: string | undefined;
  /** `"turn"`, or `"compaction"` when the server asks for a summary of the conversation. */
  readonly kind: string;
  /**
   * The kind of helper that asks, such as `"collab_spawn"` for a sub-agent or `"review"`. `undefined` for
   * a plain turn.
   */
  readonly subagent: string | undefined;
  /** The thread that started this one, for sub-agents and reviews: both ask under an id of their own. */
  readonly parentThreadId: string | undefined;
  readonly model: string;
  /** The conversation so far, in the items of the Responses API. */
  readonly input: readonly JsonObject[];
  /**
   * Text of the last user message, or `""`. The server's own messages about directory, date and sandbox do
   * not count.
   */
  readonly lastUserText: string;
  /** The tools on offer, as sent. */
  readonly tools: readonly JsonObject[];
  /** Outputs of all tool calls of the conversation, oldest first. */
  readonly toolOutputs: readonly ToolOutput[];
  /** The JSON schema asked for with `outputSchema`. */
  readonly outputSchema: JsonObject | undefined;
  /** The whole body. */
  readonly body: JsonObject;
  /** HTTP headers; names in lower case. */
  readonly headers: IncomingHttpHeaders;
  /** Aborts when nobody waits for the answer any more: the turn was interrupted, or steered. */
  readonly signal: AbortSignal;
}

export function inspectRequest(
  body: JsonObject,
  headers: IncomingHttpHeaders,
  signal: AbortSignal,
): ModelRequest {
  const input = asObjects(body.input);
  const metadata = turnMetadata(headers);
  const schema = asObject(asObject(body.text).format).schema;
  return {
    threadId: asString(headers["thread-id"]),
    turnId: asString(metadata.turn_id),
    kind: asString(metadata.request_kind) ?? "turn",
    subagent: asString(headers["x-openai-subagent"]),
    parentThreadId: asString(headers["x-codex-parent-thread-id"]),
    model: asString(body.model) ?? "",
    input,
    lastUserText: lastUserText(input),
    tools: asObjects(body.tools),
    toolOutputs: input.filter(isToolOutput).map(readToolOutput),
    outputSchema: isJsonObject(schema) ? schema : undefined,
    body,
    headers,
    signal,
  };
}

function turnMetadata(headers: IncomingHttpHeaders): JsonObject {
  try {
    return asObject(JSON.parse(asString(headers["x-codex-turn-metadata"]) ?? "{}"));
  } catch {
    return {};
  }
}

/**
 * The server speaks of directory, date and sandbox in the user's name, usually before what the user
 * said. When one of them changes during a turn, at midnight for example, it does so after it.
 */
function lastUserText(input: readonly JsonObject[]): string {
  return (
    input
      .filter((item) => item.type === "message" && item.role === "user")
      .map(({ content }) => contentText(content))
      .findLast((text) => !says(text, "environmentContext")) ?? ""
  );
}

function isToolOutput(item: JsonObject): boolean {
  return item.type === "function_call_output" || item.type === "custom_tool_call_output";
}

function readToolOutput(item: JsonObject): ToolOutput {
  return { callId: asString(item.call_id) ?? "", output: contentText(item.output) };
}

/** Content is a string, or parts of which some have a text. */
function contentText(content: unknown): string {
  if (typeof content === "string") return content;
  return asObjects(content)
    .map((part) => asString(part.text) ?? "")
    .join("");
}
