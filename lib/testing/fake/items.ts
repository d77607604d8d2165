import type { FileUpdateChange, ThreadItem, UserInput } from "../../../generated/types.js";

type ItemOf<T extends ThreadItem["type"]> = Extract<ThreadItem, { type: T }>;

/** How a command went that never ran. */
export interface CommandOutcome {
  /** What it wrote (default: nothing). */
  readonly output?: string;
  /** Default: 0. Any other is a failure. */
  readonly exitCode?: number;
}

export type FileChanges = FileUpdateChange[];

export function userMessageItem(
  id: string,
  content: UserInput[],
  clientId: string | null,
): ItemOf<"userMessage"> {
  return { type: "userMessage", id, clientId, content };
}

export function messageItem(
  id: string,
  phase: "commentary" | "final_answer",
): ItemOf<"agentMessage"> {
  return {
    type: "agentMessage",
    id,
    text: "",
    phase,
    moderation: null,
    memoryCitation: null,
    delivery: null,
    questions: null,
  };
}

export function reasoningItem(id: string): ItemOf<"reasoning"> {
  return { type: "reasoning", id, summary: [], content: [] };
}

export function commandItem(id: string, command: string, cwd: string): ItemOf<"commandExecution"> {
  return {
    type: "commandExecution",
    id,
    pluginId: null,
    scriptPath: null,
    command,
    cwd,
    processId: null,
    source: "agent",
    status: "inProgress",
    commandActions: [{ type: "unknown", command }],
    aggregatedOutput: null,
    exitCode: null,
    durationMs: null,
  };
}

export function fileChangeItem(id: string, changes: FileChanges): ItemOf<"fileChange"> {
  return { type: "fileChange", id, changes, status: "inProgress" };
}

export function toolCallItem(
  id: string,
  tool: string,
  args: ItemOf<"dynamicToolCall">["arguments"],
): ItemOf<"dynamicToolCall"> {
  return {
    type: "dynamicToolCall",
    id,
    namespace: null,
    tool,
    arguments: args,
    status: "inProgress",
    contentItems: null,
    success: null,
    durationMs: null,
  };
}

/** The pieces in which a text is streamed: its words, each with the space behind it. */
export function words(text: string): string[] {
  return text.match(/\s*\S+\s*/g) ?? (text === "" ? [] : [text]);
}
