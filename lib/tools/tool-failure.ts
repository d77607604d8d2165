import type { DynamicToolCallResponse } from "../../generated/types.js";
import { isToolInputError } from "./tool-errors.js";
import { formatPath } from "../schema/json-schema.js";

/** How much of an error the model gets to see (characters). */
const maxCharacters = 1_000;

/**
 * A failed call. The model sees nothing but the text, `success` is for the item only, so the text
 * says that it is a failure.
 */
export function toolFailure(error: unknown): DynamicToolCallResponse {
  return { contentItems: [{ type: "inputText", text: explain(error) }], success: false };
}

function explain(error: unknown): string {
  if (isToolInputError(error)) {
    const issues = error.issues.map(({ path, message }) =>
      path.length === 0 ? `- ${message}` : `- ${formatPath(path)}: ${message}`,
    );
    return shorten(`The arguments do not fit the tool's input:\n${issues.join("\n")}`);
  }
  const message = messageOf(error);
  return message === "" ? "The tool failed." : shorten(`The tool failed: ${message}`);
}

function messageOf(error: unknown): string {
  if (typeof error === "string") return error;
  if (typeof error !== "object" || error === null) return "";
  const message: unknown = Reflect.get(error, "message");
  return typeof message === "string" ? message : "";
}

function shorten(text: string): string {
  return text.length <= maxCharacters ? text : `${text.slice(0, maxCharacters)}…`;
}
