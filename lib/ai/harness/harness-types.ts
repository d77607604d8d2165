import type { JsonValue } from "../../../generated/types.js";
import type { ModelMetadata, ModelUsage } from "../model/model-types.js";

// The shapes of the AI SDK's harness interface (`HarnessV1` of `@ai-sdk/harness`), as far as this adapter reads and
// writes them. They are written down here, not imported: an application without that package has none of its types.
// tests/ai-7 holds them against the real ones.

/** What `HarnessAgent` takes as `harness`. */
export interface CodexHarness {
  readonly specificationVersion: "harness-v1";
  /** `"codex"`; also the key of the metadata of its parts. */
  readonly harnessId: string;
  /** The tools of Codex that have a name and a shape of their own, and can be taken away from the model. */
  readonly builtinTools: BuiltinTools;
  readonly supportsBuiltinToolApprovals: true;
  readonly supportsBuiltinToolFiltering: true;
  /** What a session's state has to be; a state of another shape is refused. */
  readonly lifecycleStateSchema: HarnessSchema<HarnessStateData>;
  /**
   * Begins a session, or goes on with one by its state. A thread is started with the first prompt, when its tools are
   * known; a thread of a state is resumed here.
   *
   * @throws InvalidArgumentError for a sandbox that Codex would not run in, or settings that cannot hold;
   * ThreadNotFoundError for a state whose thread is gone.
   */
  doStart(options: HarnessStartOptions): Promise<CodexHarnessSession>;
}

/** A session: one thread of Codex. `HarnessAgent` calls it; see docs/ai-sdk.md for what each call does. */
export interface CodexHarnessSession {
  readonly sessionId: string;
  readonly isResume: boolean;
  doPromptTurn(options: HarnessPromptOptions): Promise<HarnessPromptControl>;
  doContinueTurn(options: HarnessContinueOptions): Promise<HarnessPromptControl>;
  doCompact(customInstructions?: string): Promise<void>;
  doSuspendTurn(): Promise<HarnessContinueState>;
  doDetach(): Promise<HarnessResumeState>;
  doStop(): Promise<HarnessResumeState>;
  doDestroy(): Promise<void>;
}

/** A schema in the form of Standard Schema, which the AI SDK takes; it has no code of a schema library in it. */
export interface HarnessSchema<Value> {
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => HarnessSchemaResult<Value>;
    readonly jsonSchema: {
      readonly input: () => Record<string, unknown>;
      readonly output: () => Record<string, unknown>;
    };
    /** For types alone. */
    readonly types?: { readonly input: Value; readonly output: Value } | undefined;
  };
}

export type HarnessSchemaResult<Value> =
  | { readonly value: Value; readonly issues?: undefined }
  | { readonly issues: readonly { readonly message: string }[] };

/** A tool of Codex. It has no `execute`: it runs where the server runs. */
export interface BuiltinTool<Input, Output = unknown> {
  readonly description: string;
  readonly inputSchema: HarnessSchema<Input>;
  readonly outputSchema?: HarnessSchema<Output>;
  /** What Codex calls it. */
  readonly nativeName: string;
  /** What other harnesses call it. */
  readonly commonName?: "bash" | "webSearch" | "askUserQuestions";
  readonly toolUseKind?: "readonly" | "edit" | "bash";
}

/** The tools that `HarnessAgent` knows Codex by; `activeTools` and `inactiveTools` name them. */
export type BuiltinTools = {
  readonly bash: BuiltinTool<{ command: string }>;
  /** Shown where a person is asked about a change of files; every change is a `file-change` part. */
  readonly applyPatch: BuiltinTool<{ changes: readonly unknown[] }>;
  readonly webSearch: BuiltinTool<{ query: string }>;
  readonly subagent: BuiltinTool<{ action: string }>;
  readonly askUserQuestions: BuiltinTool<HarnessQuestions, HarnessQuestionsAnswer>;
};

export type BuiltinToolName = keyof BuiltinTools;

export interface HarnessQuestions {
  allowPartialAnswers: boolean;
  questions: {
    id: string;
    question: string;
    header?: string;
    options?: { id: string; label: string; description?: string }[];
    allowMultiple?: boolean;
    allowFreeForm?: boolean | { secret: boolean };
  }[];
}

export type HarnessQuestionsAnswer =
  | {
      action: "answered" | "partially-answered";
      answers: Record<string, { optionIds: string[]; freeform?: string }>;
    }
  | { action: "declined" | "cancelled" };

/** Which questions are asked: see the table in docs/ai-sdk.md. */
export type HarnessPermissionMode = "allow-reads" | "allow-edits" | "allow-all";

export interface HarnessToolFiltering {
  readonly mode: "allow" | "deny";
  readonly toolNames: readonly string[];
}

export interface HarnessStartOptions {
  readonly sessionId: string;
  /** States come from where the application keeps them: what is in them is looked at. */
  readonly resumeFrom?:
    | { readonly data: unknown; readonly continueFrom?: { readonly data: unknown } | undefined }
    | undefined;
  readonly continueFrom?: { readonly data: unknown } | undefined;
  readonly permissionMode?: HarnessPermissionMode | undefined;
  readonly builtinToolFiltering?: HarnessToolFiltering | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly abortSignal?: AbortSignal | undefined;
  /** One of `createCodexSandbox()`: Codex runs where its server runs, and in no other sandbox. */
  readonly sandboxSession: unknown;
  /** The directory of the thread. */
  readonly sessionWorkDir: string;
}

export interface HarnessSkill {
  readonly name: string;
  readonly description: string;
  readonly content: string;
  readonly files?: readonly { readonly path: string; readonly content: string }[] | undefined;
}

export interface HarnessToolSpec {
  readonly name: string;
  readonly description?: string | undefined;
  readonly inputSchema?: unknown;
}

export interface HarnessTurnSettings {
  readonly model?: string | undefined;
  readonly skills?: readonly HarnessSkill[] | undefined;
  readonly instructions?: string | undefined;
  readonly tools?: readonly HarnessToolSpec[] | undefined;
}

export interface HarnessContinueOptions extends HarnessTurnSettings {
  readonly responseFormat?: { readonly type: string; readonly schema?: unknown } | undefined;
  readonly abortSignal?: AbortSignal | undefined;
  readonly emit: (part: HarnessStreamPart) => void;
}

export interface HarnessPromptOptions extends HarnessContinueOptions {
  readonly prompt: string | { readonly role: string; readonly content: unknown };
}

/** How the host answers a turn, and adds to it, while it runs. */
export interface HarnessPromptControl {
  submitToolResult(input: {
    toolCallId: string;
    output: unknown;
    isError?: boolean;
    toolResult?: unknown;
  }): Promise<void>;
  submitToolApproval(input: {
    approvalId: string;
    approved: boolean;
    reason?: string;
  }): Promise<void>;
  submitUserMessage(text: string): Promise<void>;
  readonly done: Promise<void>;
}

/** What is kept of a session: plain JSON, without secrets. */
export interface HarnessStateData {
  /** `null` before the first prompt. */
  readonly threadId: string | null;
  /** Fingerprints of what the thread was told: its instructions and skills, and each tool by its name. */
  readonly told: {
    readonly instructions: string;
    readonly skills: string;
    readonly tools: Readonly<Record<string, string>>;
  };
  /** What was summarised since the last turn: how many tokens there were, and are left. The next turn tells it. */
  readonly compactions?: readonly {
    readonly tokensBefore?: number;
    readonly tokensAfter?: number;
  }[];
  /** A turn that is not over, and what the host was told of it. */
  readonly turn?: {
    readonly id: string;
    readonly calls: readonly string[];
    readonly results: readonly string[];
    /** Characters of each text that was told; -1 for one that is over. */
    readonly texts: Readonly<Record<string, number>>;
  };
}

/** A turn that is not over, for whoever goes on with it. */
export interface HarnessContinueState {
  readonly type: "continue-turn";
  readonly harnessId: string;
  readonly specificationVersion: "harness-v1";
  readonly data: JsonValue;
}

/** A session between two turns. */
export interface HarnessResumeState {
  readonly type: "resume-session";
  readonly harnessId: string;
  readonly specificationVersion: "harness-v1";
  readonly data: JsonValue;
}

export interface HarnessFinishReason {
  unified: "stop" | "tool-calls" | "error" | "other";
  raw: string | undefined;
}

/** A part of a turn, as `HarnessAgent` takes them. */
export type HarnessStreamPart =
  | { type: "stream-start"; modelId?: string }
  | {
      type: "text-start" | "text-end" | "reasoning-start" | "reasoning-end";
      id: string;
      harnessMetadata?: ModelMetadata;
    }
  | { type: "text-delta" | "reasoning-delta"; id: string; delta: string }
  | {
      type: "tool-call";
      toolCallId: string;
      toolName: string;
      input: string;
      providerExecuted?: boolean;
      dynamic?: boolean;
      nativeName?: string;
      stepToolCallCount?: number;
      providerMetadata?: ModelMetadata;
    }
  | { type: "tool-approval-request"; approvalId: string; toolCallId: string }
  | {
      type: "tool-result";
      toolCallId: string;
      toolName: string;
      result: NonNullable<JsonValue>;
      isError?: boolean;
      dynamic?: boolean;
    }
  | {
      type: "finish-step";
      finishReason: HarnessFinishReason;
      usage: ModelUsage;
      harnessMetadata?: ModelMetadata;
    }
  | {
      type: "finish";
      finishReason: HarnessFinishReason;
      totalUsage: ModelUsage;
      harnessMetadata?: ModelMetadata;
    }
  | {
      type: "file-change";
      event: "create" | "modify" | "delete";
      path: string;
      harnessMetadata?: ModelMetadata;
    }
  | {
      type: "compaction";
      trigger: "manual" | "auto";
      summary: string;
      tokensBefore?: number;
      tokensAfter?: number;
    };
