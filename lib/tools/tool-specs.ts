import type { DynamicToolSpec, JsonValue } from "../../generated/types.js";
import { InvalidArgumentError } from "../errors/invalid-argument-error.js";
import { checkToolName } from "./define-tool.js";
import type { Tool } from "./tool.js";

/**
 * Makes the `dynamicTools` of `thread/start` from `tools`, with the caller's own after them; undefined for
 * none.
 *
 * @throws InvalidArgumentError
 */
export function toDynamicTools(
  tools: readonly Tool[] | undefined,
  raw: readonly DynamicToolSpec[] | null | undefined,
): DynamicToolSpec[] | null | undefined {
  if (tools === undefined) return raw === undefined || raw === null ? raw : [...raw];
  checkTools(tools);
  const names = new Set(tools.map(({ name }) => name));
  for (const [index, spec] of (raw ?? []).entries()) {
    if (spec.type === "namespace" || !names.has(spec.name)) continue;
    throw new InvalidArgumentError(
      `dynamicTools[${index}]`,
      "must not have the name of one of the tools",
    );
  }
  return [...tools.map(toSpec), ...(raw ?? [])];
}

/** Checks a list of tools, wherever it is given. */
export function checkTools(tools: unknown, where = "tools"): asserts tools is readonly Tool[] {
  if (!Array.isArray(tools)) throw new InvalidArgumentError(where, "must be an array of tools");
  const names = new Set<string>();
  for (const [index, tool] of (tools as unknown[]).entries()) {
    const place = `${where}[${index}]`;
    if (!isTool(tool)) throw new InvalidArgumentError(place, "must be made by defineTool");
    checkToolName(tool.name, `${place}.name`);
    if (names.has(tool.name)) {
      throw new InvalidArgumentError(`${place}.name`, "must not be used by two tools");
    }
    names.add(tool.name);
  }
}

function isTool(value: unknown): value is Tool {
  if (typeof value !== "object" || value === null) return false;
  const { execute, inputSchema } = value as Partial<Tool>;
  return typeof execute === "function" && typeof inputSchema === "object";
}

function toSpec({ name, description, inputSchema }: Tool): DynamicToolSpec {
  return { type: "function", name, description, inputSchema: inputSchema as JsonValue };
}
