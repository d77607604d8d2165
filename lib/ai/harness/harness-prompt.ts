import { InvalidArgumentError } from "../../errors/invalid-argument-error.js";
import { check, notBlank } from "../../errors/check-values.js";
import type { InputItem } from "../../index.js";
import type { PromptPart } from "../model/model-types.js";
import { readFile } from "../model/prompt-file.js";
import { fieldsIn } from "./harness-schema.js";
import type { HarnessPromptOptions } from "./harness-types.js";

/**
 * Reads the prompt of a turn: a text, or a message of the user with texts, images, sounds and text files.
 *
 * @throws InvalidArgumentError for a file that the server does not take, and for a prompt that says nothing.
 */
export function harnessInput(prompt: HarnessPromptOptions["prompt"]): InputItem[] {
  const content = typeof prompt === "string" ? prompt : fieldsIn(prompt)["content"];
  if (typeof content === "string") {
    check("prompt", content, notBlank);
    return [{ type: "text", text: content }];
  }
  if (!Array.isArray(content) || content.length === 0) {
    throw new InvalidArgumentError("prompt", "must be a text, or a message of the user");
  }
  return content.map((part: unknown, index) =>
    inputOf(fieldsIn(part) as unknown as PromptPart, `prompt.content[${index}]`),
  );
}

function inputOf(part: PromptPart & { readonly image?: unknown }, where: string): InputItem {
  switch (part.type) {
    case "text":
      return { type: "text", text: String(part.text) };
    case "image":
      return readFile({ mediaType: "image", ...part, data: part.image }, where);
    case "file":
      return readFile(part, where);
    default:
      throw new InvalidArgumentError(where, "must be a text, an image or a file");
  }
}
