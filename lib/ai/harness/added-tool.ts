import type { Tool, ToolContext } from "../../index.js";
import type { HarnessToolSpec } from "./harness-types.js";

/**
 * The tool through which the model calls those that its thread was started without: the server keeps the tools of a
 * thread as they were at its start.
 */
export const addedTool = "call_added_tool";

export function toolForAdded(tools: readonly Tool[]): Tool {
  return {
    name: addedTool,
    description: "Calls a tool that the application has added to this conversation.",
    inputSchema: {
      type: "object",
      properties: { tool: { type: "string" }, input: {} },
      required: ["tool", "input"],
    },
    execute: async (given: unknown, context: ToolContext) => {
      const call = unwrapCall(addedTool, given);
      const tool = tools.find(({ name }) => name === call.tool);
      if (!tool) throw new Error("There is no such tool; call one that the application has named.");
      return tool.execute(call.input, context);
    },
  };
}

/** What the model is told of a tool that is new, or was changed. */
export function howToCall({ name, description = "", inputSchema }: HarnessToolSpec): string {
  return [
    `From now on there is the tool ${name}; it replaces an earlier tool of this name.`,
    description,
    `Call it through ${addedTool}, with "tool": ${JSON.stringify(name)} and "input" of this JSON Schema:`,
    JSON.stringify(inputSchema ?? { type: "object" }),
  ].join("\n");
}

export interface UnwrappedCall {
  readonly tool: string;
  readonly input: unknown;
}

/** The tool and the input of a call, as the host is to see it. */
export function unwrapCall(tool: string, input: unknown): UnwrappedCall {
  if (tool !== addedTool) return { tool, input };
  const { tool: name, input: own } = Object(input) as {
    readonly tool?: unknown;
    readonly input?: unknown;
  };
  return { tool: typeof name === "string" ? name : tool, input: own };
}
