/** A sub-agent whose turn a part belongs to. */
export interface PartOrigin {
  readonly threadId: string;
  readonly turnId: string;
  /** The thread that has started it. */
  readonly parentThreadId: string | null;
  /** 1 for the sub-agents that the turn has started itself, 2 for theirs, and so on. */
  readonly depth: number;
}

/**
 * What a message is: the answer, a remark on the way to it, or the plan that is proposed in plan mode. A
 * newer server may know others.
 */
export type PartPhase =
  "commentary" | "partial_answer" | "final_answer" | "plan" | (string & Record<never, never>);

/**
 * How a tool call ended. `"interrupted"`: the turn was cut short while it ran. `"background"`: the turn has
 * completed, and the command goes on.
 */
export type ToolStatus = "completed" | "failed" | "declined" | "interrupted" | "background";

/** A tool call, told apart by `kind`. Paths are as `PartOptions` says. */
export type ToolCall =
  | {
      readonly kind: "command";
      readonly command: string;
      /** The directory that it runs in; left out when that may not be shown. */
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
      /** What is done to them: `"spawnAgent"`, `"sendInput"`, `"wait"` and so on. */
      readonly action: string;
      readonly prompt: string | null;
      readonly threadIds: readonly string[];
    }
  | { readonly kind: "imageView"; readonly path: string }
  | { readonly kind: "imageGeneration"; readonly prompt: string | null }
  | { readonly kind: "sleep"; readonly durationMs: number };

export interface FileChangeFact {
  readonly path: string;
  readonly change: "add" | "update" | "delete" | (string & Record<never, never>);
  /** The path that an update moves the file to. */
  readonly movedTo?: string;
  /** A unified diff, or the text of a file that is added or deleted; empty when it may not be shown. */
  readonly diff: string;
}

/** What a person is asked, told apart by `kind`. */
export type AskedRequest =
  | {
      readonly kind: "command";
      /** Exactly what will run; `null` when the request is about a host. */
      readonly command: string | null;
      readonly cwd?: string;
      readonly reason: string | null;
      /** The host that a command wants to reach. */
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
      /** One line for each permission that is asked for, such as `"network"` or `"write build/out"`. */
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

/**
 * `"answered"`: the server has an answer, be it from this client or from another. `"over"`: nobody needs one
 * any more.
 */
export type RequestOutcome = "answered" | "over";

export interface PlanStep {
  readonly step: string;
  readonly status: "pending" | "inProgress" | "completed" | (string & Record<never, never>);
}

/** Numbers of tokens. */
export interface TokenCounts {
  readonly input: number;
  /** Of `input`, as many were read from the cache. */
  readonly cachedInput: number;
  readonly output: number;
  /** Of `output`, as many were spent on reasoning. */
  readonly reasoning: number;
  readonly total: number;
}

/** Why a turn did not complete, fit for users: nothing in it comes from the server or from an error's message. */
export interface TurnProblem {
  /** A stable name: the reason of a failed turn (`TurnFailureReason`), or the `code` of an error. */
  readonly code: string;
  /** A sentence or two. */
  readonly title: string;
}
