import type { AskedRequest, PartOrigin, ToolCall } from "../parts/part-types.js";
import type { PartOf, TurnPart } from "../parts/turn-part.js";
import { GrowingOutput } from "./growing-output.js";
import { toolNameOf } from "./tool-name.js";
import type { UIMessageChunk } from "./ui-message-chunk.js";

/** The tools are not the page's: they run where the server runs, and the page knows none of them. */
const elsewhere = { dynamic: true, providerExecuted: true } as const;

const nothing: readonly UIMessageChunk[] = [];
const newStep: UIMessageChunk = { type: "start-step" };

interface RunningCall {
  readonly output: GrowingOutput;
  /** The number of the step that shows it. */
  readonly step: number;
  wasAsked: boolean;
}

export interface CallChunksOptions {
  /**
   * Whether a request can be answered through the page's next post. Then the page is asked, and the response is
   * to end. Without it, each request is shown as it comes, and the response goes on.
   */
  readonly isOpen?: ((key: string) => boolean) | undefined;
  /** Told of a request that the page was asked; its response ends. */
  readonly onWait?: ((key: string) => void) | undefined;
}

/**
 * The tool calls and the requests of one turn as chunks.
 *
 * The page posts its answers when nothing in the last step of the message runs or asks any more. So where answers
 * are posted, a call begins a step of its own while others run, and each approval ends its step. A call that lies in
 * an earlier step is not shown anew: the AI SDK would make a second one of it.
 */
export class CallChunks {
  readonly #isOpen: CallChunksOptions["isOpen"];
  readonly #onWait: (key: string) => void;
  readonly #running = new Map<string, RunningCall>();
  /** Requests that are shown by themselves, by their keys. */
  readonly #asked = new Map<string, AskedRequest>();
  #step = 0;
  #waitsFor: string | undefined;

  constructor({ isOpen, onWait = () => undefined }: CallChunksOptions) {
    this.#isOpen = isOpen;
    this.#onWait = onWait;
  }

  /** The key of the request that the page was asked last, while its answer is waited for. */
  get waitsFor(): string | undefined {
    return this.#waitsFor;
  }

  /** The next response begins. */
  goOn(): void {
    this.#waitsFor = undefined;
  }

  next(part: TurnPart, origin: PartOrigin | undefined): readonly UIMessageChunk[] {
    // Sub-agents may use the ids of others.
    const named = (id: string): string =>
      origin ? `${origin.threadId}/${origin.turnId}/${id}` : id;
    switch (part.type) {
      case "tool-start":
        return this.#begin(named(part.id), part.tool);
      case "tool-update":
        return this.#update(named(part.id), part.tool);
      case "tool-output":
        return this.#output(named(part.id), part.delta);
      case "tool-end":
        return this.#end(named(part.id), part);
      case "request":
        return this.#request(part, part.toolId === undefined ? undefined : named(part.toolId));
      case "request-end":
        return this.#requestEnd(part);
      default:
        return nothing;
    }
  }

  #begin(toolCallId: string, tool: ToolCall): readonly UIMessageChunk[] {
    const step = this.#stepAside();
    const call = { output: new GrowingOutput(), step: this.#step, wasAsked: false };
    this.#running.set(toolCallId, call);
    return [...step, inputOf(toolCallId, tool)];
  }

  #update(toolCallId: string, tool: ToolCall): readonly UIMessageChunk[] {
    const call = this.#running.get(toolCallId);
    if (!call) return this.#begin(toolCallId, tool);
    return call.step === this.#step ? [inputOf(toolCallId, tool)] : nothing;
  }

  #output(toolCallId: string, delta: string): readonly UIMessageChunk[] {
    const output = this.#running.get(toolCallId)?.output;
    if (!output?.add(delta)) return nothing;
    return [
      {
        ...{ type: "tool-output-available", toolCallId, preliminary: true, ...elsewhere },
        output: { output: output.toString() },
      },
    ];
  }

  #end(toolCallId: string, part: PartOf<"tool-end">): readonly UIMessageChunk[] {
    // The AI SDK breaks off at the end of a call that has not begun.
    const begun = this.#running.has(toolCallId) ? nothing : this.#begin(toolCallId, part.tool);
    const told = this.#running.get(toolCallId)?.output.toString() ?? "";
    this.#running.delete(toolCallId);
    return [...begun, endOf(toolCallId, part, told)];
  }

  /** An approval has the buttons of the call that it is about; if there is none, of one that stands for it. */
  #request({ key, request }: PartOf<"request">, toolId?: string): readonly UIMessageChunk[] {
    const call = toolId === undefined ? undefined : this.#running.get(toolId);
    if (!call && !isYesOrNo(request)) {
      this.#asked.set(key, request);
      return [{ type: "data-request", id: key, data: { key, request, outcome: null } }];
    }
    if (!this.#isOpen) {
      return this.#ask(key, request, call ? toolId : undefined, true);
    }
    const isOwn = call?.step === this.#step && !call.wasAsked;
    if (call) call.wasAsked = true;
    const isOpen = this.#isOpen(key);
    const step = isOwn ? [] : this.#stepAside();
    const isShown = isOpen || !call;
    const asking = isShown ? this.#ask(key, request, isOwn ? toolId : undefined, isOpen) : [];
    this.#step += 1;
    if (isOpen) {
      this.#waitsFor = key;
      this.#onWait(key);
    }
    return [...step, ...asking, ...(isOpen ? [] : [newStep])];
  }

  #ask(
    key: string,
    request: AskedRequest,
    toolId: string | undefined,
    isOpen: boolean,
  ): readonly UIMessageChunk[] {
    const toolCallId = toolId ?? key;
    const asking: readonly UIMessageChunk[] = isOpen
      ? [{ type: "tool-approval-request", approvalId: key, toolCallId }]
      : [];
    if (toolId !== undefined) return asking;
    this.#asked.set(key, request);
    const toolName = `request-${request.kind}`;
    return [
      { type: "tool-input-available", toolCallId, toolName, input: request, ...elsewhere },
      ...asking,
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

  /** Begins another step where something runs in this one, if answers are posted. */
  #stepAside(): readonly UIMessageChunk[] {
    const isBusy = [...this.#running.values()].some(({ step }) => step === this.#step);
    if (!this.#isOpen || !isBusy) return nothing;
    this.#step += 1;
    return [newStep];
  }
}

function inputOf(toolCallId: string, tool: ToolCall): UIMessageChunk {
  const input: Record<string, unknown> = { ...tool };
  delete input["kind"];
  const toolName = toolNameOf(tool);
  return { type: "tool-input-available", toolCallId, toolName, input, ...elsewhere };
}

function endOf(toolCallId: string, part: PartOf<"tool-end">, told: string): UIMessageChunk {
  const { tool, status, exitCode, durationMs, error } = part;
  const output = part.output ?? told;
  if (status === "declined") return { type: "tool-output-denied", toolCallId };
  // A command that fails has an exit code and output to show.
  if (status === "interrupted" || (status === "failed" && tool.kind !== "command")) {
    const why = status === "failed" ? "The call failed." : "The call was interrupted.";
    const errorText = error ?? (output || why);
    return { type: "tool-output-error", toolCallId, errorText, ...elsewhere };
  }
  const result = { status, output, exitCode, durationMs };
  return { type: "tool-output-available", toolCallId, output: result, ...elsewhere };
}

/** Questions and forms need more of an answer than that. */
function isYesOrNo({ kind }: AskedRequest): boolean {
  return kind !== "questions" && kind !== "form" && kind !== "other";
}
