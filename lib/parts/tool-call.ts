import {
  fieldsOf,
  listOf,
  numberOf,
  shallow,
  textOf,
  textsOf,
  type Fields,
} from "./loose-fields.js";
import type { FileChangeFact, ToolCall, ToolStatus } from "./part-types.js";
import type { Visibility } from "./part-options.js";
import { visibleUpdate } from "./visible-diff.js";
import type { VisiblePaths } from "./visible-paths.js";

/** How a tool call has ended, as its item tells. */
export interface ToolOutcome {
  readonly status: ToolStatus;
  /** Its whole output, as far as it may be shown. */
  readonly output: string | undefined;
  readonly exitCode?: number;
  readonly durationMs?: number;
  readonly error?: string;
}

/** The tool call that an item is; undefined for an item that is none. */
export function toolCallOf(item: Fields, visibility: Visibility): ToolCall | undefined {
  const { show, paths } = visibility;
  const kind = textOf(item["type"]);
  const tool = textOf(item["tool"]) ?? "";
  const args = (): unknown => (show.toolArguments ? shallow(item["arguments"]) : null);
  switch (kind) {
    case "commandExecution":
      return {
        ...commandOf(item, visibility),
        ...(item["source"] === "userShell" ? { byUser: true } : {}),
      };
    case "fileChange":
      return { kind, changes: changesOf(item["changes"], visibility) };
    case "mcpToolCall":
      return { kind: "mcp", server: textOf(item["server"]) ?? "", tool, arguments: args() };
    case "dynamicToolCall":
      return {
        kind: "function",
        namespace: textOf(item["namespace"]) ?? null,
        tool,
        arguments: args(),
      };
    case "webSearch":
      return { kind, query: queryOf(item) };
    case "collabAgentToolCall":
      return {
        kind: "subagent",
        action: tool,
        prompt: textOf(item["prompt"]) ?? null,
        threadIds: textsOf(item["receiverThreadIds"]),
      };
    case "subAgentActivity": {
      const threadId = textOf(item["agentThreadId"]);
      const threadIds = threadId === undefined ? [] : [threadId];
      return { kind: "subagent", action: textOf(item["kind"]) ?? "", prompt: null, threadIds };
    }
    case "imageView":
      return { kind, path: paths.show(textOf(item["path"]) ?? "") };
    case "imageGeneration":
      return { kind, prompt: textOf(item["revisedPrompt"]) ?? null };
    case "sleep":
      return { kind, durationMs: numberOf(item["durationMs"]) ?? 0 };
    default:
      return undefined;
  }
}

/** A command, as its item or the request to approve it describes it. */
export function commandOf(
  fields: Fields,
  { paths }: Visibility,
): Extract<ToolCall, { kind: "command" }> {
  const command = textOf(fields["command"]) ?? "";
  return { kind: "command", command, ...cwdOf(fields, paths) };
}

/** The directory of a command, if it may be shown. */
export function cwdOf({ cwd }: Fields, paths: VisiblePaths): { cwd?: string } {
  const shown = typeof cwd === "string" ? paths.showOrHide(cwd) : undefined;
  return shown === undefined ? {} : { cwd: shown };
}

export function changesOf(value: unknown, visibility: Visibility): readonly FileChangeFact[] {
  return listOf(value).map((each) => changeOf(fieldsOf(each), visibility));
}

function changeOf({ path, kind, diff }: Fields, { show, paths }: Visibility): FileChangeFact {
  const change = textOf(fieldsOf(kind)["type"]) ?? "update";
  const target = textOf(fieldsOf(kind)["move_path"]);
  const text = show.diffs ? (textOf(diff) ?? "") : "";
  return {
    path: paths.show(textOf(path) ?? ""),
    change,
    ...(target === undefined ? {} : { movedTo: paths.show(target) }),
    // The text of a file that is added has no headers, whatever its lines look like.
    diff:
      change === "add" || change === "delete"
        ? text
        : visibleUpdate(text, (each) => paths.show(each)),
  };
}

function queryOf(item: Fields): string {
  const action = fieldsOf(item["action"]);
  const queries = textsOf(action["queries"]).join(", ");
  const choices = [item["query"], action["query"], queries, action["url"], action["pattern"]];
  return choices.map(textOf).find((each) => each !== undefined && each !== "") ?? "";
}

/** How the call has ended that a completed item is. */
export function toolOutcomeOf(item: Fields, { show }: Visibility): ToolOutcome {
  const isCommand = item["type"] === "commandExecution";
  const exitCode = numberOf(item["exitCode"]);
  const durationMs = numberOf(item["durationMs"]);
  const mayShow = isCommand ? show.commandOutput : show.toolOutput;
  const error = textOf(fieldsOf(item["error"])["message"]);
  return {
    status: statusOf(item),
    output: mayShow ? outputOf(item) : undefined,
    ...(isCommand && exitCode !== null ? { exitCode } : {}),
    // That of a sleep is its input.
    ...(durationMs !== null && item["type"] !== "sleep" ? { durationMs } : {}),
    ...(error !== undefined && show.toolOutput ? { error } : {}),
  };
}

function statusOf({ status, success, failure, type }: Fields): ToolStatus {
  if (type === "subAgentActivity") return "completed";
  if (success === false || (typeof failure === "object" && failure !== null)) return "failed";
  switch (status) {
    case "failed":
    case "declined":
    case "interrupted":
      return status;
    default:
      return "completed";
  }
}

function outputOf(item: Fields): string | undefined {
  const { aggregatedOutput, result, contentItems, agentsStates } = item;
  switch (item["type"]) {
    case "commandExecution":
      return textOf(aggregatedOutput);
    case "mcpToolCall": {
      const { content, structuredContent = null } = fieldsOf(result);
      const text = joinTexts(content);
      if (text !== "" || structuredContent === null) return text === "" ? undefined : text;
      return JSON.stringify(shallow(structuredContent));
    }
    case "dynamicToolCall":
      return joinTexts(contentItems) || undefined;
    case "collabAgentToolCall": {
      const states = Object.values(fieldsOf(agentsStates));
      const messages = states.flatMap((state) => textOf(fieldsOf(state)["message"]) ?? []);
      return messages.join("\n") || undefined;
    }
    default:
      return undefined;
  }
}

/** Text is shown; of an image or a sound, only that there is one. */
function joinTexts(content: unknown): string {
  const pieces = listOf(content).map((each) => {
    const { type, text } = fieldsOf(each);
    if (typeof text === "string") return text;
    const [, kind] = /(image|audio|resource)/i.exec(textOf(type) ?? "") ?? [];
    return `[${kind?.toLowerCase() ?? "other content"}]`;
  });
  return pieces.join("\n");
}
