import type { JsonValue } from "../../../generated/types.js";
import type { ToolContent, ToolOutput } from "../../index.js";
import type { PromptPart } from "../model/model-types.js";
import { readToolAnswer, textOfAnswer } from "../model/tool-answer.js";
import { fieldsIn } from "./harness-schema.js";

/** What a host gives for a call of one of the caller's tools. */
export interface HostResult {
  readonly output: unknown;
  readonly isError?: boolean;
  /** The same as a part of a message, where it came as such. */
  readonly toolResult?: unknown;
}

interface ReadResult {
  /** As the host is told it back. */
  readonly result: JsonValue;
  /** What the model is told. */
  readonly output: ToolOutput;
  /** What the model is told of a call that failed. */
  readonly problem?: string;
}

export function readHostResult(
  toolName: string,
  toolCallId: string,
  { output, isError = false, toolResult }: HostResult,
): ReadResult {
  const read = contentOf(toolName, toolCallId, toolResult ?? { output });
  const result = toJson(output);
  const content = read.content ?? (output as ToolOutput);
  if (!isError && !read.failed) return { result, output: content };
  return { result, output: content, problem: read.text ?? toText(output) };
}

function contentOf(
  toolName: string,
  toolCallId: string,
  part: unknown,
): { failed: boolean; text?: string; content?: ToolContent[] } {
  const { output } = fieldsIn(part);
  const type = fieldsIn(output)["type"];
  const isTyped =
    ("type" in fieldsIn(part) && typeof type === "string") ||
    type === "execution-denied" ||
    (type === "content" && Array.isArray(fieldsIn(output)["value"]));
  if (!isTyped) return { failed: false };
  const given = { type: "tool-result", toolName, toolCallId, output } as PromptPart;
  const answer = readToolAnswer(given, "toolResult");
  const content = [...answer.content] as ToolContent[];
  return { failed: answer.failed, text: textOfAnswer(answer), content };
}

function toText(output: unknown): string {
  if (typeof output === "string") return output;
  const { error } = fieldsIn(output);
  return typeof error === "string" ? error : JSON.stringify(output ?? null);
}

function toJson(output: unknown): JsonValue {
  const text = JSON.stringify(output) as string | undefined;
  return text === undefined ? null : (JSON.parse(text) as JsonValue);
}
