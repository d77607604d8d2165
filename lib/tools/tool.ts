import type { InlineData } from "../results/inline-data.js";

/** A function that the model can call and your process carries out; made by `defineTool`. */
export interface Tool {
  /** Unique on its thread. */
  readonly name: string;
  /** Tells the model what the tool does, and when to use it. */
  readonly description: string;
  /** JSON Schema of the arguments, as the model sees it. */
  readonly inputSchema: Readonly<Record<string, unknown>>;
  /**
   * Checks the arguments and carries out the call. Codex calls this for you; call it yourself to
   * test a tool.
   *
   * @throws ToolInputError when the arguments do not fit, and whatever the tool throws.
   */
  execute(args: unknown, context: ToolContext): Promise<ToolOutput>;
}

/**
 * The call that a tool carries out. The turn waits for the call, so a tool must not await another turn of
 * the same thread, which would wait for this turn. Use another thread.
 */
export interface ToolContext {
  /**
   * Aborts when nobody waits for the result any more: the turn was interrupted or has ended, or the
   * connection is closed.
   */
  readonly signal: AbortSignal;
  readonly threadId: string;
  readonly turnId: string;
  /** Id of this call; also the id of its `dynamicToolCall` item. */
  readonly callId: string;
}

/**
 * A value that a tool may return. Text and content items reach the model as they are, `undefined` as an
 * empty text, and every other value as its JSON text.
 */
export type ToolOutput =
  string | ToolContent | readonly ToolContent[] | object | number | boolean | null | undefined;

/** One piece of a tool's result. */
export type ToolContent =
  | { readonly type: "text"; readonly text: string }
  /** Bytes, or a `data:` URL. The server takes no remote ones. */
  | ({ readonly type: "image" } & InlineData)
  | { readonly type: "image"; readonly url: string }
  | ({ readonly type: "audio" } & InlineData)
  | { readonly type: "audio"; readonly url: string }
  /** The protocol's own shapes. */
  | { readonly type: "inputText"; readonly text: string }
  | { readonly type: "inputImage"; readonly imageUrl: string }
  | { readonly type: "inputAudio"; readonly audioUrl: string };

/** The client-side tools of a new thread. */
export interface StartThreadTools {
  /**
   * The tools that the model may call on this thread, carried out in this process; made with `defineTool`.
   * They are sent as `dynamicTools`, which is experimental in the protocol.
   *
   * The server stores the definitions with the thread: names, descriptions and schemas stay the same,
   * through resuming and in forks, and no method changes them. The functions are not stored: this client
   * binds them to the thread, and in another process `resumeThread` or `thread()` with `tools` does.
   * Sub-agents of the thread are not offered its tools.
   */
  tools?: readonly Tool[] | undefined;
}

/** The client-side tools of an existing thread. */
export interface BoundTools {
  /**
   * The functions that carry out the thread's tools from now on, by name. Nothing is sent: the model knows
   * the tools with which the thread was started. So it never calls a tool that is new here, and does not
   * see a new description or schema; the new schema checks the arguments, though. A call of a tool that
   * has no function here fails, and the model is told so. The list replaces the one that the thread has
   * had in this client; leaving it out changes nothing.
   */
  tools?: readonly Tool[] | undefined;
}
