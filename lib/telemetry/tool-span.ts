import {
  SpanKind,
  SpanStatusCode,
  trace,
  type Attributes,
  type Context,
  type Span,
} from "@opentelemetry/api";
import type { ItemOperation, ToolOperation } from "../index.js";
import { toolArguments, toolResult, withoutMedia } from "./message-content.js";
import { cutShortAttribute, type OpenSpan } from "./open-spans.js";
import { secondsSince, type Recording } from "./recording.js";
import { attributes, own, spans } from "./semantic-conventions.js";

/** What is called as a tool: `extension` runs on the server's side, `function` in this process. */
interface ToolCall {
  readonly name: string;
  readonly type: "function" | "extension";
  readonly callId: string;
  readonly threadId: string;
  readonly startedAtMs: number;
  readonly more?: Attributes;
}

/** The tool that an item is a call of; undefined for messages, reasoning and the like. */
export function toolCallOf(item: ItemOperation): ToolCall | undefined {
  const name = nameOf(item);
  if (name === undefined) return undefined;
  const { itemId, threadId, startedAtMs, type, server } = item;
  const more: Attributes = { [own.itemType]: type };
  if (server !== undefined) more[own.mcpServer] = server;
  const kind = type === "dynamicToolCall" ? "function" : "extension";
  return { name, type: kind, callId: itemId, threadId, startedAtMs, more };
}

function nameOf({ type, tool }: ItemOperation): string | undefined {
  switch (type) {
    case "commandExecution":
      return "shell";
    case "fileChange":
      return "apply_patch";
    case "webSearch":
      return "web_search";
    case "imageView":
      return "view_image";
    case "imageGeneration":
      return "image_generation";
    case "mcpToolCall":
    case "dynamicToolCall":
    case "collabAgentToolCall":
      return tool ?? type;
    default:
      return undefined;
  }
}

export function toolKey(threadId: string | undefined, callId: string | undefined): string {
  return `${threadId ?? ""} ${callId ?? ""}`;
}

/** An `execute_tool` span: of a tool in this process, or of what the agent does itself. */
export class ToolSpan implements OpenSpan {
  readonly context: Context;
  readonly span: Span;
  readonly #recording: Recording;
  readonly #call: ToolCall;
  readonly #key: string;
  #errorType: string | undefined;
  #isOver = false;

  constructor(recording: Recording, call: ToolCall, parent: Context) {
    this.#recording = recording;
    this.#call = call;
    const { name, type, callId, threadId, startedAtMs, more } = call;
    const beginning: Attributes = {
      [attributes.operation]: spans.executeTool,
      [attributes.toolName]: name,
      [attributes.toolType]: type,
      [attributes.toolCallId]: callId,
      [attributes.conversationId]: threadId,
      ...more,
    };
    const options = { kind: SpanKind.INTERNAL, startTime: startedAtMs, attributes: beginning };
    this.span = recording.tracer.startSpan(`${spans.executeTool} ${name}`, options, parent);
    this.context = trace.setSpan(parent, this.span);
    this.#key = toolKey(threadId, callId);
    recording.tools.set(this.#key, this);
    recording.open.add(this);
  }

  /** The tool has run in this process. */
  ran(tool: ToolOperation): void {
    if (tool.errorType !== undefined) this.#errorType = tool.errorType;
    else if (tool.success === false) this.#errorType = "failed";
    if (!this.#recording.captureContent) return;
    const { arguments: args, result } = tool.content;
    this.#set(attributes.toolArguments, withoutMedia(args));
    this.#set(attributes.toolResult, withoutMedia(result));
  }

  /** The item has completed, or its turn has ended. */
  itemEnded(item: ItemOperation): void {
    const { status, exitCode } = item;
    if (status !== undefined) this.span.setAttribute(own.itemStatus, status);
    if (exitCode !== undefined) this.span.setAttribute(attributes.exitCode, exitCode);
    if (status === "failed" || status === "declined") this.#errorType ??= status;
    if (!item.completed) this.#errorType ??= "cancelled";
    if (this.#recording.captureContent) {
      this.#set(attributes.toolArguments, toolArguments(item));
      this.#set(attributes.toolResult, toolResult(item));
    }
    this.ended();
  }

  ended(): void {
    if (!this.#close()) return;
    const failed = this.#errorType === undefined ? {} : { [attributes.errorType]: this.#errorType };
    if (this.#errorType !== undefined) {
      this.span.setAttributes(failed);
      this.span.setStatus({ code: SpanStatusCode.ERROR });
    }
    this.span.end();
    const { name, type, startedAtMs } = this.#call;
    this.#recording.instruments.current.toolDuration.record(secondsSince(startedAtMs), {
      [attributes.operation]: spans.executeTool,
      [attributes.toolName]: name,
      [attributes.toolType]: type,
      ...failed,
    });
  }

  cutShort(): void {
    if (!this.#close()) return;
    this.span.setAttributes(cutShortAttribute);
    this.span.end();
  }

  #close(): boolean {
    if (this.#isOver) return false;
    this.#isOver = true;
    const { open, tools } = this.#recording;
    open.delete(this);
    if (tools.get(this.#key) === this) tools.delete(this.#key);
    return true;
  }

  #set(name: string, value: string | undefined): void {
    if (value !== undefined) this.span.setAttribute(name, value);
  }
}
