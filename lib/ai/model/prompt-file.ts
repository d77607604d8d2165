import { isBytes } from "../../async/realms.js";
import { InvalidArgumentError } from "../../errors/invalid-argument-error.js";
import type { PromptPart } from "./model-types.js";

/** A file of a prompt that the server takes. */
export type PromptFile =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "image"; readonly url: string }
  | { readonly type: "audio"; readonly url: string };

/**
 * Reads a file, in the shape of either version: images, sounds and texts, as bytes, as base64, or as a `data:`
 * URL.
 *
 * @throws InvalidArgumentError for what the server does not take.
 */
export function readFile({ data, mediaType }: PromptPart, where: string): PromptFile {
  const media = typeof mediaType === "string" ? mediaType : "";
  const [family = ""] = media.split("/");
  const content = unwrap(data);
  if (isObject(content) && content["type"] === "text" && typeof content["text"] === "string") {
    return { type: "text", text: content["text"] };
  }
  if (family !== "image" && family !== "audio" && family !== "text") {
    const kind = media === "" ? "a file without a media type" : `a file of the type ${media}`;
    throw new InvalidArgumentError(where, `has ${kind}; Codex takes images, sounds and texts only`);
  }
  const bytes = bytesOf(content, where);
  if (family === "text") return { type: "text", text: bytes.toString("utf8") };
  // What image it is, the bytes tell; what sound, only the type.
  const named = family === "image" && !/^image\/[\w.+-]+$/.test(media) ? "image/png" : media;
  return { type: family, url: `data:${named};base64,${bytes.toString("base64")}` };
}

/** Version 4 says what data are; version 3 has them bare. */
function unwrap(data: unknown): unknown {
  if (!isObject(data)) return data;
  if (data["type"] === "data") return data["data"];
  return data["type"] === "url" ? data["url"] : data;
}

function bytesOf(content: unknown, where: string): Buffer {
  if (isBytes(content)) {
    return Buffer.from(content.buffer, content.byteOffset, content.byteLength);
  }
  const text = content instanceof URL ? content.href : content;
  if (typeof text !== "string") {
    throw new InvalidArgumentError(
      where,
      "has a file that is neither bytes, nor base64, nor a URL",
    );
  }
  const inline = /^data:[^,]*;base64,/i.exec(text);
  if (inline) return Buffer.from(text.slice(inline[0].length), "base64");
  if (/^[a-z][a-z\d+.-]*:/i.test(text)) {
    throw new InvalidArgumentError(
      where,
      "has a URL that is not downloaded; pass the bytes instead",
    );
  }
  return Buffer.from(text, "base64");
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !isBytes(value);
}
