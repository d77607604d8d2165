import { InvalidArgumentError } from "../../errors/invalid-argument-error.js";
import type { ToolContent } from "../../index.js";
import type { PromptPart } from "./model-types.js";
import { readFile } from "./prompt-file.js";

/** What came of a call of one of the caller's tools. */
export interface ToolAnswer {
  readonly toolCallId: string;
  readonly toolName: string;
  readonly failed: boolean;
  readonly content: readonly ToolContent[];
}

/**
 * Reads a tool's result, in the shape of either version.
 *
 * @throws InvalidArgumentError for a file in it that the server does not take.
 */
export function readToolAnswer(part: PromptPart, where: string): ToolAnswer {
  const { toolCallId, toolName } = part;
  if (typeof toolCallId !== "string" || typeof toolName !== "string") {
    throw new InvalidArgumentError(
      where,
      "must name the call and the tool that it is the result of",
    );
  }
  const output = writable(part.output ?? {});
  const failed = /^(error|execution)-/.test(String(output.type));
  return { toolCallId, toolName, failed, content: contentOf(output, where) };
}

/** The text of an answer, for places that take nothing else. */
export function textOfAnswer({ content }: ToolAnswer): string {
  return content.map((item) => (item.type === "text" ? item.text : `[${item.type}]`)).join("\n");
}

interface Fields {
  readonly type?: unknown;
  readonly value?: unknown;
  readonly reason?: unknown;
}

/** A turn waits for the result, also for one that is no JSON: the model is told so. */
function writable(output: Fields): Fields {
  if (output.type !== "json" && output.type !== "error-json") return output;
  try {
    JSON.stringify(output.value);
    return output;
  } catch {
    return { type: "error-text", value: "The result of the tool cannot be written as JSON." };
  }
}

function contentOf({ type, value, reason }: Fields, where: string): readonly ToolContent[] {
  switch (type) {
    case "text":
    case "error-text":
      return [{ type: "text", text: String(value) }];
    case "json":
    case "error-json":
      return [{ type: "text", text: value === undefined ? "null" : JSON.stringify(value) }];
    case "execution-denied": {
      const why = typeof reason === "string" && reason !== "" ? `: ${reason}` : ".";
      return [{ type: "text", text: `The user has declined this call${why}` }];
    }
    case "content":
      if (Array.isArray(value)) {
        return value.map((each: unknown, index) =>
          pieceOf((each ?? {}) as Piece, `${where}.output.value[${index}]`),
        );
      }
      break;
    default:
  }
  throw new InvalidArgumentError(`${where}.output`, "must be of a type that tools can give");
}

interface Piece extends PromptPart {
  readonly url?: unknown;
}

function pieceOf(piece: Piece, where: string): ToolContent {
  if (piece.type === "text") return { type: "text", text: String(piece.text) };
  if (!/^(file|image)(-data|-url)?$/.test(piece.type)) {
    throw new InvalidArgumentError(where, "must be a text, or a file with its content");
  }
  const mediaType = piece.mediaType ?? (piece.type.startsWith("image") ? "image" : undefined);
  return readFile({ ...piece, mediaType, data: piece.data ?? piece.url }, where);
}
