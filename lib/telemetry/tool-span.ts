import { SpanKind, type Attributes, type Context } from "@opentelemetry/api";
import type { ItemOperation, ToolOperation } from "../index.js";
import { attempt } from "./guarded.js";
import { toolArguments, toolResult, withoutMedia } from "./message-content.js";
import { failedWith, OperationSpan } from "./operation-span.js";
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
export class ToolSpan extends OperationSpan {
  readonly #recording: Recording;
  readonly #call: ToolCall;
  readonly #key: string;
  #errorType: string | undefined;

  constructor(recording: Recording, call: ToolCall, parent: Context) {
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
    super(recording, `${spans.executeTool} ${name}`, options, parent);
    this.#recording = recording;
    this.#call = call;
    this.#key = toolKey(threadId, callId);
    recording.tools.set(this.#key, this);
  }

  /** The tool has run in this process. */
  ran(tool: ToolOperation): void {
    if (tool.errorType !== undefined) this.#errorType = tool.errorType;
    else if (tool.success === false) this.#errorType = "failed";
    this.#addContent(() => {
      const { arguments: args, result } = tool.content;
      return [withoutMedia(args), withoutMedia(result)];
    });
  }

  /** The item has completed, or its turn has ended. */
  itemEnded(item: ItemOperation): void {
    const { status, exitCode } = item;
    if (status === "failed" || status === "declined") this.#errorType ??= status;
    if (!item.completed) this.#errorType ??= "cancelled";
    this.#addContent(() => [toolArguments(item), toolResult(item)]);
    this.ended({
      ...(status === undefined ? {} : { [own.itemStatus]: status }),
      ...(exitCode === undefined ? {} : { [attributes.exitCode]: exitCode }),
    });
  }

  ended(known: Attributes = {}): void {
    if (!this.end(known, this.#errorType)) return;
    const { name, type, startedAtMs } = this.#call;
    this.#recording.instruments.current.toolDuration.record(secondsSince(startedAtMs), {
      [attributes.operation]: spans.executeTool,
      [attributes.toolName]: name,
      [attributes.toolType]: type,
      ...failedWith(this.#errorType),
    });
  }

  override end(known: Attributes, errorType?: string): boolean {
    const { tools } = this.#recording;
    if (tools.get(this.#key) === this) tools.delete(this.#key);
    return super.end(known, errorType);
  }

  #addContent(
    content: () => readonly [args: string | undefined, result: string | undefined],
  ): void {
    if (!this.#recording.captureContent) return;
    attempt(() => {
      const [args, result] = content();
      this.set({
        ...(args === undefined ? {} : { [attributes.toolArguments]: args }),
        ...(result === undefined ? {} : { [attributes.toolResult]: result }),
      });
    });
  }
}
