import { TracedOperation, type Operation } from "./operation.js";

/** What a tool was called with, and what it has told the model. */
export interface ToolCallContent {
  readonly arguments: unknown;
  /** The protocol's content items; undefined until the end. */
  readonly result: unknown;
}

/** One call of a tool that runs in this process, made with `defineTool`. It runs in the stores that are bound to `start`. */
export interface ToolOperation extends Operation {
  readonly tool: string;
  /** Also the id of its `dynamicToolCall` item. */
  readonly callId: string;
  readonly threadId: string;
  readonly turnId: string;
  /** Whether the call succeeded, as the model is told; undefined until the end. */
  readonly success: boolean | undefined;
  readonly content: ToolCallContent;
}

/** The call that a tool carries out. */
interface ToolCall {
  readonly tool: string;
  readonly callId: string;
  readonly threadId: string;
  readonly turnId: string;
  readonly arguments: unknown;
}

export class TracedTool extends TracedOperation implements ToolOperation {
  readonly tool: string;
  readonly callId: string;
  readonly threadId: string;
  readonly turnId: string;
  success: boolean | undefined = undefined;
  readonly #arguments: unknown;
  #result: unknown;

  constructor(call: ToolCall) {
    super();
    this.tool = call.tool;
    this.callId = call.callId;
    this.threadId = call.threadId;
    this.turnId = call.turnId;
    this.#arguments = call.arguments;
  }

  get content(): ToolCallContent {
    return { arguments: this.#arguments, result: this.#result };
  }

  answered(success: boolean, result: unknown): void {
    this.success = success;
    this.#result = result;
  }
}
