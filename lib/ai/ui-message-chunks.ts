import type { AskedRequest, PartOrigin, ToolCall } from "../parts/part-types.js";
import type { PartOf, TurnPart } from "../parts/turn-part.js";
import { GrowingOutput } from "./growing-output.js";
import type { UIMessageChunk } from "./ui-message-chunk.js";

/** The tools are not the page's: they run where the server runs, and the page knows none of them. */
const elsewhere = { dynamic: true, providerExecuted: true } as const;

const nothing: readonly UIMessageChunk[] = [];

/**
 * Makes chunks of the AI SDK's UI message stream of the parts of one turn. Of sub-agents it shows the tool
 * calls, and what they ask, but not what they say.
 */
export class UIMessageChunks {
  #hasStarted = false;
  /** The section of each open piece of reasoning. */
  readonly #sections = new Map<string, string>();
  readonly #outputs = new Map<string, GrowingOutput>();
  /** Requests that are shown by themselves, by their keys. */
  readonly #asked = new Map<string, AskedRequest>();

  next(part: TurnPart): readonly UIMessageChunk[] {
    const { origin } = part;
    if (/^(tool|request)/.test(part.type)) return this.#call(part, origin);
    return origin ? nothing : this.#own(part);
  }

  #own(part: TurnPart): readonly UIMessageChunk[] {
    switch (part.type) {
      case "start":
        return this.#start({ threadId: part.threadId, turnId: part.turnId });
      case "message-start":
        return [
          { type: "text-start", id: part.id, providerMetadata: { codex: { phase: part.phase } } },
        ];
      case "message-delta":
        return [{ type: "text-delta", id: part.id, delta: part.delta }];
      case "message-reset":
        // The protocol takes no text back: the page may hide what is marked.
        return [{ type: "text-end", id: part.id, providerMetadata: { codex: { reset: true } } }];
      case "message-end": {
        const codex = { phase: part.phase, cut: part.cut };
        return [{ type: "text-end", id: part.id, providerMetadata: { codex } }];
      }
      case "reasoning-start":
        this.#sections.set(part.id, "");
        return [{ type: "reasoning-start", id: part.id }];
      case "reasoning-delta":
        return [this.#reasoning(part)];
      case "reasoning-end":
        return [{ type: "reasoning-end", id: part.id }];
      case "plan":
        return [{ type: "data-plan", id: "plan", data: part }];
      case "diff":
        return [{ type: "data-diff", id: "diff", data: part }];
      case "usage":
        return [{ type: "message-metadata", messageMetadata: { usage: part.turn } }];
      case "retry":
        return [{ type: "data-retry", data: part, transient: true }];
      case "end":
        return [...this.#start({}), ...this.#end(part)];
      default:
        return nothing;
    }
  }

  #start({ threadId, turnId }: { threadId?: string; turnId?: string }): readonly UIMessageChunk[] {
    if (this.#hasStarted) return nothing;
    this.#hasStarted = true;
    // With the same id each time, a stream that is replayed fills the message that is there.
    const named =
      turnId === undefined ? {} : { messageId: turnId, messageMetadata: { threadId, turnId } };
    return [{ type: "start", ...named }, { type: "start-step" }];
  }

  #end({ status, error, usage }: PartOf<"end">): readonly UIMessageChunk[] {
    if (status === "interrupted") return [{ type: "abort" }];
    const failed = status !== "completed";
    const errorText = error?.title ?? "It is not known how the turn ended.";
    return [
      ...(failed ? [{ type: "error", errorText } as const] : []),
      { type: "finish-step" },
      {
        type: "finish",
        finishReason: failed ? "error" : "stop",
        ...(usage ? { messageMetadata: { usage } } : {}),
      },
    ];
  }

  #reasoning({ id, section, raw, delta }: PartOf<"reasoning-delta">): UIMessageChunk {
    const key = `${section} ${raw === true}`;
    const before = this.#sections.get(id);
    this.#sections.set(id, key);
    const isNext = before !== key && before !== "";
    return { type: "reasoning-delta", id, delta: isNext ? `\n\n${delta}` : delta };
  }

  #call(part: TurnPart, origin: PartOrigin | undefined): readonly UIMessageChunk[] {
    // Sub-agents may use the ids of others.
    const named = (id: string): string =>
      origin ? `${origin.threadId}/${origin.turnId}/${id}` : id;
    switch (part.type) {
      case "tool-start":
        this.#outputs.set(named(part.id), new GrowingOutput());
        return [inputOf(named(part.id), part.tool)];
      case "tool-update":
        return [inputOf(named(part.id), part.tool)];
      case "tool-output":
        return this.#output(named(part.id), part.delta);
      case "tool-end":
        return this.#toolEnd(named(part.id), part);
      case "request":
        return this.#request(part, part.toolId === undefined ? undefined : named(part.toolId));
      case "request-end":
        return this.#requestEnd(part);
      default:
        return nothing;
    }
  }

  #output(toolCallId: string, delta: string): readonly UIMessageChunk[] {
    const output = this.#outputs.get(toolCallId);
    if (!output?.add(delta)) return nothing;
    return [
      {
        ...{ type: "tool-output-available", toolCallId, preliminary: true, ...elsewhere },
        output: { output: output.toString() },
      },
    ];
  }

  #toolEnd(toolCallId: string, part: PartOf<"tool-end">): readonly UIMessageChunk[] {
    const { tool, status, exitCode, durationMs, error } = part;
    const told = this.#outputs.get(toolCallId)?.toString() ?? "";
    this.#outputs.delete(toolCallId);
    const output = part.output ?? told;
    if (status === "declined") return [{ type: "tool-output-denied", toolCallId }];
    // A command that fails has an exit code and output to show.
    if (status === "interrupted" || (status === "failed" && tool.kind !== "command")) {
      const why = status === "failed" ? "The call failed." : "The call was interrupted.";
      const errorText = error ?? (output || why);
      return [{ type: "tool-output-error", toolCallId, errorText, ...elsewhere }];
    }
    const result = { status, output, exitCode, durationMs };
    return [{ type: "tool-output-available", toolCallId, output: result, ...elsewhere }];
  }

  /** An approval has the buttons of the call that it is about; if there is none, of one that stands for it. */
  #request({ key, request }: PartOf<"request">, toolId?: string): readonly UIMessageChunk[] {
    if (toolId !== undefined) {
      return [{ type: "tool-approval-request", approvalId: key, toolCallId: toolId }];
    }
    this.#asked.set(key, request);
    if (!isYesOrNo(request)) {
      return [{ type: "data-request", id: key, data: { key, request, outcome: null } }];
    }
    return [
      {
        ...{ type: "tool-input-available", toolCallId: key, ...elsewhere },
        toolName: `request-${request.kind}`,
        input: request,
      },
      { type: "tool-approval-request", approvalId: key, toolCallId: key },
    ];
  }

  #requestEnd({ key, outcome }: PartOf<"request-end">): readonly UIMessageChunk[] {
    const request = this.#asked.get(key);
    if (!request) return nothing;
    this.#asked.delete(key);
    if (!isYesOrNo(request)) {
      return [{ type: "data-request", id: key, data: { key, request, outcome } }];
    }
    const output = { outcome };
    return [{ type: "tool-output-available", toolCallId: key, output, ...elsewhere }];
  }
}

function inputOf(toolCallId: string, tool: ToolCall): UIMessageChunk {
  const { kind, ...input } = tool;
  const toolName =
    tool.kind === "mcp"
      ? `${tool.server}.${tool.tool}`
      : tool.kind === "function"
        ? tool.tool
        : kind;
  return { type: "tool-input-available", toolCallId, toolName, input, ...elsewhere };
}

/** Questions and forms need more of an answer than that. */
function isYesOrNo({ kind }: AskedRequest): boolean {
  return kind !== "questions" && kind !== "form" && kind !== "other";
}
