import type { DynamicToolCallOutputContentItem } from "../../generated/types.js";
import { isBytes, isCollection } from "../async/realms.js";
import { asBuffer, parseDataUrl, toDataUrl } from "../media/data-url.js";
import { readSound } from "../media/read-audio.js";
import { readImage } from "../media/read-image.js";
import type { ToolOutput } from "./tool.js";

/**
 * Writes what a tool has returned as the protocol's content items. Content items are known by their
 * exact keys; whatever else is an object or an array becomes JSON text.
 *
 * @throws TypeError for what cannot be written; the message is meant for the model.
 */
export function toContentItems(output: ToolOutput): DynamicToolCallOutputContentItem[] {
  if (output === undefined) return [text("")];
  if (typeof output === "string") return [text(output)];
  const items = Array.isArray(output) && output.length > 0 ? (output as unknown[]) : [output];
  const content = items.map(toContentItem);
  return content.every((item) => item !== undefined) ? content : [text(toJson(output))];
}

/** Undefined for what is no content item. */
function toContentItem(value: unknown): DynamicToolCallOutputContentItem | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { type, ...rest } = value as Record<string, unknown>;
  const keys = Object.keys(rest).sort().join();
  switch (`${String(type)}(${keys})`) {
    case "text(text)":
    case "inputText(text)":
      return typeof rest.text === "string" ? text(rest.text) : undefined;
    case "image(url)":
      return media("image", rest.url);
    case "inputImage(imageUrl)":
      return media("image", rest.imageUrl);
    case "audio(url)":
      return media("audio", rest.url);
    case "inputAudio(audioUrl)":
      return media("audio", rest.audioUrl);
    case "image(data,mediaType)":
      return media("image", urlOf("image", rest));
    case "audio(data,mediaType)":
      return media("audio", urlOf("audio", rest));
    default:
      return undefined;
  }
}

function text(value: string): DynamicToolCallOutputContentItem {
  return { type: "inputText", text: value };
}

function media(kind: "image" | "audio", url: unknown): DynamicToolCallOutputContentItem {
  const data = typeof url === "string" ? parseDataUrl(url) : undefined;
  if (!data)
    throw new TypeError(`its ${kind} must be a data: URL, since the server takes no other`);
  const { bytes } = data;
  const read = kind === "image" ? readImage(bytes) : readSound(data);
  // The server would leave it out.
  if (read.problem !== undefined) throw new TypeError(`its ${kind} ${read.problem}`);
  const readable = toDataUrl({ mediaType: read.mediaType, bytes });
  return kind === "image"
    ? { type: "inputImage", imageUrl: readable }
    : { type: "inputAudio", audioUrl: readable };
}

function urlOf(kind: "image" | "audio", { data, mediaType }: Record<string, unknown>): string {
  if (!isBytes(data) || typeof mediaType !== "string") {
    throw new TypeError(`its ${kind} must have a Uint8Array as data and a text as mediaType`);
  }
  if (!mediaType.startsWith(`${kind}/`)) {
    throw new TypeError(`its ${kind} must have a mediaType that begins with ${kind}/`);
  }
  return toDataUrl({ mediaType, bytes: asBuffer(data) });
}

function toJson(value: unknown): string {
  let json: string | undefined;
  try {
    // `JSON.stringify` gives nothing for functions and symbols, whatever the declaration says.
    if (!isCollection(value)) json = JSON.stringify(value);
  } catch {
    // The model is told in words of ours.
  }
  if (json === undefined) throw new TypeError("its result cannot be written as JSON");
  return json;
}
