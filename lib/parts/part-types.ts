/** A sub-agent whose turn a part belongs to. */
export interface PartOrigin {
  readonly threadId: string;
  readonly turnId: string;
  /** The thread that has started it. */
  readonly parentThreadId: string | null;
  /** Its place in the tree of agents, such as `"/root/reviewer"`; `null` when the server does not say. */
  readonly agentPath: string | null;
}

/** What a message is: the answer, or a remark on the way to it. A newer server may know others. */
export type MessagePhase = "commentary" | "partial_answer" | "final_answer" | (string & {});

/** How a tool call ended. `"interrupted"`: the turn ended while it ran. */
export type ToolStatus = "completed" | "failed" | "declined" | "interrupted";

/** A tool call, told apart by `kind`. Paths are relative to the thread's directory. */
export type ToolCall =
  | {
      readonly kind: "command";
      readonly command: string;
      /** Left out when it lies outside the thread's directory. */
      readonly cwd?: string;
      /** Whether the user ran it (`thread.shellCommand()`), and not the model. */
      readonly byUser?: true;
    }
  | { readonly kind: "fileChange"; readonly changes: readonly FileChangeFact[] }
  | {
      readonly kind: "mcp";
      readonly server: string;
      readonly tool: string;
      readonly arguments: unknown;
    }
  /** A function of the application. */
  | {
      readonly kind: "function";
      readonly namespace: string | null;
      readonly tool: string;
      readonly arguments: unknown;
    }
  | { readonly kind: "webSearch"; readonly query: string }
  | {
      readonly kind: "subagent";
      /** What is done to them: `"spawnAgent"`, `"sendInput"` and so on. */
      readonly action: string;
      readonly prompt: string | null;
      readonly threadIds: readonly string[];
    }
  | { readonly kind: "imageView"; readonly path?: string }
  | { readonly kind: "imageGeneration"; readonly prompt: string | null }
  | { readonly kind: "sleep"; readonly durationMs: number };

export interface FileChangeFact {
  /** `"[outside]"` when it lies outside the thread's directory. */
  readonly path: string;
  readonly change: "add" | "update" | "delete";
  /** Where an update moves the file to. */
  readonly movedTo?: string;
  /** A unified diff, or the text of a file that is added. */
  readonly diff: string;
}

/** What a person is asked. */
export type AskedRequest =
  | {
      readonly kind: "command";
      readonly command: string | null;
      readonly cwd?: string;
      readonly reason: string | null;
      /** The host that the command wants to reach, when it is about that. */
      readonly host?: string;
    }
  | {
      readonly kind: "fileChange";
      readonly changes: readonly FileChangeFact[];
      readonly reason: string | null;
    }
  | {
      readonly kind: "permissions";
      readonly reason: string | null;
      /** One line for each permission that is asked for. */
      readonly permissions: readonly string[];
    }
  | { readonly kind: "questions"; readonly questions: readonly AskedQuestion[] }
  | {
      readonly kind: "form";
      readonly server: string;
      readonly message: string;
      /** The JSON Schema of the values. */
      readonly schema: unknown;
    }
  | {
      readonly kind: "url";
      readonly server: string;
      readonly message: string;
      readonly url: string;
    }
  | {
      readonly kind: "toolApproval";
      readonly server: string;
      readonly tool: string | null;
      readonly message: string;
      readonly arguments: unknown;
    }
  /** One that this library cannot show; it can only be declined. */
  | { readonly kind: "other"; readonly method: string };

export interface AskedQuestion {
  readonly id: string;
  readonly header: string;
  readonly question: string;
  /** Whether the answer is a secret, such as a password. */
  readonly secret: boolean;
  /** Whether another answer than the options is welcome. */
  readonly free: boolean;
  readonly options: readonly { readonly label: string; readonly description: string }[];
}

/** `"answered"` as far as this client knows; `"over"` when nobody needs an answer any more. */
export type RequestOutcome = "answered" | "over";

export interface PlanStep {
  readonly step: string;
  readonly status: "pending" | "inProgress" | "completed" | (string & {});
}

export interface TokenCounts {
  readonly input: number;
  /** Of `input`, as many were read from the cache. */
  readonly cachedInput: number;
  readonly output: number;
  /** Of `output`, as many were spent on reasoning. */
  readonly reasoning: number;
  readonly total: number;
}

/** Why a turn did not complete, fit for users. */
export interface TurnProblem {
  /** A stable name: the reason of a failed turn, or the code of an error. */
  readonly code: string;
  /** A sentence for users. */
  readonly title: string;
}
