import type { JsonValue } from "../../../generated/types.js";
import { InvalidArgumentError } from "../../errors/invalid-argument-error.js";
import type { PromptMessage, PromptPart } from "./model-types.js";
import { readFile } from "./prompt-file.js";
import { readToolAnswer, textOfAnswer } from "./tool-answer.js";

/**
 * Former messages as items of the Responses API: what the user and the assistant said, and the calls of the
 * caller's tools with their results. Reasoning, and what Codex has done by itself, is left out.
 *
 * @throws InvalidArgumentError for a file that the server does not take there.
 */
export function historyItems(messages: readonly PromptMessage[]): JsonValue[] {
  return messages.flatMap(({ role, content }, index) => {
    if (typeof content === "string") return [];
    return content.flatMap((part, place) =>
      itemsOf(role, part, `prompt[${index}].content[${place}]`),
    );
  });
}

function itemsOf(role: string, part: PromptPart, where: string): JsonValue[] {
  switch (`${role}/${part.type}`) {
    case "user/text":
    case "user/file":
      return [{ type: "message", role, content: [contentOf(part, where)] }];
    case "assistant/text":
      return [{ type: "message", role, content: [{ type: "output_text", text: textOf(part) }] }];
    case "assistant/tool-call":
      if (part.providerExecuted === true) return [];
      return [
        {
          type: "function_call",
          call_id: String(part.toolCallId),
          name: String(part.toolName),
          arguments: JSON.stringify(part.input ?? {}),
        },
      ];
    case "tool/tool-result": {
      const answer = readToolAnswer(part, where);
      const output = textOfAnswer(answer);
      return [{ type: "function_call_output", call_id: answer.toolCallId, output }];
    }
    default:
      return [];
  }
}

function contentOf(part: PromptPart, where: string): JsonValue {
  if (part.type === "text") return { type: "input_text", text: textOf(part) };
  const file = readFile(part, where);
  if (file.type === "text") return { type: "input_text", text: file.text };
  if (file.type === "image") return { type: "input_image", image_url: file.url };
  throw new InvalidArgumentError(where, "has a sound, which only the newest messages may have");
}

function textOf({ text }: PromptPart): string {
  return typeof text === "string" ? text : "";
}
