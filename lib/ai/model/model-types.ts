import type { JsonValue } from "../../../generated/types.js";

// The shapes of the AI SDK's language models, as far as this provider reads and writes them. They are written
// down here, not imported: the package that has them comes with `ai`, in another version for each version of
// `ai`, and an application without `ai` has none. tests/ai-7 and tests/unit/ai hold them against the real ones.

/** Which language models an `ai` takes: version 7 takes both, version 6 takes `"v3"` only. */
export type ModelVersion = "v3" | "v4";

/** What `generateText()`, `streamText()` and their like take as `model`. */
export interface CodexLanguageModel<Version extends ModelVersion = "v4"> {
  readonly specificationVersion: Version;
  /** `"codex"`; also the key of `providerOptions` and `providerMetadata`. */
  readonly provider: string;
  /** The name that was asked for; `"default"` for the model of the configuration. */
  readonly modelId: string;
  /** None: the server takes no file by its URL, so `ai` downloads it. */
  readonly supportedUrls: Record<string, RegExp[]>;
  /**
   * Runs one step to its end.
   *
   * @throws InvalidArgumentError for a prompt, a file or a setting that cannot work, before anything is sent;
   * TurnFailedError; `signal.reason`; and whatever starting a thread or a turn throws.
   */
  doGenerate(options: ModelCallOptions): Promise<ModelResult>;
  /** Runs one step, and gives its parts as they come. Throws what `doGenerate()` throws before a turn has begun. */
  doStream(options: ModelCallOptions): Promise<{ stream: ReadableStream<ModelStreamPart> }>;
}

/** What `ai` calls a model with. Fields that Codex has no use for are looked at for a warning only. */
export interface ModelCallOptions {
  readonly prompt: readonly PromptMessage[];
  readonly tools?: readonly ModelTool[] | undefined;
  readonly toolChoice?: { readonly type: string } | undefined;
  readonly responseFormat?: { readonly type: string; readonly schema?: unknown } | undefined;
  /** How much the model is to think, such as `"high"`. */
  readonly reasoning?: string | undefined;
  readonly abortSignal?: AbortSignal | undefined;
  readonly providerOptions?: Readonly<Record<string, unknown>> | undefined;
  readonly maxOutputTokens?: number | undefined;
  readonly temperature?: number | undefined;
  readonly topP?: number | undefined;
  readonly topK?: number | undefined;
  readonly presencePenalty?: number | undefined;
  readonly frequencyPenalty?: number | undefined;
  readonly stopSequences?: readonly string[] | undefined;
  readonly seed?: number | undefined;
}

/** A tool of the caller, or one that another provider carries out, which Codex has not. */
export interface ModelTool {
  readonly type: string;
  readonly name: string;
  readonly description?: string | undefined;
  readonly inputSchema?: unknown;
}

export interface PromptMessage {
  readonly role: string;
  readonly content: string | readonly PromptPart[];
}

/** A part of a message. Its fields depend on its type, and on the version; each is checked where it is read. */
export interface PromptPart {
  readonly type: string;
  readonly text?: unknown;
  readonly data?: unknown;
  readonly mediaType?: unknown;
  readonly toolCallId?: unknown;
  readonly toolName?: unknown;
  readonly input?: unknown;
  readonly output?: unknown;
  readonly providerExecuted?: unknown;
}

/** `codex`: what is known of the thread, the turn, a message or a call. */
export type ModelMetadata = Record<"codex", Record<string, JsonValue>>;

export type ModelWarning =
  { type: "unsupported"; feature: string; details?: string } | { type: "other"; message: string };

export interface ModelUsage {
  inputTokens: {
    total: number | undefined;
    noCache: number | undefined;
    cacheRead: number | undefined;
    cacheWrite: number | undefined;
  };
  outputTokens: {
    total: number | undefined;
    text: number | undefined;
    reasoning: number | undefined;
  };
}

export interface ModelFinishReason {
  unified: "stop" | "tool-calls" | "error" | "other";
  /** What Codex said: the status of the turn, or why it failed. */
  raw: string | undefined;
}

/** A call of one of the caller's tools, or, with `providerExecuted`, of one that Codex carries out itself. */
export interface ModelToolCall {
  type: "tool-call";
  toolCallId: string;
  toolName: string;
  /** JSON text. */
  input: string;
  providerExecuted?: true;
  dynamic?: true;
  providerMetadata?: ModelMetadata;
}

/** What came of a call that Codex has carried out. */
export interface ModelToolResult {
  type: "tool-result";
  toolCallId: string;
  toolName: string;
  result: NonNullable<JsonValue>;
  isError?: true;
  dynamic: true;
}

export interface ModelText {
  type: "text" | "reasoning";
  text: string;
  providerMetadata?: ModelMetadata;
}

export type ModelContent = ModelText | ModelToolCall | ModelToolResult;

export interface ResponseMetadata {
  /** The id of the turn. */
  id?: string;
  timestamp?: Date;
  modelId?: string;
}

export interface ModelResult {
  content: ModelContent[];
  finishReason: ModelFinishReason;
  usage: ModelUsage;
  providerMetadata: ModelMetadata;
  response: ResponseMetadata;
  warnings: ModelWarning[];
}

export type ModelStreamPart =
  | { type: "stream-start"; warnings: ModelWarning[] }
  | ({ type: "response-metadata" } & ResponseMetadata)
  | {
      type: "text-start" | "text-end" | "reasoning-start" | "reasoning-end";
      id: string;
      providerMetadata?: ModelMetadata;
    }
  | { type: "text-delta" | "reasoning-delta"; id: string; delta: string }
  | ModelToolCall
  | ModelToolResult
  | { type: "error"; error: unknown }
  | {
      type: "finish";
      finishReason: ModelFinishReason;
      usage: ModelUsage;
      providerMetadata: ModelMetadata;
    };
