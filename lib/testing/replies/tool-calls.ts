import type { JsonObject } from "../json.js";
import { eventsPart, type ReplyPart } from "./reply.js";

export interface CallOptions {
  /** Id of the call, which comes back with its output. Default: a fresh one. */
  readonly callId?: string;
}

export interface FunctionCallOptions extends CallOptions {
  /** The group the tool belongs to, for tools that have one. */
  readonly namespace?: string;
}

/**
 * A call of any function tool, dynamic tools included. `args` becomes the JSON text of the call; a
 * string is sent as it is, which allows malformed arguments.
 */
export function functionCall(
  name: string,
  args: JsonObject | string = {},
  options: FunctionCallOptions = {},
): ReplyPart {
  return eventsPart((makeId) => [
    {
      type: "response.output_item.done",
      item: {
        type: "function_call",
        id: makeId("fc"),
        call_id: options.callId ?? makeId("call"),
        name,
        namespace: options.namespace,
        arguments: typeof args === "string" ? args : JSON.stringify(args),
      },
    },
  ]);
}

/** A call of a free-form tool. Most models are offered none; `applyPatch()` works for all. */
export function customToolCall(name: string, input: string, options: CallOptions = {}): ReplyPart {
  return eventsPart((makeId) => [
    {
      type: "response.output_item.done",
      item: {
        type: "custom_tool_call",
        id: makeId("ctc"),
        call_id: options.callId ?? makeId("call"),
        name,
        input,
      },
    },
  ]);
}

export interface ShellOptions extends CallOptions {
  /**
   * How long the server waits for the command before it asks the model again, in milliseconds. A
   * command that runs longer goes on in the background. Default: 10,000.
   */
  readonly yieldTimeMs?: number;
  /** Directory to run in. Default: the thread's. */
  readonly workdir?: string;
  /** Give the command a terminal. Default: the server's own choice (no). */
  readonly tty?: boolean;
  /** How much output the model wants back, in tokens. */
  readonly maxOutputTokens?: number;
  /** `"require_escalated"` asks to run outside the sandbox, which needs an approval. */
  readonly sandboxPermissions?: "use_default" | "require_escalated";
  /** The reason shown with the approval. */
  readonly justification?: string;
}

/** A shell command, which really runs on this machine. */
export function shell(command: string, options: ShellOptions = {}): ReplyPart {
  const args: JsonObject = {
    cmd: command,
    yield_time_ms: options.yieldTimeMs ?? 10_000,
    workdir: options.workdir,
    tty: options.tty,
    max_output_tokens: options.maxOutputTokens,
    sandbox_permissions: options.sandboxPermissions,
    justification: options.justification,
  };
  return functionCall("exec_command", args, options);
}

/** A file change: a patch in the `*** Begin Patch` format. */
export function applyPatch(patch: string, options: CallOptions = {}): ReplyPart {
  // As a shell command, because only some models are offered the patch tool itself.
  return shell(`apply_patch <<'EOF'\n${patch.trimEnd()}\nEOF\n`, options);
}

/** A file change that adds one text file. `path` is relative to the thread's directory. */
export function addFile(path: string, content: string, options: CallOptions = {}): ReplyPart {
  const lines = content.replace(/\n$/u, "").split("\n");
  const added = lines.map((line) => `+${line}`).join("\n");
  return applyPatch(`*** Begin Patch\n*** Add File: ${path}\n${added}\n*** End Patch`, options);
}

/** A call of a tool of an MCP server, by the server's name in the configuration. */
export function mcpTool(
  server: string,
  tool: string,
  args: JsonObject = {},
  options: CallOptions = {},
): ReplyPart {
  return functionCall(tool, args, { ...options, namespace: `mcp__${server}` });
}

/** A web search that the model's side has carried out. */
export function webSearch(query: string): ReplyPart {
  return eventsPart((makeId) => {
    const id = makeId("ws");
    const action = { type: "search", query };
    return [
      {
        type: "response.output_item.added",
        item: { type: "web_search_call", id, status: "in_progress", action },
      },
      {
        type: "response.output_item.done",
        item: { type: "web_search_call", id, status: "completed", action },
      },
    ];
  });
}
